"""People: how they are called and shown."""
