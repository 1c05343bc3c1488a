"""The vectors of a video's frames, a few each second, gathered in the one pass and kept in the cache.

Where the frame rate varies, one frame may be shown for a minute: each vector has the time until which its frame is
shown, and a frame that stays on is embedded even if another one was so just before.

They are reported in chunks as segments of kind `"embedding"`, so that memory stays flat over hours: an 8-hour video
at one frame per second is 28,800 vectors, 30 MB with 512 numbers each.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError
from muybridge.language.image_text import BATCH_SIZE, ImageTextModel
from muybridge.observer import View
from muybridge.values import Frame, Segment, Timeline, VideoMetadata
from muybridge.video.reader import Pace

__all__ = ["FrameVectorsObserver", "shown_until", "vectors_of"]


class FrameVectorsObserver:
    """Embeds frames with an image-text model.

    Args:
        model: what embeds them.
        frames_per_second: how many are looked at: the first in each slot of that length, and those shown for longer.

    Raises:
        OptionError: a rate that is not positive.
    """

    name = "frame vectors"

    def __init__(self, model: ImageTextModel, *, frames_per_second: float = 1.0) -> None:
        if not frames_per_second > 0:
            raise OptionError(f"frames_per_second is {frames_per_second}; it must be positive")
        self.model, self.frames_per_second = model, frames_per_second
        # Of every frame, since the last one of a slot may be the one that stays.
        self.view = View(short_side_px=model.size_px)
        self._forget()

    def _forget(self) -> None:
        self._pace = Pace(self.frames_per_second)
        self._empty()

    def _empty(self) -> None:
        self._frames: list[NDArray[np.uint8]] = []
        self._seconds: list[float] = []
        self._until: list[float] = []

    def settings(self) -> Mapping[str, Any]:
        """The model and the rate."""
        return {
            "version": 2,
            "model": self.model.name,
            "fingerprint": self.model.fingerprint,
            "frames_per_second": self.frames_per_second,
        }

    def start(self, source: VideoMetadata) -> None:
        """Forget everything."""
        self._forget()

    def observe(self, frame: Frame) -> Iterable[Segment]:
        """A full batch is embedded and reported."""
        is_first = self._pace.wants(frame.pts_seconds)
        if not is_first and frame.duration_seconds * self.frames_per_second < 1:
            return []
        self._frames.append(frame.pixels.copy())
        self._seconds.append(frame.pts_seconds)
        self._until.append(frame.pts_seconds + max(0.0, frame.duration_seconds))
        return [self._chunk(frame.pts_seconds)] if len(self._frames) >= BATCH_SIZE else []

    def finish(self, end_seconds: float) -> Iterable[Segment]:
        """The rest."""
        return [self._chunk(end_seconds)] if self._frames else []

    def state(self) -> Mapping[str, Any]:
        """The frames of the batch that is not full yet."""
        return {
            "frames": list(self._frames),
            "seconds": list(self._seconds),
            "until_seconds": list(self._until),
            "last_slot": self._pace.last_slot,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._frames, self._seconds = list(state["frames"]), list(state["seconds"])
        self._until, self._pace.last_slot = list(state["until_seconds"]), state["last_slot"]

    def _chunk(self, end_seconds: float) -> Segment:
        vectors = self.model.embed_images(self._frames).astype("<f2")
        attributes = {
            "seconds": self._seconds,
            "until_seconds": self._until,
            "vectors": base64.b64encode(vectors.tobytes()).decode(),
            "dimensions": int(vectors.shape[1]),
        }
        start, end = self._seconds[0], max(end_seconds, self._seconds[-1])
        self._empty()
        return Segment(start, end, "embedding", self.model.name, None, attributes)


def vectors_of(timeline: Timeline) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """What a `FrameVectorsObserver` reported.

    Returns:
        Times (N,) in seconds of the source, ascending, and vectors (N, D).
    """
    chunks = timeline.of("embedding")
    if not chunks:
        return np.zeros(0), np.zeros((0, 1), np.float32)
    seconds = np.concatenate([np.asarray(chunk.attributes["seconds"], np.float64) for chunk in chunks])
    vectors = [
        np.frombuffer(base64.b64decode(chunk.attributes["vectors"]), "<f2").reshape(
            -1, chunk.attributes["dimensions"]
        )
        for chunk in chunks
    ]
    return seconds, np.concatenate(vectors).astype(np.float32)


def shown_until(timeline: Timeline) -> NDArray[np.float64]:
    """Until when the frames of `vectors_of` are shown.

    Returns:
        (N,) seconds of the source; the frame's own time where the source does not say.
    """
    rows = [
        np.asarray(chunk.attributes.get("until_seconds", chunk.attributes["seconds"]), np.float64)
        for chunk in timeline.of("embedding")
    ]
    return np.concatenate(rows) if rows else np.zeros(0)
