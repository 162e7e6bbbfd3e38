"""How the dashboard's own tables came to be."""
