"""What a model makes of a text, place by place."""
