"""How training looks, on a terminal, in a notebook, and elsewhere; with `cli`, all that prints."""
