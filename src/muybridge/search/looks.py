"""What each few seconds of a video look like, kept in a store to find a clip, or a copy of a video, again."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.analysis.descriptors import VideoDescriptor, describe_frames
from muybridge.observer import Finding, View
from muybridge.values import Frame, Segment, VideoMetadata
from muybridge.video.reader import Pace, open_video

__all__ = ["Look", "LooksObserver", "look_of", "looks_of_file", "segment_of"]

LOOKS_PER_SECOND = 5.0
"""Half the rate of `analysis.comparison`: a store holds many hours."""
_FRAMES_PER_LOOK = 20
_SIDE_PX = 64
APPEARANCE_DIMENSION = 768


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A few seconds of a video in numbers.

    Args:
        start_seconds: where they begin.
        end_seconds: where they end.
        appearance: (768,) float32, edges and colors by place.
        seconds: (N,) float64, when each frame was looked at.
        fingerprints: (N,) uint64, a hash of each frame.
        is_plain: (N,) bool: a frame of one color, whose hash means nothing.
    """

    start_seconds: float
    end_seconds: float
    appearance: NDArray[np.float32]
    seconds: NDArray[np.float64]
    fingerprints: NDArray[np.uint64]
    is_plain: NDArray[np.bool_]


class LooksObserver:
    """Describes every four seconds of a video, as segments of kind `"look"`.

    >>> from muybridge.pipeline import watch
    >>> with open_video(getfixture("sample_video")) as video:
    ...     found = watch(video.pictures(), [LooksObserver()], video.metadata)
    >>> [(one.kind, one.start_seconds, one.end_seconds) for one in found]
    [('look', 0.0, 2.0)]
    """

    name = "looks"

    def __init__(self) -> None:
        self.view = View(frames_per_second=LOOKS_PER_SECOND, short_side_px=96, sparing=True)
        self._pixels: list[NDArray[np.uint8]] = []
        self._seconds: list[float] = []

    def settings(self) -> Mapping[str, Any]:
        """Nothing can be set."""
        return {"version": 3}

    def start(self, source: VideoMetadata) -> None:
        """Forget everything."""
        self._pixels, self._seconds = [], []

    def observe(self, frame: Frame) -> Iterable[Finding]:
        """Gather frames; describe them when there are enough."""
        found = []
        if len(self._pixels) == _FRAMES_PER_LOOK:
            found.append(self._describe(frame.pts_seconds))
        small = cv2.resize(frame.pixels, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
        self._pixels.append(np.asarray(small, np.uint8))
        self._seconds.append(frame.pts_seconds)
        return found

    def finish(self, end_seconds: float) -> Iterable[Finding]:
        """Describe the rest."""
        return [self._describe(end_seconds)] if self._pixels else []

    def state(self) -> Mapping[str, Any]:
        """The frames that wait to be described."""
        return {"pixels": list(self._pixels), "seconds": list(self._seconds)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state()`."""
        self._pixels = [np.asarray(pixels, np.uint8) for pixels in state["pixels"]]
        self._seconds = [float(seconds) for seconds in state["seconds"]]

    def _describe(self, end_seconds: float) -> Segment:
        frames = [Frame(p, s) for p, s in zip(self._pixels, self._seconds, strict=True)]
        described = describe_frames(frames)
        start = self._seconds[0]
        self._pixels, self._seconds = [], []
        return Segment(start, max(start, end_seconds), "look", attributes=_to_attributes(described))


def look_of(segment: Segment) -> Look:
    """The numbers of a segment of kind `"look"`."""
    data = segment.attributes
    return Look(
        segment.start_seconds,
        segment.end_seconds,
        np.frombuffer(base64.b64decode(data["appearance"]), "<f2").astype(np.float32),
        np.array(data["seconds"], np.float64),
        np.frombuffer(base64.b64decode(data["fingerprints"]), "<u8").astype(np.uint64),
        np.array(data["is_plain"], np.bool_),
    )


def segment_of(look: Look) -> Segment:
    """The segment of kind `"look"` whose numbers `look_of` gives."""
    attributes = {
        "appearance": base64.b64encode(look.appearance.astype("<f2").tobytes()).decode(),
        "seconds": look.seconds.tolist(),
        "fingerprints": base64.b64encode(look.fingerprints.astype("<u8").tobytes()).decode(),
        "is_plain": look.is_plain.tolist(),
    }
    return Segment(look.start_seconds, look.end_seconds, "look", attributes=attributes)


def looks_of_file(path: str | Path) -> list[Look]:
    """Describe a clip in the same way as the observer does.

    Raises:
        VideoError: it cannot be read.
    """
    observer = LooksObserver()
    with open_video(path) as video:
        observer.start(video.metadata)
        found: list[Finding] = []
        end = video.metadata.start_seconds
        # A pass leaves the same pictures out: the same bytes are to give the same looks.
        pace = Pace.of(observer.view)
        for picture in video.pictures(quick=True, sparing=observer.view.sparing):
            if not pace.wants_picture(picture):
                continue
            frame = picture.frame(observer.view)
            found += observer.observe(frame)
            end = frame.pts_seconds + 1 / LOOKS_PER_SECOND
        duration = video.metadata.duration_seconds
        found += observer.finish(end if duration is None else video.metadata.start_seconds + duration)
    return [look_of(segment) for segment in found if isinstance(segment, Segment)]


def descriptor_of(looks: Iterable[Look]) -> VideoDescriptor:
    """The fingerprints of several looks as one descriptor."""
    rows = list(looks)
    bits = np.concatenate([look.fingerprints for look in rows]).astype("<u8").view(np.uint8).reshape(-1, 8)
    nothing = np.zeros(0)
    return VideoDescriptor(
        np.concatenate([look.seconds for look in rows]),
        np.unpackbits(bits, axis=1).astype(np.bool_),
        np.concatenate([look.is_plain for look in rows]),
        appearance=nothing,
        motion=nothing,
        end_seconds=rows[-1].end_seconds,
    )


def _to_attributes(described: VideoDescriptor) -> dict[str, Any]:
    packed = np.packbits(described.fingerprints, axis=1)
    return {
        "appearance": base64.b64encode(described.appearance.astype("<f2").tobytes()).decode(),
        "seconds": [round(float(seconds), 6) for seconds in described.pts_seconds],
        "fingerprints": base64.b64encode(packed.tobytes()).decode(),
        "is_plain": [bool(plain) for plain in described.is_plain],
    }
