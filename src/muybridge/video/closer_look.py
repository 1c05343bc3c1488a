"""Look closer: where in a clip something moves, and the clip cut to that place.

    frames (T, H, W, 3) ──difference to the next frame, its strongest──► energy ──box of what moves──► CloserLook
                                                                                                            │
    the same frames, larger ───────────────────────────────────────────────────────────── cut ◄─────────────┘

In a picture squeezed to 96 pixels a person who fills half of its height is 48 pixels tall, and her arms are two
wide. Cut to what moves, she is as large as the picture. Where everything moves, as before a moving camera, the
look is the whole picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["CloserLook", "closer_look", "cut_clip"]

SIDE_PX = 96  # of the picture in which movement is looked for
BLUR_PX = 2.0
# A pixel moves if it changes by this share of the strongest change, and by more than noise does (of 255).
SHARE, LEAST = 0.2, 12.0
FILLED = 0.8  # what moves fills this share of the look's height or width
OUTLIERS_PERCENT = 0.5  # of the moving pixels are left out at each side: dust, a clock that counts


@dataclass(frozen=True, slots=True)
class CloserLook:
    """A part of the picture, of the picture's shape.

    Args:
        zoom: the picture's side divided by the part's, 1 or more.
        x: the part's middle, as a share of the picture's width.
        y: the same of its height.
    """

    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5


def closer_look(clip: NDArray[np.uint8], *, max_zoom: float = 2.0) -> CloserLook:
    """Where a clip moves.

    Args:
        clip: frames (T, H, W, 3).
        max_zoom: the closest look.

    Returns:
        The part that holds all movement, inside the picture; the whole picture if nothing moves, or everything.

    >>> clip = np.zeros((4, 96, 96, 3), np.uint8)
    >>> for index, frame in enumerate(clip):
    ...     frame[60:80, 50 + 4 * index : 60 + 4 * index] = 255
    >>> look = closer_look(clip)
    >>> look.zoom, round(look.x, 2), round(look.y, 2)
    (2.0, 0.64, 0.73)
    """
    small = cut_clip(clip, CloserLook(), size_px=(SIDE_PX, SIDE_PX))
    changes = np.abs(np.diff(small.mean(axis=-1, dtype=np.float32), axis=0))
    if not len(changes):
        return CloserLook()
    energy = cv2.GaussianBlur(changes.max(axis=0), (0, 0), BLUR_PX)
    rows, columns = np.nonzero(energy > max(LEAST, SHARE * float(energy.max())))
    if not len(rows):
        return CloserLook()
    sides = [OUTLIERS_PERCENT, 100 - OUTLIERS_PERCENT]
    left, right = np.percentile(columns, sides)
    top, bottom = np.percentile(rows, sides)
    extent = max(right - left, bottom - top, 1.0)
    zoom = float(np.clip(FILLED * SIDE_PX / extent, 1.0, max_zoom))
    half = 0.5 / zoom
    x, y = ((a + b + 1) / 2 / SIDE_PX for a, b in ((left, right), (top, bottom)))
    return CloserLook(zoom, float(np.clip(x, half, 1 - half)), float(np.clip(y, half, 1 - half)))


def cut_clip(clip: NDArray[np.uint8], look: CloserLook, *, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """The part of each frame, (T, H, W, 3) → (T, height, width, 3) for a `size_px` of (width, height).

    >>> clip = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    >>> cut_clip(clip, CloserLook(2.0, 0.25, 0.75), size_px=(8, 8))[0, 0, :3, 0]
    array([128, 129, 130], dtype=uint8)
    """
    height, width = clip.shape[1:3]
    part_height, part_width = (max(1, round(side / look.zoom)) for side in (height, width))
    top = min(height - part_height, max(0, round(look.y * height - part_height / 2)))
    left = min(width - part_width, max(0, round(look.x * width - part_width / 2)))
    part = clip[:, top : top + part_height, left : left + part_width]
    return np.stack([cv2.resize(frame, size_px, interpolation=cv2.INTER_AREA) for frame in part])
