"""Every frame of a file, or of a stretch of it, seen by the shot detector.

Two threads share the work: one decodes and samples the decoder's own planes, the other looks at them. They meet
once for every few frames, since each meeting costs as much as looking at one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from muybridge.motion.appearance import ANALYSIS_SIDE_PX, Appearance, describe_planes, dissimilarity
from muybridge.motion.shots import Boundary, ShotDetector
from muybridge.video.ahead import ahead

if TYPE_CHECKING:
    from muybridge.video.reader import Video

__all__ = ["scan"]

FRAMES_PER_BATCH = 8
Sampled = tuple[tuple[NDArray[np.uint8], ...], float]


def scan(video: Video, *, first: int = 0, end: int | None = None) -> list[Boundary]:
    """The boundaries that `ShotDetector` finds, in order.

    Args:
        video: an opened file.
        first: the place of the first frame to be seen.
        end: the place after the last one; None for the end of the file.

    Raises:
        VideoDecodeError: not one frame could be decoded.
    """
    detector, found = ShotDetector(), list[Boundary]()
    last: Appearance | None = None
    for batch in ahead(_batches(video, first, end), max_waiting=4):
        for planes, pts_seconds in batch:
            look = describe_planes(*planes)
            change = dissimilarity(last, look) if last is not None else 0.0
            found += detector.observe_look(look, pts_seconds, change)
            last = look
    return found + detector.finish()


def _batches(video: Video, first: int, end: int | None) -> Iterator[list[Sampled]]:
    start = float(video.packets.pts_seconds[first]) if first else None
    batch: list[Sampled] = []
    for picture in video.pictures(start_seconds=start, quick=True, short_side_px=ANALYSIS_SIDE_PX):
        if end is not None and picture.index >= end:
            break
        batch.append((picture.sample(ANALYSIS_SIDE_PX), picture.pts_seconds))
        if len(batch) == FRAMES_PER_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
