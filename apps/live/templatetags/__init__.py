"""Template tags that every page is built from."""
