"""The observer of motion: what the camera does and what moves in front of it, in words and numbers.

small gray frames ─► flow of each pair ─► camera ─► words of the camera lane
                          │                  └────► what it leaves ─► regions ─► words of the object lane
                          └ no match at all: a cut, over which nothing is measured; or, where
                            it lasts for several pairs, too fast a movement
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.motion.camera import (
    VISIBLE_PX,
    CameraMotion,
    CameraSpeed,
    estimate_camera,
    holds_still,
    texture_weights,
)
from muybridge.motion.camera_readings import CameraReader, CameraThresholds
from muybridge.motion.object_readings import ObjectReader
from muybridge.motion.refinement import refine_camera
from muybridge.motion.regions import RegionTracker, find_regions, moving_pixels
from muybridge.observer import Finding, View
from muybridge.values import Frame, Signal, VideoMetadata
from muybridge.video.spare import LEAST_PER_SECOND

__all__ = ["MotionObserver"]

_SIGNALS = {
    "camera motion": "picture heights per second",
    "object motion": "picture heights per second",
    "moving area": "share of the picture",
}
_MIN_INLIER_SHARE = 0.25
_MIN_SIDE_PX = 48
_MAX_ELONGATION = 16
"""How many times as long as wide a picture may be. OpenCV draws none of more than 32,767 pixels a side, and a strip of
two pixels, brought to the view's size, is longer than that."""


