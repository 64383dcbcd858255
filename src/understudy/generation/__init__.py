"""Prompt -> text: engines that step the recurrence, the draw, and the streams that put them together."""
