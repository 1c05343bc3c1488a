"""Few heaps for many threads, and what is free in them goes back to the system.

glibc gives threads heaps of their own (arenas), up to eight for each core, and what a thread frees stays in its heap.
A pass has tens of threads that make and drop pictures, most of them inside FFmpeg and the networks' runtimes, and new
ones with every file that is opened; so in time each heap holds the most that any of its threads ever needed at once.
With two heaps, what one thread frees is there for the next. Still, what lasts lies scattered between what was freed,
and a heap gives back its end only; so now and then it is asked for all pages that nothing lies on.
"""

from __future__ import annotations

import ctypes
import sys

__all__ = ["give_back", "limit_arenas"]

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


def give_back() -> bool:
    """Give free pages back to the system, wherever they lie; takes some milliseconds.

    Returns:
        Whether there were any: False without glibc, too.

    >>> give_back() in (True, False)
    True
    """
    if not sys.platform.startswith("linux"):
        return False
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return malloc_trim is not None and malloc_trim(0) == 1
