"""A run -> the page that it leaves on itself."""
