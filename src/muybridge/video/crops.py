"""What a model sees of a frame: the size that its weights ask for, and the crop, or what moves.

source ──read_size──► resized ──spatial_views──► crops in the center, along the longer side, or a closer look
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from muybridge.video.closer_look import closer_look, cut_clip

if TYPE_CHECKING:
    from muybridge.models.weights import Weights

__all__ = ["crop_corners", "num_spatial_views", "read_size", "resized_size", "spatial_views"]


def spatial_views(clips: NDArray[np.uint8], record: Weights, *, num_crops: int = 1) -> NDArray[np.uint8]:
    """What is looked at of each clip: crops, or where the weights know close looks, what moves.

    Args:
        clips: (N, T, H, W, 3), of the size that `read_size` tells.
        record: says how large a view is, and how close.
        num_crops: 1 in the center, or 3 along the longer side; of no account for a close look.

    Returns:
        (N * V, T, size_px, size_px, 3), clip by clip; V is `num_spatial_views`.
    """
    side = record.size_px
    if record.closest_zoom > 1:
        looks = [closer_look(clip, max_zoom=record.closest_zoom) for clip in clips]
        views = [cut_clip(clip, look, size_px=(side, side)) for clip, look in zip(clips, looks, strict=True)]
        return np.stack(views)
    corners = crop_corners((clips.shape[3], clips.shape[2]), side, num_crops)
    crops = [clips[:, :, top : top + side, left : left + side] for left, top in corners]
    # Clip by clip, and within a clip crop by crop.
    return np.stack(crops, axis=1).reshape(-1, *crops[0].shape[1:])


def num_spatial_views(record: Weights, num_crops: int) -> int:
    """How many views of each clip `spatial_views` gives."""
    return 1 if record.closest_zoom > 1 else num_crops


def read_size(width: int, height: int, record: Weights) -> tuple[int, int]:
    """(width, height) at which frames are read: large enough for the closest look."""
    resized = resized_size(width, height, record)
    return round(resized[0] * record.closest_zoom), round(resized[1] * record.closest_zoom)


def resized_size(width: int, height: int, record: Weights) -> tuple[int, int]:
    """(width, height) before the crop, at least the size of the crop."""
    target = record.resize_px or record.size_px
    if isinstance(target, tuple):
        resized = target[1], target[0]
    else:
        scale = target / min(width, height)
        # Truncated like torchvision's and the hub's own resizing, so that a frame has their size to the pixel.
        resized = max(target, int(width * scale)), max(target, int(height * scale))
    return max(resized[0], record.size_px), max(resized[1], record.size_px)


def crop_corners(size: tuple[int, int], crop_px: int, num_crops: int) -> list[tuple[int, int]]:
    """(left, top) of each crop."""
    width, height = size
    # Rounded as torchvision rounds its center crop.
    left, top = round((width - crop_px) / 2), round((height - crop_px) / 2)
    if num_crops == 1:
        return [(left, top)]
    if width >= height:
        return [(0, top), (left, top), (width - crop_px, top)]
    return [(left, 0), (left, top), (left, height - crop_px)]
