"""What moves in front of the camera: regions of one frame pair, followed over time.

    two frames + camera ─► pixels the camera does not explain ─► regions ─► tracks of the last seconds

A pixel counts as moving where the current frame differs from the previous one after the camera's motion has
been taken out. Under a moving camera it must also lie outside what the pixel's neighbors show, so that an
error of half a pixel in the camera's motion makes no object. The flow tells where the region goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.motion.camera import VISIBLE_PX, CameraMotion

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
    previous: NDArray[np.uint8],
    current: NDArray[np.uint8],
    camera: CameraMotion,
    *,
    moved: NDArray[np.uint8] | None = None,
) -> NDArray[np.bool_]:
    """Which pixels of the current frame the camera's motion does not explain.

    Args:
        previous: (H, W) uint8 luma.
        current: (H, W) uint8 luma.
        camera: the camera's motion from one to the other.
        moved: `camera.moved(previous)`, where it has been made already.

    Returns:
        (H, W) bool.
    """
    height, width = current.shape
    lowest: NDArray[Any] = previous
    highest: NDArray[Any] = previous
    shown: NDArray[Any] | None = None
    if camera.reach_px >= VISIBLE_PX:
        size, square = (width, height), np.ones((3, 3), np.uint8)
        warped = camera.moved(previous) if moved is None else moved
        whole = np.full((height, width), 255, np.uint8)
        shown = cv2.erode(cv2.warpPerspective(whole, camera.matrix, size), np.ones((5, 5), np.uint8))
        # Halfway to the neighbors: what an error of half a pixel would show.
        lowest = cv2.addWeighted(cv2.erode(warped, square), 0.5, warped, 0.5, 0)
        highest = cv2.addWeighted(cv2.dilate(warped, square), 0.5, warped, 0.5, 0)
    # A change of light over the whole picture is no motion.
    brighter = round(cv2.mean(current)[0] - cv2.mean(previous)[0])
    level = current if brighter == 0 else cv2.addWeighted(current, 1.0, current, 0.0, -brighter)
    outside = cv2.max(cv2.subtract(lowest, level), cv2.subtract(level, highest))
    moving = cv2.blur(outside, (3, 3)) > _NOISE_LEVELS
    return np.asarray(moving if shown is None else moving & (shown == 255))


def find_regions(
    moving: NDArray[np.bool_], flow: NDArray[np.float32], camera: CameraMotion | None = None
) -> list[Region]:
    """The connected parts of the moving pixels, the largest first.

    Args:
        moving: (H, W) bool.
        flow: (H, W, 2) float32, pixels of displacement.
        camera: whose motion is taken off the flow; None where it has been.
    """
    height, width = moving.shape
    pixels = moving.view(np.uint8)
    least = max(6, _MIN_AREA_SHARE * height * width)
    if cv2.countNonZero(pixels) < least:
        return []
    radius = max(1, round(_JOIN_HEIGHTS * height))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    # 16 bits for the labels take half of the time of 32.
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(
        cv2.dilate(pixels, disk), connectivity=8, ltype=cv2.CV_16U
    )
    regions = []
    for index in (1 + np.argsort(-boxes[1:, cv2.CC_STAT_AREA], kind="stable")[:_MAX_REGIONS]).tolist():
        left, top, box_width, box_height, _ = boxes[index].tolist()
        inside = slice(top, top + box_height), slice(left, left + box_width)
        own = pixels[inside] if count == 2 else pixels[inside] * (labels[inside] == index)
        moments = cv2.moments(own, binaryImage=True)
        area = moments["m00"]
        if area < least:
            continue
        x, y = left + moments["m10"] / area, top + moments["m01"] / area
        dx, dy = cv2.mean(flow[inside], mask=own)[:2]
        if camera is not None:
            # Exact, as the mean of a similarity over pixels is what it does to their center.
            camera_dx, camera_dy = camera.shift_at(x, y)
            dx, dy = dx - camera_dx, dy - camera_dy
        # Take the widening back, except where the picture's border cut it.
        right = width if left + box_width == width else left + box_width - radius
        bottom = height if top + box_height == height else top + box_height - radius
        left, top = left and left + radius, top and top + radius
        values = (x, y, dx, dy, left, top, right - left, bottom - top, area / height)
        regions.append(Region(*(value / height for value in values)))
    return sorted(regions, key=lambda region: -region.area)


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
