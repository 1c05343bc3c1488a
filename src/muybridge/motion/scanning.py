"""A file, or a stretch of it, seen by the shot detector: every frame, or all that others are made from.

Two threads share the work: one decodes and does nothing else, the other samples the decoder's own planes and looks at
them: each small step of the first waits for the interpreter, which the second seldom leaves. They meet once for every
few frames, since each meeting costs as much as looking at one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from muybridge.motion.appearance import (
    ANALYSIS_SIDE_PX,
    NEW_SCENE_CHANGE,
    Appearance,
    describe,
    describe_planes,
    dissimilarity,
    steps_between,
)
from muybridge.motion.shots import Boundary, ShotDetector
from muybridge.observer import View
from muybridge.values import LeftOut
from muybridge.video.ahead import ahead

if TYPE_CHECKING:
    from muybridge.video.picture import DecodedPicture
    from muybridge.video.reader import Video

__all__ = ["scan"]

FRAMES_PER_BATCH = 8
MAX_BATCH_BYTES = 12e6  # of decoded frames; six batches at most are in memory
SMALL = View(short_side_px=ANALYSIS_SIDE_PX)


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame that was looked at: its moment, and what it looks like."""

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
    left_out = video.left_out if sparing else None
    last: Seen | None = None
    for batch in ahead(_batches(video, first, end, sparing=sparing), max_waiting=4):
        for picture in batch:
            now = Seen(picture.pts_seconds, describe_planes(*picture.sample(ANALYSIS_SIDE_PX)))
            for step in _steps(last, now, left_out):
                found += detector.observe_look(*step)
            last = now
    return found + detector.finish()


def _steps(
    last: Seen | None, now: Seen, left_out: LeftOut | None
) -> Iterator[tuple[Appearance, float, float]]:
    """The look, the moment and the change of the frames between two that were left out, and of the second."""
    if last is None:
        yield now.look, now.pts_seconds, 0.0
        return
    change = dissimilarity(last.look, now.look)
    between = left_out.seconds(last.pts_seconds, now.pts_seconds) if left_out is not None else []
    if change > NEW_SCENE_CHANGE and between and left_out is not None:
        # A cut, perhaps, and which frame is the first of the new shot must be known.
        for frame in left_out.frames(last.pts_seconds, now.pts_seconds, SMALL):
            other = Seen(frame.pts_seconds, describe(frame.pixels))
            yield other.look, other.pts_seconds, dissimilarity(last.look, other.look)
            last = other
        between, change = [], dissimilarity(last.look, now.look)
    yield from steps_between(last.look, last.pts_seconds, now.look, now.pts_seconds, between, change)


def _batches(video: Video, first: int, end: int | None, *, sparing: bool) -> Iterator[list[DecodedPicture]]:
    start = float(video.packets.pts_seconds[first]) if first else None
    batch: list[DecodedPicture] = []
    frame_bytes = 1.5 * video.metadata.width * video.metadata.height
    most = max(1, min(FRAMES_PER_BATCH, int(MAX_BATCH_BYTES / frame_bytes)))
    pictures = video.pictures(
        start_seconds=start, quick=True, short_side_px=ANALYSIS_SIDE_PX, sparing=sparing
    )
    for picture in pictures:
        if end is not None and picture.index >= end:
            break
        batch.append(picture)
        if len(batch) == most:
            yield batch
            batch = []
    if batch:
        yield batch
