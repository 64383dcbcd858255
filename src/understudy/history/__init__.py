"""The figures of a run, read again from its folder, and a picture of them."""
