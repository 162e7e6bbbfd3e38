"""Keeps the process small: what many threads set free goes back to where all of them take it."""

import ctypes

# https://man7.org/linux/man-pages/man3/mallopt.3.html
M_ARENA_MAX = -8
ARENAS = 2


def few_arenas() -> bool:
    """Let threads share two of malloc's arenas; return whether that could be said.

    By itself glibc gives threads up to eight for each core, and each keeps what it was given at its
    fullest: forty threads of sweeps held 40 MB that nobody used. Python holds its lock while it
    asks for memory, so threads hardly ever meet there. To be called before there are threads.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS))
    except (AttributeError, OSError):
        # Not glibc (musl, macOS): its malloc has no such arenas.
        return False
