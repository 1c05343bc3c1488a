"""What the C library does with freed memory; each of these is for the whole process.

**A pass over a video.** glibc gives threads heaps of their own (arenas), up to eight for each core, and what a thread
frees stays in its heap. A pass has tens of threads that make and drop pictures, most of them inside FFmpeg and the
networks' runtimes, and new ones with every file that is opened; so in time each heap holds the most that any of its
threads ever needed at once. With two heaps, what one thread frees is there for the next.

**A training.** glibc gives large buffers back to the system as soon as they are freed and asks for them again a moment
later; the system must clear every page each time. A CPU training that makes and drops hundreds of such buffers a step
can spend more than half of its time there.

Without glibc (macOS, Windows, Alpine) nothing changes.
"""

from __future__ import annotations

import ctypes
import sys

__all__ = ["keep_freed_memory", "limit_arenas"]

# <malloc.h>
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX, M_ARENA_MAX = -1, -2, -4, -8
NUM_ARENAS = 2


def limit_arenas() -> bool:
    """Ask for no more than two heaps from now on.

    Returns:
        Whether it was done.

    >>> limit_arenas() in (True, False)
    True
    """
    return _set({M_ARENA_MAX: NUM_ARENAS})


def keep_freed_memory() -> bool:
    """Keep the memory of one step for the next, in place of returning it.

    Returns:
        Whether it was done.

    >>> keep_freed_memory() in (True, False)
    True
    """
    return _set({M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 2**29})


def _set(options: dict[int, int]) -> bool:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform.startswith("linux") else None
    return mallopt is not None and all(mallopt(name, value) == 1 for name, value in options.items())