class MotionObserver:
    """Reads the camera's and the objects' motion; an `Observer` that is also `Resumable`.

    Gives segments of kind `"camera"`, which follow each other without gaps (`"camera static"`, `"camera pans
    left, zooms in"`, `"camera shakes"`; `"camera unknown"` where nothing can be seen), segments of kind
    `"object"` (`"something moves left"`, `"something runs right"`, `"something falls"`, `"something waves"`),
    and the signals `"camera motion"`, `"object motion"` (mean own speed of what moves, above the camera's)
    and `"moving area"`. Lengths are in picture heights, so no number depends on the resolution. Of a strip more than
    16 times as long as wide the middle is looked at.

    Args:
        frames_per_second: how many frames to look at; fast gestures need 12 or more.
        short_side_px: the size to look at.
        thresholds: from where on a camera motion is worth a word.

    Raises:
        OptionError: a rate or a size that is not positive.

    >>> observer = MotionObserver()
    >>> observer.start(VideoMetadata("still.mp4"))
    >>> picture = np.random.default_rng(0).integers(0, 255, (30, 40), np.uint8).repeat(4, 0).repeat(4, 1)
    >>> seen = [list(observer.observe(Frame(picture, pts_seconds=i / 10))) for i in range(20)]
    >>> [finding.label for finding in observer.finish(2.0) if finding.to_dict().get("kind") == "camera"]
    ['camera static']
    """

    name = "motion"

    def __init__(
        self,
        *,
        frames_per_second: float = 15.0,
        short_side_px: int = 120,
        thresholds: CameraThresholds | None = None,
    ) -> None:
        if short_side_px < _MIN_SIDE_PX:
            raise OptionError(f"short_side_px is {short_side_px}; it must be at least {_MIN_SIDE_PX}")
        self.view = View(
            frames_per_second=frames_per_second,
            short_side_px=short_side_px,
            pixel_format="gray8",
            sparing=frames_per_second <= LEAST_PER_SECOND,
        )
        self.thresholds = thresholds or CameraThresholds()
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._forget()

    def __reduce__(self) -> tuple[Any, ...]:
        # OpenCV's search cannot be pickled, and keeps nothing from one pair to the next.
        return _rebuilt, (type(self), self.view, self.thresholds, self.state())

    def _forget(self) -> None:
        self._picture: NDArray[np.uint8] | None = None
        self._seconds = 0.0
        self._camera: CameraMotion | None = None
        self._camera_reader = CameraReader(self.thresholds)
        self._tracker = RegionTracker()
        self._object_reader = ObjectReader()
        self._chunk: list[list[float]] = []
        # A pair without a match: a cut if the next one has one.
        self._unmatched: tuple[float, float] | None = None
        self._is_lost = False

    def settings(self) -> Mapping[str, Any]:
        """The view and the thresholds."""
        return {"version": 5, "view": asdict(self.view), "thresholds": asdict(self.thresholds)}

    def start(self, source: VideoMetadata) -> None:
        """A new source begins."""
        self._forget()

    def observe(self, frame: Frame) -> Iterable[Finding]:
        """Compare the frame with the one before; return what became certain.

        Raises:
            ShapeError: a frame that is not (H, W) uint8, or smaller than the view can be.
        """
        gray = frame.pixels
        if gray.ndim != 2 or gray.dtype != np.uint8:
            raise ShapeError(f"the frame is {gray.shape} {gray.dtype}; this observer's view is (H, W) uint8")
        if min(gray.shape) < _MIN_SIDE_PX:
            raise ShapeError(
                f"the frame is {gray.shape}; motion needs {_MIN_SIDE_PX} pixels a side, as its view gives"
            )
        seconds = frame.pts_seconds
        previous, start = self._picture, self._seconds
        if previous is not None and seconds <= start:
            return []
        gray = _middle(gray).copy()
        self._picture, self._seconds = gray, seconds
        if previous is None:
            return []
        if previous.shape != gray.shape:
            return [*self._settle_unmatched(), *self._cut(start, seconds)]
        return self._compare(previous, gray, start, seconds)

    def finish(self, end_seconds: float) -> Iterable[Finding]:
        """The source ended; return the rest."""
        if self._picture is None:
            return []
        findings = [*self._settle_unmatched(), *self._camera_reader.finish(self._seconds, end_seconds)]
        return [*findings, *self._object_reader.finish(), *self._flush()]

    def state(self) -> Mapping[str, Any]:
        """All that `restore` needs."""
        return {
            "picture": None if self._picture is None else self._picture.copy(),
            "seconds": self._seconds,
            "camera_matrix": None if self._camera is None else self._camera.matrix.copy(),
            "camera_shares": []
            if self._camera is None
            else [self._camera.inlier_share, self._camera.evidence],
            "camera_reader": self._camera_reader.state(),
            "tracker": self._tracker.state(),
            "object_reader": self._object_reader.state(),
            "chunk": [list(row) for row in self._chunk],
            "unmatched": list(self._unmatched or ()),
            "is_lost": int(self._is_lost),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._forget()
        if state["picture"] is not None:
            self._picture = np.array(state["picture"], np.uint8)
        self._seconds = float(state["seconds"])
        if state["camera_matrix"] is not None and self._picture is not None:
            height, width = self._picture.shape
            share, evidence = state["camera_shares"]
            self._camera = CameraMotion(np.array(state["camera_matrix"]), width, height, share, evidence)
        self._camera_reader.restore(state["camera_reader"])
        self._tracker.restore(state["tracker"])
        self._object_reader.restore(state["object_reader"])
        self._chunk = [list(row) for row in state["chunk"]]
        self._unmatched = tuple(state["unmatched"]) or None
        self._is_lost = bool(state["is_lost"])

    def _compare(
        self, previous: NDArray[np.uint8], current: NDArray[np.uint8], start: float, end: float
    ) -> list[Finding]:
        # Two copies of one frame need no search.
        flow = np.zeros((*current.shape, 2), np.float32)
        if cv2.norm(previous, current, cv2.NORM_INF) > 2:
            flow = np.asarray(self._dis.calc(previous, current, np.empty(0, np.float32)), np.float32)
        if not _matches(previous, current, flow):
            return self._miss(start, end)
        findings = self._settle_unmatched()
        texture = _quick_texture(previous)
        seen = estimate_camera(flow, weights=texture, previous=self._camera)
        known = seen.inlier_share >= _MIN_INLIER_SHARE
        camera = refine_camera(seen, previous, current, weights=texture) if known else seen
        moved = camera.moved(previous) if camera.reach_px >= VISIBLE_PX else None
        if not known or holds_still(previous, current, camera, moved=moved):
            camera = seen = replace(seen, matrix=np.eye(3), evidence=seen.evidence if known else 0.0)
        # The next flow is compared with this one's camera, and this flow with it: both err alike.
        self._camera = seen
        speed = camera.speed(end - start)
        findings += self._camera_reader.push(start, end, speed, camera.inlier_share if known else 0.0)

        regions = find_regions(moving_pixels(previous, current, camera, moved=moved), flow, seen)
        self._tracker.push(end, end - start, regions, camera)
        findings += self._object_reader.push(end, self._tracker.tracks)

        area = sum(region.area for region in regions) * camera.height / camera.width
        own_speed = 0.0
        if regions:
            total = sum(region.area for region in regions)
            own_speed = sum(np.hypot(r.dx, r.dy) * r.area for r in regions) / total / (end - start)
        camera_speed = camera.mean_px / camera.height / (end - start)
        self._chunk.append([start, camera_speed, float(own_speed), area])
        if end - self._chunk[0][0] >= 2.0:
            findings += self._flush()
        return findings

    def _miss(self, start: float, end: float) -> list[Finding]:
        """A pair without a match: whether it is a cut, the next pair tells.

        Shots last longer than a pair, but a camera that is thrown around is not seen to move for several of them.
        """
        if self._unmatched is None and not self._is_lost:
            self._unmatched = (start, end)
            return []
        findings: list[Finding] = []
        for span in (self._unmatched, (start, end)):
            if span is not None:
                findings += self._camera_reader.push(*span, CameraSpeed(0.0, 0.0, 0.0, 0.0), 0.0)
        self._unmatched, self._is_lost, self._camera = None, True, None
        self._tracker.forget()
        return [*findings, *self._object_reader.finish()]

    def _settle_unmatched(self) -> list[Finding]:
        """The pairs without a match are over: a single one was a cut."""
        span, self._unmatched, self._is_lost = self._unmatched, None, False
        return [] if span is None else self._cut(*span)

    def _cut(self, start: float, end: float) -> list[Finding]:
        self._camera = None
        self._tracker.forget()
        return [*self._camera_reader.cut(start, end), *self._object_reader.finish()]

    def _flush(self) -> list[Signal]:
        """The measured pairs since the last call; a pair across a cut has no value."""
        if not self._chunk:
            return []
        table = np.array(self._chunk)
        self._chunk = []
        return [
            Signal(name, table[:, 0], table[:, 1 + column], unit)
            for column, (name, unit) in enumerate(_SIGNALS.items())
        ]


def _rebuilt(
    cls: type[MotionObserver], view: View, thresholds: CameraThresholds, state: Mapping[str, Any]
) -> MotionObserver:
    assert view.frames_per_second is not None
    assert view.short_side_px is not None
    observer = cls(
        frames_per_second=view.frames_per_second, short_side_px=view.short_side_px, thresholds=thresholds
    )
    observer.restore(state)
    return observer


def _middle(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The part around the center that is not too long; a view into the picture, most often all of it."""
    most = _MAX_ELONGATION * min(gray.shape)
    top, left = (max(0, side - most) // 2 for side in gray.shape)
    return gray[top : top + most, left : left + most]


def _quick_texture(gray: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The texture of the half-size picture: a quarter of the work, and the flow is no finer."""
    height, width = gray.shape
    half = cv2.resize(gray, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    weights = texture_weights(np.asarray(half, np.uint8), block_size=5)
    return np.asarray(cv2.resize(weights, (width, height), interpolation=cv2.INTER_NEAREST), np.float32)


def _matches(previous: NDArray[np.uint8], current: NDArray[np.uint8], flow: NDArray[np.float32]) -> bool:
    """Whether some part of the previous picture is found again where the flow leads.

    Correlation of blocks, so that a change of light matches, and a bus that fills half of the picture.
    """
    if float(cv2.norm(previous, current, cv2.NORM_L1)) < 8 * current.size:
        return True
    height, width = previous.shape
    x, y = _every_second_pixel(height, width)
    to_x, to_y = x + flow[::2, ::2, 0], y + flow[::2, ::2, 1]
    found = cv2.remap(current, to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    a, b = previous[::2, ::2].astype(np.float32), found.astype(np.float32)

    def blocks(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.resize(values, (12, 8), interpolation=cv2.INTER_AREA))

    a_mean, b_mean = blocks(a), blocks(b)
    a_variance, b_variance = blocks(a * a) - a_mean**2, blocks(b * b) - b_mean**2
    textured = np.maximum(a_variance, b_variance) > 9
    if textured.sum() < 5:
        return True
    correlation = (blocks(a * b) - a_mean * b_mean) / np.sqrt(np.maximum(a_variance * b_variance, 1))
    return bool(np.mean(correlation[textured] > 0.6) >= 0.35)


@lru_cache(maxsize=4)
def _every_second_pixel(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    y, x = np.mgrid[0:height:2, 0:width:2].astype(np.float32)
    return x, y
