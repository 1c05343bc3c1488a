"""Let the C library keep the memory of one training step for the next.

glibc gives large buffers back to the system as soon as they are freed and asks for them again a moment later; the
system must clear every page each time. A CPU training that makes and drops hundreds of such buffers a step can spend
more than half of its time there.
"""

from __future__ import annotations

import ctypes
import sys

__all__ = ["keep_freed_memory"]

# <malloc.h>
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> bool:
    """Ask glibc to reuse freed memory instead of returning it; for the whole process.

    Returns:
        Whether it was done: False without glibc (macOS, Windows, Alpine), where nothing changes.

    >>> keep_freed_memory() in (True, False)
    True
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, 2**29))
    return all(mallopt(name, value) == 1 for name, value in settings)
