"""How many cores this process may use."""

from __future__ import annotations

import os

__all__ = ["num_cores"]


def num_cores() -> int:
    """The cores that this process may run on; no more than `OMP_NUM_THREADS`, where that is set.

    Numeric libraries read the same variable: who sets it wants the other cores for something else.

    >>> num_cores() >= 1
    True
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return max(1, min(cores, int(wanted))) if wanted.isdecimal() else cores
