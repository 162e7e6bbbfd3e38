"""The ANSI colours that tools print with."""

from __future__ import annotations

GREEN, RED, YELLOW, DIM, BOLD, CYAN, OFF = (
    "\x1b[32m",
    "\x1b[31m",
    "\x1b[33m",
    "\x1b[2m",
    "\x1b[1m",
    "\x1b[36m",
    "\x1b[0m",
)
