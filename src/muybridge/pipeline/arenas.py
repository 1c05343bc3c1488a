"""Few heaps for many threads.

glibc gives threads heaps of their own (arenas), up to eight for each core, and what a thread frees stays in its heap.
A pass has tens of threads that make and drop pictures, most of them inside FFmpeg and the networks' runtimes, and new
ones with every file that is opened; so in time each heap holds the most that any of its threads ever needed at once.
With two heaps, what one thread frees is there for the next.
"""

from __future__ import annotations

import ctypes
import sys

__all__ = ["limit_arenas"]

M_ARENA_MAX = -8  # <malloc.h>
NUM_ARENAS = 2


def limit_arenas() -> bool:
    """Ask glibc for no more than two heaps from now on; for the whole process.

    Returns:
        Whether it was done: False without glibc (macOS, Windows, Alpine), where nothing changes.

    >>> limit_arenas() in (True, False)
    True
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(M_ARENA_MAX, NUM_ARENAS) == 1
