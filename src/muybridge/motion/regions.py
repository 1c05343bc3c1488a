"""What moves in front of the camera: regions of one frame pair, followed over time.

    two frames + camera ─► pixels the camera does not explain ─► regions ─► tracks of the last seconds

A pixel counts as moving where the current frame differs from the previous one after the camera's motion has
been taken out. Under a moving camera it must also lie outside what the pixel's neighbors show, so that an
error of one pixel in the camera's motion makes no object. The flow tells where the region goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.motion.camera import CameraMotion

__all__ = ["Region", "RegionTracker", "Track", "find_regions", "moving_pixels"]

_NOISE_LEVELS = 8
"""Gray levels by which noise and compression change a still pixel of a small picture."""
_JOIN_HEIGHTS = 0.03
"""Moving parts nearer than twice this many picture heights are one region: the limbs of a person."""
_MIN_AREA_SHARE = 0.0006
_MAX_REGIONS = 8


@dataclass(frozen=True, slots=True)
class Region:
    """A connected part of the picture that moves; lengths are in picture heights, y points down.

    Args:
        x: center of the moving pixels.
        y: center of the moving pixels.
        dx: mean own motion of the pixels during the frame pair, by flow.
        dy: mean own motion of the pixels during the frame pair, by flow.
        left: the box around them.
        top: the box around them.
        width: of the box.
        height: of the box.
        area: of the moving pixels, in squared picture heights.
    """

    x: float
    y: float
    dx: float
    dy: float
    left: float
    top: float
    width: float
    height: float
    area: float


def moving_pixels(
    previous: NDArray[np.uint8], current: NDArray[np.uint8], camera: CameraMotion
) -> NDArray[np.bool_]:
    """Which pixels of the current frame the camera's motion does not explain.

    Args:
        previous: (H, W) uint8 luma.
        current: (H, W) uint8 luma.
        camera: the camera's motion from one to the other.

    Returns:
        (H, W) bool.
    """
    height, width = current.shape
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)
    moved = cv2.perspectiveTransform(corners[None], camera.matrix)[0]
    shown = None
    if np.abs(moved - corners).max() < 0.25:
        lowest = highest = previous
    else:
        warped = cv2.warpPerspective(
            previous, camera.matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        seen = np.full((height, width), 255, np.uint8)
        shown = cv2.erode(
            cv2.warpPerspective(seen, camera.matrix, (width, height)), np.ones((5, 5), np.uint8)
        )
        square = np.ones((3, 3), np.uint8)
        lowest, highest = cv2.erode(warped, square), cv2.dilate(warped, square)
    # A change of light over the whole picture is no motion.
    brighter = round(float(np.mean(current) - np.mean(previous)))
    level = cv2.subtract(current, brighter) if brighter > 0 else cv2.add(current, -brighter)
    outside = cv2.max(cv2.subtract(lowest, level), cv2.subtract(level, highest))
    moving = cv2.blur(outside, (3, 3)) > _NOISE_LEVELS
    return np.asarray(moving if shown is None else moving & (shown == 255))


def find_regions(moving: NDArray[np.bool_], own_flow: NDArray[np.float32]) -> list[Region]:
    """The connected parts of the moving pixels, the largest first.

    Args:
        moving: (H, W) bool.
        own_flow: (H, W, 2) float32, pixels of displacement that the camera does not explain.
    """
    height, width = moving.shape
    if not moving.any():
        return []
    radius = max(1, round(_JOIN_HEIGHTS * height))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    joined = cv2.dilate(moving.astype(np.uint8), disk)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8, ltype=cv2.CV_32S)
    y, x = np.nonzero(moving)
    label = labels[y, x]
    area = np.bincount(label, minlength=count)
    flow = own_flow[y, x]

    def mean(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(label, weights=values, minlength=count) / np.maximum(area, 1)

    x_mean, y_mean, dx, dy = mean(x), mean(y), mean(flow[:, 0]), mean(flow[:, 1])
    regions = []
    for index in np.argsort(-area, kind="stable")[:_MAX_REGIONS]:
        if index == 0 or area[index] < max(6, _MIN_AREA_SHARE * height * width):
            continue
        left, top = max(0, boxes[index, 0] + radius), max(0, boxes[index, 1] + radius)
        right = min(width, boxes[index, 0] + boxes[index, 2] - radius)
        bottom = min(height, boxes[index, 1] + boxes[index, 3] - radius)
        # A box cut by the picture's border was not widened there.
        left, top = (0 if boxes[index, 0] == 0 else left), (0 if boxes[index, 1] == 0 else top)
        right = width if boxes[index, 0] + boxes[index, 2] == width else right
        bottom = height if boxes[index, 1] + boxes[index, 3] == height else bottom
        values = (x_mean[index], y_mean[index], dx[index], dy[index], left, top, right - left, bottom - top)
        regions.append(Region(*(float(value) / height for value in values), float(area[index]) / height**2))
    return regions


@dataclass(slots=True)
class Track:
    """One region over the last seconds, in coordinates of the current picture.

    Args:
        number: 0-based, in the order of appearance.
        rows: (N, 10) float64, one row for each frame pair: seconds, x, y, then the own velocity (vx, vy) by
            flow in picture heights per second, left, top, width, height and area as in `Region`.
    """

    number: int
    rows: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 10)))

    @property
    def last_seconds(self) -> float:
        """When it was seen last."""
        return float(self.rows[-1, 0])

    def since(self, seconds: float) -> NDArray[np.float64]:
        """The rows from that time on."""
        return self.rows[np.searchsorted(self.rows[:, 0], seconds) :]


class RegionTracker:
    """Follows regions from pair to pair by where their boxes overlap.

    Args:
        memory_seconds: how much of each track is kept.
        patience_seconds: how long a region may hold still before it is forgotten.
    """

    def __init__(self, *, memory_seconds: float = 3.0, patience_seconds: float = 0.6) -> None:
        self.memory_seconds = memory_seconds
        self.patience_seconds = patience_seconds
        self.tracks: list[Track] = []
        self._num_seen = 0

    def push(self, seconds: float, duration: float, regions: list[Region], camera: CameraMotion) -> None:
        """Add what moved during the `duration` seconds that end at `seconds`."""
        self._follow_camera(camera)
        free = list(regions)
        for track in sorted(self.tracks, key=lambda item: (-item.rows[-1, 9], item.number)):
            own = [region for region in free if _overlaps(track.rows[-1], region)]
            if own:
                free = [region for region in free if region not in own]
                track.rows = np.vstack([track.rows, _row(seconds, duration, own)])
        for region in free:
            self.tracks.append(Track(self._num_seen, _row(seconds, duration, [region])[None]))
            self._num_seen += 1
        self.tracks = [t for t in self.tracks if seconds - t.last_seconds <= self.patience_seconds]
        for track in self.tracks:
            track.rows = track.since(seconds - self.memory_seconds)

    def forget(self) -> None:
        """Drop all tracks: another scene begins."""
        self.tracks = []

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        tracks = [{"number": track.number, "rows": track.rows.copy()} for track in self.tracks]
        return {"num_seen": self._num_seen, "tracks": tracks}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._num_seen = int(state["num_seen"])
        self.tracks = [Track(int(item["number"]), np.array(item["rows"])) for item in state["tracks"]]

    def _follow_camera(self, camera: CameraMotion) -> None:
        # Where things were is told in coordinates of the new picture: a pan alone moves no object.
        shift = camera.matrix.copy()
        shift[:2, 2] /= camera.height
        shift[2, :2] *= camera.height
        if np.abs(shift - np.eye(3)).max() < 1e-3:
            return
        for track in self.tracks:
            centers = track.rows[:, 1:3]
            corners = track.rows[:, 5:7]
            track.rows[:, 1:3] = cv2.perspectiveTransform(centers[None].copy(), shift)[0]
            track.rows[:, 5:7] = cv2.perspectiveTransform(corners[None].copy(), shift)[0]


def _overlaps(row: NDArray[np.float64], region: Region, margin: float = 0.03) -> bool:
    left, top, width, height = row[5:9]
    return bool(
        left - margin < region.left + region.width
        and region.left < left + width + margin
        and top - margin < region.top + region.height
        and region.top < top + height + margin
    )


def _row(seconds: float, duration: float, regions: list[Region]) -> NDArray[np.float64]:
    area = sum(region.area for region in regions)

    def mean(name: str) -> float:
        return float(sum(getattr(region, name) * region.area for region in regions)) / area

    left, top = min(region.left for region in regions), min(region.top for region in regions)
    right = max(region.left + region.width for region in regions)
    bottom = max(region.top + region.height for region in regions)
    velocity = (mean("dx") / duration, mean("dy") / duration)
    return np.array([seconds, mean("x"), mean("y"), *velocity, left, top, right - left, bottom - top, area])
