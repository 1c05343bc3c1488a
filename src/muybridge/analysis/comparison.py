"""Two videos side by side: the same recording? alike in their pictures? in their movement? in what they show?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from muybridge.analysis.descriptors import VideoDescriptor, describe_frames
from muybridge.analysis.features import clip_similarity
from muybridge.errors import OptionError
from muybridge.models.weights import weights_of
from muybridge.observer import View
from muybridge.video.reader import open_video
from muybridge.video.sampling import sample_clip
from muybridge.video.transforms import to_model_tensor

__all__ = ["VideoComparison", "compare_videos", "match_fingerprints", "model_features"]

FRAMES_PER_SECOND = 5.0
_MAX_DIFFERENT_BITS = 10
"""Of 64: fingerprints of one picture differ in fewer, those of two pictures in about 32."""


@dataclass(frozen=True, slots=True)
class VideoComparison:
    """How alike two videos are.

    Args:
        a: the first video.
        b: the second video.
        same_recording: whether one holds at least half of the other, frame for frame; None where that cannot be told,
            because all frames of one of them are of one color.
        shared_seconds: how long they run alike, frame for frame.
        shared_share: that, as a share of the shorter one.
        offset_seconds: what is at t in `a` is at t + offset in `b`; None where nothing is shared.
        appearance: likeness of edges and colors by place, in [-1, 1]; seldom above 0.4 for unrelated videos.
        motion: likeness of where and how the picture changes, in [-1, 1]; seldom above 0.7 for unrelated
            videos, and 0 where one of them stands still.
        features: cosine of a trained model's features, in [-1, 1]; None without a model.
        model: that model's name; empty without one.
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
        OptionError: a model with random weights, whose features mean nothing.

    >>> video = getfixture("sample_video")
    >>> comparison = compare_videos(video, video)
    >>> comparison.same_recording, comparison.offset_seconds, round(comparison.appearance, 3)
    (True, 0.0, 1.0)
    """
    first, second = _describe(a), _describe(b)
    seconds, offset = match_fingerprints(first, second)
    shortest = min(len(first.pts_seconds), len(second.pts_seconds)) / FRAMES_PER_SECOND
    share = min(1.0, seconds / shortest)
    can_tell = not (first.is_plain.all() or second.is_plain.all())
    features = None
    if model is not None:
        features = clip_similarity(model_features(model, a), model_features(model, b))
    return VideoComparison(
        str(a),
        str(b),
        same_recording=share >= 0.5 if can_tell else None,
        shared_seconds=round(min(seconds, shortest), 3),
        shared_share=round(share, 4),
        offset_seconds=offset,
        appearance=clip_similarity(first.appearance, second.appearance),
        motion=clip_similarity(first.motion, second.motion),
        features=features,
        model="" if model is None else type(model).__name__,
    )


def match_fingerprints(a: VideoDescriptor, b: VideoDescriptor) -> tuple[float, float | None]:
    """How long two videos run alike at the best shift in time.

    Args:
        a: the first video.
        b: the second video.

    Returns:
        Seconds that are alike, and what to add to a time in `a` to find it in `b` (None where none is alike).
        Frames of one color count for nothing: they are alike in all videos.
    """
    step = 1 / FRAMES_PER_SECOND
    packed_a, packed_b = _packed(a), _packed(b)
    best_seconds, best_offset = 0.0, None
    # A shift of the whole series by k looks: only frames at that shift are compared.
    for k in range(1 - len(packed_a), len(packed_b)):
        rows_a = slice(max(0, -k), min(len(packed_a), len(packed_b) - k))
        rows_b = slice(rows_a.start + k, rows_a.stop + k)
        alike = np.bitwise_count(packed_a[rows_a] ^ packed_b[rows_b]) <= _MAX_DIFFERENT_BITS
        alike &= ~(a.is_plain[rows_a] | b.is_plain[rows_b])
        seconds = float(alike.sum()) * step
        if seconds > best_seconds:
            shifts = b.pts_seconds[rows_b][alike] - a.pts_seconds[rows_a][alike]
            best_seconds, best_offset = seconds, round(float(np.median(shifts)), 3)
    return best_seconds, best_offset


def model_features(model: nn.Module, path: str | Path) -> torch.Tensor:
    """What a classifier's last layer is given for a video: its features.

    Args:
        model: with weights, of the registry.
        path: the video; one clip is taken over its whole length.

    Returns:
        (D,).

    Raises:
        OptionError: random weights, or no linear layer at the end.
        VideoError: the video cannot be read.
    """
    record = weights_of(model)
    if record is None:
        raise OptionError(
            f"{type(model).__name__} has random weights, so its features mean nothing;"
            " build it with create_model(name, weights=…)"
        )
    clip = sample_clip(path, num_frames=record.num_frames, size_px=record.size_px)
    last: list[torch.Tensor] = []

    def remember(module: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        last[:] = [args[0].detach()]

    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    handles = [linear.register_forward_pre_hook(remember) for linear in linears]
    try:
        with torch.inference_mode():
            model(to_model_tensor(clip.pixels, mean=record.mean, std=record.std)[None])
    finally:
        for handle in handles:
            handle.remove()
    if not last:
        raise OptionError(f"{type(model).__name__} has no linear layer at its end to take features from")
    return last[0].float().flatten(0, -2).mean(dim=0).clone()


def _describe(path: str | Path) -> VideoDescriptor:
    with open_video(path) as video:
        return describe_frames(video.frames(View(frames_per_second=FRAMES_PER_SECOND, short_side_px=96)))


def _packed(descriptor: VideoDescriptor) -> NDArray[np.uint64]:
    """(N,): the 64 bits of each frame as one number."""
    return np.packbits(descriptor.fingerprints, axis=1).view(np.uint64)[:, 0]
