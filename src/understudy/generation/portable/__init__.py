"""Portable 1, the arithmetic that writes the same text everywhere (docs/portable.md)."""
