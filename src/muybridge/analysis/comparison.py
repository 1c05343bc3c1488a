"""Two videos side by side: the same recording? alike in their pictures? in their movement? in what they show?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from muybridge.analysis.descriptors import VideoDescriptor, describe_frames
from muybridge.analysis.features import clip_similarity
from muybridge.analysis.matching import find_match, match_fingerprints
from muybridge.errors import OptionError
from muybridge.models.input_check import check_takes_clip_alone
from muybridge.models.registry import name_of
from muybridge.models.weights import Weights, weights_of
from muybridge.observer import View
from muybridge.values import Frame
from muybridge.video.crops import read_size, spatial_views
from muybridge.video.picture import DecodedPicture
from muybridge.video.reader import Pace, Video, open_video
from muybridge.video.sampling import uniform_indices
from muybridge.video.transforms import to_model_tensor

__all__ = ["VideoComparison", "compare_videos", "match_fingerprints", "model_features"]

FRAMES_PER_SECOND = 10.0
"""Two videos are looked at up to half a step apart, in which fast movement must not get far."""
_MOST_LOOKED_AT_AGAIN_SECONDS = 600.0
_SIDE_PX = 96


@dataclass(frozen=True, slots=True)
class VideoComparison:
    """How alike two videos are.

    Args:
        a: the first video.
        b: the second video.
        same_recording: whether one holds at least half of the other, frame for frame, where a picture that both hold
            counts once; None where that cannot be told, because all frames of one of them are of one color, or nothing
            moves and each shift in time fits, or another take before the same camera would be as much alike.
        shared_seconds: how long they run alike, frame for frame.
        shared_share: that, as a share of the shorter one.
        offset_seconds: what is at t in `a` is at t + offset in `b`; None where nothing is shared.
        appearance: likeness of edges and colors by place, in [-1, 1]; seldom above 0.4 for unrelated videos.
        motion: likeness of where and how the picture changes, in [-1, 1]; seldom above 0.7 for unrelated
            videos, and 0 where one of them stands still.
        features: cosine of a trained model's features, in [-1, 1]; None without a model.
        model: that model's name in the registry, or its class where it has none; empty without a model.
    """

    a: str
    b: str
    same_recording: bool | None
    shared_seconds: float
    shared_share: float
    offset_seconds: float | None
    appearance: float
    motion: float
    features: float | None = None
    model: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def compare_videos(a: str | Path, b: str | Path, *, model: nn.Module | None = None) -> VideoComparison:
    """Compare two videos by descriptors made by hand, and by a trained model's features where one is given.

    Args:
        a: the first video.
        b: the second video.
        model: a classifier with weights, as `create_model(name, weights=…)` gives it; None for none.

    Raises:
        VideoError: a video cannot be read.
        OptionError: a model with random weights, whose features mean nothing, or one that takes more than a clip.

    >>> video = getfixture("sample_video")
    >>> comparison = compare_videos(video, video)
    >>> comparison.same_recording, comparison.offset_seconds, round(comparison.appearance, 3)
    (True, 0.0, 1.0)
    """
    features = None
    if model is not None:  # first, since a model may be refused
        features = clip_similarity(model_features(model, a), model_features(model, b))
    first, second = _describe(a), _describe(b)
    match = find_match(first, second, frames_per_second=FRAMES_PER_SECOND)
    if match.fits_anywhere and max(_length(first), _length(second)) <= _MOST_LOOKED_AT_AGAIN_SECONDS:
        # Looks that lie between each other's moments are less alike where something moves fast; all frames are not.
        every = [_describe(path, every_frame=True) for path in (a, b)]
        match = find_match(*every, frames_per_second=FRAMES_PER_SECOND, has_every_frame=True)
    can_tell = not (first.is_plain.all() or second.is_plain.all() or match.fits_anywhere)
    return VideoComparison(
        str(a),
        str(b),
        same_recording=match.share >= 0.5 if can_tell else None,
        shared_seconds=round(match.seconds, 3),
        shared_share=round(match.seconds / match.shorter_seconds, 4),
        offset_seconds=match.offset_seconds,
        appearance=clip_similarity(first.appearance, second.appearance),
        motion=clip_similarity(first.motion, second.motion),
        features=features,
        model="" if model is None else name_of(model),
    )


def model_features(model: nn.Module, path: str | Path) -> torch.Tensor:
    """What a classifier's last layer is given for a video: its features.

    Args:
        model: with weights, of the registry.
        path: the video; one clip is taken over its whole length, resized and cropped as the weights' record says.

    Returns:
        (D,).

    Raises:
        OptionError: random weights, no linear layer at the end, or a model that takes more than a clip.
        VideoError: the video cannot be read.
    """
    check_takes_clip_alone(model, name_of(model))
    record = weights_of(model)
    if record is None:
        raise OptionError(
            f"{name_of(model)} has random weights, so its features mean nothing;"
            " build it with create_model(name, weights=…)"
        )
    clips = _clip_as_recorded(path, record)
    last: list[torch.Tensor] = []

    def remember(module: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        last[:] = [args[0].detach()]

    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    handles = [linear.register_forward_pre_hook(remember) for linear in linears]
    try:
        with torch.inference_mode():
            model(to_model_tensor(clips, mean=record.mean, std=record.std))
    finally:
        for handle in handles:
            handle.remove()
    if not last:
        raise OptionError(f"{name_of(model)} has no linear layer at its end to take features from")
    return last[0].float().flatten(0, -2).mean(dim=0).clone()


def _clip_as_recorded(path: str | Path, record: Weights) -> NDArray[np.uint8]:
    """(1, T, size_px, size_px, 3): what a classifier with that record sees of frames over the whole length."""
    with open_video(path) as video:
        indices = uniform_indices(len(video), record.num_frames)
        size = read_size(video.metadata.width, video.metadata.height, record)
        clip = video.frames_at(indices=indices.tolist(), size_px=size, resize="squash")
    return spatial_views(clip.pixels[None], record)


def _describe(path: str | Path, *, every_frame: bool = False) -> VideoDescriptor:
    with open_video(path) as video:
        view = View(short_side_px=_SIDE_PX)
        return describe_frames(
            (picture.frame(view) for picture in video.pictures()) if every_frame else _looks(video)
        )


def _length(description: VideoDescriptor) -> float:
    return float(description.end_seconds - description.pts_seconds[0])


def _looks(video: Video) -> Iterator[Frame]:
    """The first frame of each tenth of a second, and the last before a longer one: it is what is seen meanwhile."""
    view = View(frames_per_second=FRAMES_PER_SECOND, short_side_px=_SIDE_PX)
    quick = 2 * view.fit(video.metadata.width, video.metadata.height)[0] <= video.metadata.width
    pace = Pace.of(view)
    passed: DecodedPicture | None = None
    for picture in video.pictures(quick=quick):
        slot = pace.last_slot
        if not pace.wants_picture(picture):
            passed = picture
            continue
        if passed is not None and slot is not None and pace.last_slot != slot + 1:
            yield passed.frame(view)
        passed = None
        yield picture.frame(view)
    if passed is not None and passed.duration_seconds > 1 / FRAMES_PER_SECOND:
        yield passed.frame(view)
