"""Recipe, budget, the loop, checkpoints, the run folder: how a text becomes a model."""
