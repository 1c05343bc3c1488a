"""How exact the times of frames are, and which frame a moment belongs to: one rule wherever frames are looked up.

    clock of milliseconds    0      0.067     0.133     0.2      15 frames a second
    moments meant            0      0.0666…   0.1333…   0.2      each is one frame: 0.067 is what 1 / 15 became

Matroska, WebM and FLV count in whole milliseconds. In a high-speed video so much is a whole frame, hence the limit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["places_shown", "slot_leeway"]

ROUNDING_SECONDS = 6e-4
"""How far a frame's time may be from when it was meant to appear."""
STEP_SHARE = 0.25
"""Of the step from one frame to the next, or from one moment to the next, at most."""


def places_shown(pts_seconds: NDArray[np.float64], moments: ArrayLike) -> NDArray[np.int64]:
    """The frame that is shown at each moment, or that was rounded to just after it.

    Args:
        pts_seconds: (N,) ascending, N > 0, when each frame appears.
        moments: (M,), or of any other shape.

    Returns:
        Places in `pts_seconds`, of the same shape; before the first frame it is the first, after the last the last.

    >>> places_shown(np.array([0.0, 0.067, 0.133]), [0.0, 1 / 15, 0.066, 9.0]).tolist()
    [0, 1, 0, 2]
    >>> places_shown(np.arange(8) / 2000, [0.0, 0.001, 0.0014]).tolist()
    [0, 2, 3]
    """
    moments = np.asarray(moments, np.float64)
    last = len(pts_seconds) - 1
    now = np.clip(np.searchsorted(pts_seconds, moments, side="right") - 1, 0, last)
    after = np.minimum(now + 1, last)
    leeway = np.minimum(ROUNDING_SECONDS, STEP_SHARE * (pts_seconds[after] - pts_seconds[now]))
    return np.where(pts_seconds[after] - moments <= leeway, after, now).astype(np.int64)


def slot_leeway(frames_per_second: float) -> float:
    """How many seconds before a slot of 1 / rate seconds begins a frame may appear that belongs to it.

    >>> slot_leeway(15.0), slot_leeway(1000.0)
    (0.0006, 0.00025)
    """
    return min(ROUNDING_SECONDS, STEP_SHARE / frames_per_second)
