"""Projects: who is in them, what belongs to them, and what follows from that for who sees what."""
