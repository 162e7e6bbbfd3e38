"""Template tags of pages about pipelines."""
