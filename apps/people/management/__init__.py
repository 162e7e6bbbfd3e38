"""Management commands of people and their accounts."""
