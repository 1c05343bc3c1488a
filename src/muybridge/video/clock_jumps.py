"""Clocks that jump and come back: one flipped bit moves the times of a packet, or of a whole cluster, by hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Mended", "mended"]

LEEWAY = 3
"""Steps of the usual length: less is no jump, and jumps cancel out if no more than that remains, or a pause."""
MAX_JUMPS = 8
"""So many may follow one another until the clock is back, as each packet may have a bit of its own that is wrong."""


class Mended(NamedTuple):
    """Times without the jumps, and the stretches that were moved: from the first packet to the one after the last."""

    pts: list[int]
    dts: list[int]
    stretches: list[tuple[int, int]]


def mended(pts: Sequence[int], dts: Sequence[int]) -> Mended:
    """Move what lies between jumps that cancel each other out to where the clock around it goes on.

    Args:
        pts: of each packet in the order of the file, in ticks.
        dts: the same, when they are decoded; these tell of the jumps.

    >>> mended([0, 10, 920, 930, 40, 50], [0, 10, 920, 930, 40, 50])
    Mended(pts=[0, 10, 20, 30, 40, 50], dts=[0, 10, 20, 30, 40, 50], stretches=[(2, 4)])

    What goes back and does not come again is another file; what only goes on is a pause:

    >>> mended([0, 10, 20, 0, 10], [0, 10, 20, 0, 10]).stretches, mended([0, 900], [0, 900]).stretches
    ([], [])
    """
    steps: NDArray[np.int64] = np.asarray(np.diff(np.asarray(dts, np.int64)), np.int64)
    shifts = np.zeros(len(dts), np.int64)
    stretches: list[tuple[int, int]] = []
    if steps.size and steps.min() < 0:
        usual = max(1, int(np.median(steps)))
        excess = steps - usual
        jumps = np.flatnonzero(np.abs(excess) > LEEWAY * usual)
        number = 0
        while number < len(jumps):
            some = jumps[number : number + MAX_JUMPS]
            drift: NDArray[np.int64] = np.cumsum(excess[some])
            num_away = _num_away(drift, steps[some], LEEWAY * usual)
            for place, moved in zip(some[:num_away], drift, strict=False):
                shifts[place + 1 :] = -moved
            if num_away:
                end = int(some[num_away]) + 1
                shifts[end:] = 0
                stretches.append((int(some[0]) + 1, end))
            number += num_away + 1
    new_dts = np.asarray(dts, np.int64) + shifts
    # Where only the times of decoding are wrong, those of presentation are near them as they are.
    new_pts = np.asarray(pts, np.int64)
    new_pts = np.where(
        np.abs(new_pts + shifts - new_dts) < np.abs(new_pts - new_dts), new_pts + shifts, new_pts
    )
    return Mended(new_pts.tolist(), new_dts.tolist(), stretches)


def _num_away(drift: NDArray[np.int64], steps: NDArray[np.int64], leeway: int) -> int:
    """How many of these jumps lead away before one leads back; 0 where none does."""
    # Packets may be lost where the clock was wrong. What comes back from the past is rather another file with a pause.
    most = max(leeway, int(drift[0]) // 2)
    for count in range(1, len(drift)):
        if -leeway <= drift[count] <= most:
            # Two pauses of a slow clock do not cancel out; one of the jumps goes back.
            return count if steps[: count + 1].min() < 0 else 0
    return 0
