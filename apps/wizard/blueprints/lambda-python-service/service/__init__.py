"""Quotes for parcels: what it costs to send one."""
