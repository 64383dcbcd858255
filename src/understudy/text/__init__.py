"""Files -> characters -> ids -> batches: the one door by which a text comes in."""
