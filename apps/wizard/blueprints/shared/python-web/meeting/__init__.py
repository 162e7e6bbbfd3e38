"""A meeting's time in several cities at once."""
