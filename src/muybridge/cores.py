"""How many cores there are, and how many threads to use them with."""

from __future__ import annotations

import os

__all__ = ["num_cores", "num_threads"]


def num_cores() -> int:
    """The cores that this process may run on.

    >>> num_cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def num_threads() -> int:
    """How many threads may compute at the same time: a core each, no more than `OMP_NUM_THREADS` where that is set.

    Numeric libraries read the same variable: who sets it wants the other cores for something else.

    >>> 1 <= num_threads() <= num_cores()
    True
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return max(1, min(num_cores(), int(wanted))) if wanted.isdecimal() else num_cores()
