"""People seen from another side than the camera's: a depth clip, turned about the axis of the body.

    depth ──► points (x, y, z) ──► each as thick as the limb is wide ──► turned ──► the nearest of each pixel

A depth camera sees the front of a body alone. What lies behind is taken to be as round as it is wide, which is
near enough for a silhouette; where arms hide behind the trunk they stay hidden.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import ShapeError
from muybridge.training.actors import FOREGROUND, PX_PER_M

__all__ = ["turned"]

Pixels = NDArray[np.uint8]

# 1 to 255 stand for 1.6 m to 4 m.
PX_PER_LEVEL = (4.0 - 1.6) / 254 * PX_PER_M
WIDTH_PX = int(1.96 * PX_PER_M)  # arms that reach to both sides
MAX_HALF_WIDTH_PX = 9.0
LAYERS = 6
EDGE_LEVELS = 14.0  # neighbors further apart than this belong to two limbs


def turned(frames: Pixels, yaw_degrees: float) -> Pixels:
    """Depth frames as a camera at the side would see them.

    Args:
        frames: (T, H, W) depth, 0 where nobody is; at the scale of `read_depth_actor`.
        yaw_degrees: by how much the body turns; positive to the left of the picture.

    Returns:
        (T, H, W') depth; the axis of the body is in the middle, W' wide enough for arms that reach forward.

    Raises:
        ShapeError: not (T, H, W).

    >>> ball = np.zeros((1, 60, 60), np.uint8)
    >>> _ = cv2.circle(ball[0], (30, 30), 9, 120, -1)
    >>> width = [int((turned(ball, yaw)[0] > 0).any(axis=0).sum()) for yaw in (0, 90)]
    >>> abs(width[0] - width[1]) <= 4
    True
    """
    if frames.ndim != 3:
        raise ShapeError(f"frames are {frames.shape}; they must be (T, H, W)")
    person = frames > FOREGROUND
    if not person.any():
        return frames
    num_frames, height, width = frames.shape
    half_widths = np.stack([_half_widths(f, p) for f, p in zip(frames, person, strict=True)])
    t, y, x = (axis.astype(np.int32) for axis in np.nonzero(person))
    half = half_widths[t, y, x]
    front = frames[t, y, x].astype(np.float32)
    # Farther than the front by about half a trunk: the axis about which a body turns.
    axis = float(np.median(front)) + 0.7 * MAX_HALF_WIDTH_PX / PX_PER_LEVEL
    across = x - (width - 1) / 2
    along = (front - axis) * PX_PER_LEVEL
    cos, sin = np.cos(np.deg2rad(yaw_degrees)), np.sin(np.deg2rad(yaw_degrees))
    behind = np.linspace(0, 2, LAYERS, dtype=np.float32)[:, None] * half
    turned_x = (across * cos + (along + behind) * sin).ravel()
    turned_z = (-across * sin + (along + behind) * cos).ravel()
    new_width = max(width, WIDTH_PX)
    column = np.clip((turned_x + (new_width - 1) / 2).round(), 0, new_width - 1).astype(np.int32)
    level = np.clip(turned_z / PX_PER_LEVEL + axis, FOREGROUND + 2, 255).astype(np.uint8)
    flat = np.tile((t * height + y) * new_width, LAYERS) + column
    order = np.argsort(255 - level, kind="stable")  # the nearest is written last
    result = np.zeros(num_frames * height * new_width, np.uint8)
    result[flat[order]] = level[order]
    kernel = np.ones((3, 3), np.uint8)
    rows = result.reshape(num_frames, height, new_width)
    closed = [cv2.morphologyEx(f, cv2.MORPH_CLOSE, kernel) for f in rows]
    return np.stack([np.asarray(cv2.medianBlur(f, 5), np.uint8) for f in closed])


def _half_widths(frame: Pixels, person: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How far each pixel is from the edge of its limb, in pixels, at most that of a trunk."""
    near = cv2.erode(np.where(person, frame, np.uint8(255)), np.ones((3, 3), np.uint8))
    inside = person & (frame.astype(np.int16) - near < EDGE_LEVELS)
    distances = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(np.clip(distances, 1, MAX_HALF_WIDTH_PX), np.float32)
