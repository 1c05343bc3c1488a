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

from muybridge.counts import check_count
from muybridge.errors import OptionError
from muybridge.models.weights import Weights
from muybridge.video.clip_indices import clip_indices
from muybridge.video.crops import crop_corners, num_spatial_views, read_size, resized_size, spatial_views
from muybridge.video.reader import open_video

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
        indices = clip_indices(video.packets.pts_seconds, record, num_clips=num_clips)
        size = read_size(video.metadata.width, video.metadata.height, record)
        clip = video.frames_at(indices=indices.ravel().tolist(), size_px=size, resize="squash")
    return spatial_views(
        clip.pixels.reshape(num_clips, record.num_frames, *clip.pixels.shape[1:]), record, num_crops=num_crops
    )
