"""Many processes that train one model: which of them this is, and what they do together."""
