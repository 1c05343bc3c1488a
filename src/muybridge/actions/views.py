"""Views: the clips of one video that a classifier looks at, cut as its weights expect them.

    temporal views (num_clips=3)          spatial views (num_crops=3)            a closer look
    |xxx......xxx......xxx|               |[ 1 ][ 2 ][ 3 ]|  longer side         |  [ ]   |  at what moves

Published accuracies are averages over views; the record of each weights says how many. Three crops see what lies at the
sides; a closer look sees what is small.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from muybridge.actions.closer_look import closer_look, cut_clip
from muybridge.counts import check_count
from muybridge.errors import OptionError
from muybridge.models.weights import Weights
from muybridge.video.packets import PacketTable
from muybridge.video.reader import open_video
from muybridge.video.sampling import clip_starts, fps_indices, stride_indices

__all__ = ["crop_corners", "num_spatial_views", "read_size", "read_views", "resized_size", "spatial_views"]

MAX_CLIPS = 64


def read_views(
    path: str | Path, record: Weights, *, num_clips: int | None = None, num_crops: int = 1
) -> NDArray[np.uint8]:
    """Read the views of a video; each frame is decoded once, however many views share it.

    Args:
        path: the video.
        record: says how many frames at which rate, and which sizes.
        num_clips: temporal views, evenly from start to end; a single one lies in the middle. None for as many as the
            record asks for.
        num_crops: spatial views: 1 in the center, or 3 along the longer side. Weights that know close looks
            (`Weights.closest_zoom`) see what moves instead, in one view.

    Returns:
        (num_clips * num_spatial_views(record, num_crops), T, size_px, size_px, 3) uint8.

    Raises:
        OptionError: numbers of views that do not exist.
        VideoError: the video cannot be read.

    >>> record = Weights("small", num_frames=4, size_px=24, resize_px=(32, 40))
    >>> read_views(getfixture("sample_video"), record, num_clips=2, num_crops=3).shape
    (6, 4, 24, 24, 3)
    """
    num_clips = record.num_clips if num_clips is None else num_clips
    check_count("num_clips", num_clips, most=MAX_CLIPS)
    if num_crops not in (1, 3):
        raise OptionError(f"num_crops is {num_crops}; it is 1 (center) or 3 (along the longer side)")
    with open_video(path) as video:
        rows = _clip_indices(video.packets, record, num_clips)
        size = read_size(video.metadata.width, video.metadata.height, record)
        clip = video.frames_at(indices=np.concatenate(rows).tolist(), size_px=size, resize="squash")
    return spatial_views(
        clip.pixels.reshape(num_clips, record.num_frames, *clip.pixels.shape[1:]), record, num_crops=num_crops
    )


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


def _clip_indices(packets: PacketTable, record: Weights, num_clips: int) -> list[NDArray[np.int64]]:
    num_frames, num_available = record.num_frames, len(packets)
    if record.frames_per_second is None:
        span = (num_frames - 1) * record.stride + 1
        starts = clip_starts(num_available, span, num_clips)
        return [
            stride_indices(num_available, num_frames, stride=record.stride, start=int(start))
            for start in starts
        ]
    rate = record.frames_per_second / record.stride
    first = float(packets.pts_seconds[0])
    room = max(0.0, float(packets.pts_seconds[-1]) - first - (num_frames - 1) / rate)
    offsets = np.linspace(0, room, num_clips) if num_clips > 1 else np.array([room / 2])
    return [
        fps_indices(
            packets.pts_seconds, num_frames, frames_per_second=rate, start_seconds=first + float(offset)
        )
        for offset in offsets
    ]


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
