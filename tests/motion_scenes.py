"""Small procedural videos whose camera and objects are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.motion.readings import MotionObserver
from muybridge.observer import Finding
from muybridge.values import Frame, Segment, Signal, VideoMetadata

WIDTH, HEIGHT, RATE = 160, 90, 15.0
Gray = NDArray[np.uint8]


def texture(seed: int, height: int = 600, width: int = 900) -> Gray:
    """Smooth random blobs of several sizes: something to see at each scale."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for size in (4, 9, 20, 45):
        coarse = random.normal(size=(height // size + 2, width // size + 2)).astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + 32 * total, 0, 255).astype(np.uint8)


def view(scene: Gray, x: float, y: float, zoom: float = 1.0, roll_degrees: float = 0.0) -> Gray:
    """What a camera sees that looks at (x, y) and is turned clockwise by that angle."""
    turn = math.radians(roll_degrees)
    c, s = math.cos(turn) / zoom, math.sin(turn) / zoom
    to_scene = np.array([[c, -s, x], [s, c, y]])
    to_scene[:, 2] -= to_scene[:, :2] @ ((WIDTH - 1) / 2, (HEIGHT - 1) / 2)
    return np.asarray(
        cv2.warpAffine(
            scene, to_scene, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
    )  # fmt: skip


def film(draw: Callable[[float], Gray], seconds: float, *, start: float = 0.0) -> Iterator[Frame]:
    for index in range(round(seconds * RATE)):
        time = index / RATE
        yield Frame(draw(time), start + time, 1 / RATE, index)


def paste(picture: Gray, x: float, y: float, patch: Gray) -> Gray:
    """The picture with a patch whose middle is at (x, y)."""
    moved = np.array([[1, 0, x - patch.shape[1] / 2], [0, 1, y - patch.shape[0] / 2]])
    size = (picture.shape[1], picture.shape[0])
    there = cv2.warpAffine(np.full_like(patch, 255), moved, size).astype(np.float32) / 255
    shown = cv2.warpAffine(patch, moved, size).astype(np.float32)
    return np.asarray(picture * (1 - there) + shown * there, np.uint8)


def watch(frames: Iterable[Frame], observer: MotionObserver | None = None) -> list[Finding]:
    observer = observer or MotionObserver(short_side_px=HEIGHT)
    observer.start(VideoMetadata("procedural"))
    findings: list[Finding] = []
    end = 0.0
    for frame in frames:
        findings += observer.observe(frame)
        end = frame.pts_seconds + 1 / RATE
    return [*findings, *observer.finish(end)]


def labels(findings: Iterable[Finding], kind: str) -> list[str]:
    return [item.label for item in findings if isinstance(item, Segment) and item.kind == kind]


def signal(findings: Iterable[Finding], name: str) -> Signal:
    parts = [item for item in findings if isinstance(item, Signal) and item.name == name]
    return Signal(name, np.concatenate([p.seconds for p in parts]), np.concatenate([p.values for p in parts]))
