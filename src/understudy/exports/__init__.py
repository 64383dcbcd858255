"""Out of Python: a model as files that something else runs."""
