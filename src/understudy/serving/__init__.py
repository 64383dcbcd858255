"""Models, served to programs and to a page on the same machine."""
