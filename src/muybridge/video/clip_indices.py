"""Which frames make the clips that a model looks at: one rule for naming a video, for training and for tests.

x . x . x . x . . . . .      one clip lies in the middle, several evenly from start to end
      x . x . x x x          where the video ends before the clip, its last frame stays
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from muybridge.video.rounding import places_shown

if TYPE_CHECKING:
    from muybridge.models.weights import Weights

__all__ = ["clip_clock", "clip_indices", "shown_at"]

Indices = NDArray[np.int64]
Moments = NDArray[np.float64]


def clip_indices(pts_seconds: Moments, record: Weights, *, num_clips: int = 1) -> Indices:
    """The frames of the clips that a record asks for.

    Args:
        pts_seconds: (N,) ascending, when each frame appears.
        record: says how many frames at which rate, or at which stride.
        num_clips: how many clips.

    Returns:
        (num_clips, T) places in `pts_seconds`.

    >>> from muybridge.models.weights import Weights
    >>> clip_indices(np.arange(8) / 10, Weights("mine", num_frames=4, frames_per_second=10.0, stride=3)).tolist()
    [[0, 3, 6, 7]]
    """
    clock, step = clip_clock(pts_seconds, record)
    first, last = float(clock[0]), float(clock[-1])
    room = max(0.0, last - first - (record.num_frames - 1) * step)
    starts = np.linspace(0, room, num_clips) if num_clips > 1 else np.array([room / 2])
    if record.frames_per_second is None:
        starts = np.floor(starts + (0.5 if num_clips > 1 else 0.0))
    return shown_at(clock, first + starts[:, None] + step * np.arange(record.num_frames))


def clip_clock(pts_seconds: Moments, record: Weights) -> tuple[Moments, float]:
    """(N,) when each frame appears, and the step from one frame of a clip to the next.

    In seconds where the record has a rate; in frames of the source, whatever their rate, where it has a stride alone.
    """
    if record.frames_per_second is None:
        return np.arange(len(pts_seconds), dtype=np.float64), float(record.stride)
    return pts_seconds, record.stride / record.frames_per_second


def shown_at(clock: Moments, moments: Moments) -> Indices:
    """The frame that is shown at each moment, as a place in the clock; after the end the last one stays."""
    return places_shown(clock, moments)
