"""Ids and state -> logits and state: the language model, and the file that holds it.

Legend of shapes, for the whole project: T time, B batch (lanes or streams), V vocabulary, E embedding, H units,
L layers, G gates of a cell (3 for a GRU, 4 for an LSTM); of a table of n-grams, N lengths, R rows for each, D numbers
a row.
"""
