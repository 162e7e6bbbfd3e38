"""Journeys of changes."""
