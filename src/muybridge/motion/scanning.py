"""Every frame of a file, or of a stretch of it, seen by the shot detector.

Two threads share the work: one decodes and samples the decoder's own planes, the other looks at them. They meet
once for every few frames, since each meeting costs as much as looking at one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from muybridge.motion.appearance import (
    ANALYSIS_SIDE_PX,
    NEW_SCENE_CHANGE,
    Appearance,
    describe_planes,
    dissimilarity,
    steps_between,
)
from muybridge.motion.shots import Boundary, ShotDetector
from muybridge.video.ahead import ahead
from muybridge.video.seeking import read_pictures

if TYPE_CHECKING:
    from muybridge.video.reader import Video

__all__ = ["scan"]

FRAMES_PER_BATCH = 8
Planes = tuple[NDArray[np.uint8], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame that was looked at: its place, its moment, what it looks like."""

    place: int
    pts_seconds: float
    look: Appearance


def scan(video: Video, *, first: int = 0, end: int | None = None, sparing: bool = False) -> list[Boundary]:
    """The boundaries that `ShotDetector` finds, in order.

    Args:
        video: an opened file.
        first: the place of the first frame to be seen.
        end: the place after the last one; None for the end of the file.
        sparing: whether pictures that no other is made from are left out where one scene goes on; see
            `muybridge.video.spare`.

    Raises:
        VideoDecodeError: not one frame could be decoded.
    """
    detector, found = ShotDetector(), list[Boundary]()
    last: Seen | None = None
    for batch in ahead(_batches(video, first, end, sparing=sparing), max_waiting=4):
        for place, pts_seconds, planes in batch:
            now = Seen(place, pts_seconds, describe_planes(*planes))
            for step in _steps(video, last, now):
                found += detector.observe_look(*step)
            last = now
    return found + detector.finish()


def _steps(video: Video, last: Seen | None, now: Seen) -> Iterator[tuple[Appearance, float, float]]:
    """The look, the moment and the change of a frame, after those of the frames before it that were left out."""
    if last is None:
        yield now.look, now.pts_seconds, 0.0
        return
    change = dissimilarity(last.look, now.look)
    left_out = [place for place in range(last.place + 1, now.place) if place in video.spare]
    if change > NEW_SCENE_CHANGE and left_out:
        # A cut, perhaps, and which frame is the first of the new shot must be known.
        decoded = read_pictures(video, left_out, lambda picture: picture.sample(ANALYSIS_SIDE_PX), quick=True)
        for planes, pts_seconds in decoded.values():
            other = Seen(last.place, pts_seconds, describe_planes(*planes))
            yield other.look, pts_seconds, dissimilarity(last.look, other.look)
            last = other
        left_out, change = [], dissimilarity(last.look, now.look)
    between = video.packets.pts_seconds[left_out].tolist()
    yield from steps_between(last.look, last.pts_seconds, now.look, now.pts_seconds, between, change)


def _batches(
    video: Video, first: int, end: int | None, *, sparing: bool
) -> Iterator[list[tuple[int, float, Planes]]]:
    start = float(video.packets.pts_seconds[first]) if first else None
    batch: list[tuple[int, float, Planes]] = []
    pictures = video.pictures(
        start_seconds=start, quick=True, short_side_px=ANALYSIS_SIDE_PX, sparing=sparing
    )
    for picture in pictures:
        if end is not None and picture.index >= end:
            break
        batch.append((picture.index, picture.pts_seconds, picture.sample(ANALYSIS_SIDE_PX)))
        if len(batch) == FRAMES_PER_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
