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

FRAMES_PER_SECOND = 10.0
"""Two videos are looked at up to half a step apart, in which fast movement must not get far."""
_FAR_BITS = 16
"""Of 64: fingerprints of two pictures differ in about 32, and beyond half of that it does not matter how much."""
_NEARER_BITS, _NEARER_SHARE = 6, 0.4
"""So far below what is usual at other shifts, or at so small a share of it, two looks show one moment."""
_STILL_BITS = 2.0
"""Where looks at other shifts differ in no more, nothing moves; compression alone makes as much."""
_LEAST_OVERLAP = 0.25


@dataclass(frozen=True, slots=True)
class VideoComparison:
    """How alike two videos are.

    Args:
        a: the first video.
        b: the second video.
        same_recording: whether one holds at least half of the other, frame for frame; None where that cannot be told,
            because all frames of one of them are of one color, or nothing moves and each shift in time fits.
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
    match = _match(first, second, FRAMES_PER_SECOND)
    shortest = min(len(first.pts_seconds), len(second.pts_seconds)) / FRAMES_PER_SECOND
    share = min(1.0, match.seconds / shortest)
    can_tell = not (first.is_plain.all() or second.is_plain.all() or match.fits_anywhere)
    features = None
    if model is not None:
        features = clip_similarity(model_features(model, a), model_features(model, b))
    return VideoComparison(
        str(a),
        str(b),
        same_recording=share >= 0.5 if can_tell else None,
        shared_seconds=round(min(match.seconds, shortest), 3),
        shared_share=round(share, 4),
        offset_seconds=match.offset_seconds,
        appearance=clip_similarity(first.appearance, second.appearance),
        motion=clip_similarity(first.motion, second.motion),
        features=features,
        model="" if model is None else type(model).__name__,
    )


def match_fingerprints(
    a: VideoDescriptor, b: VideoDescriptor, *, frames_per_second: float = FRAMES_PER_SECOND
) -> tuple[float, float | None]:
    """How long two videos run alike at the best shift in time.

    The best shift is the one with the nearest fingerprints. A fixed camera's pictures are all alike, so looks count as
    alike only where they are clearly nearer than those at the other shifts are: two recordings of one place are not
    one recording.

    Args:
        a: the first video.
        b: the second video.
        frames_per_second: at which both were looked at.

    Returns:
        Seconds that are alike, and what to add to a time in `a` to find it in `b` (None where none is alike).
        Frames of one color count for nothing: they are alike in all videos.
    """
    match = _match(a, b, frames_per_second)
    return match.seconds, match.offset_seconds


@dataclass(frozen=True, slots=True)
class _Match:
    seconds: float = 0.0
    offset_seconds: float | None = None
    fits_anywhere: bool = False
    """Alike, but at other shifts as well: the shift says nothing."""


def _match(a: VideoDescriptor, b: VideoDescriptor, frames_per_second: float) -> _Match:
    """Compare at each shift of the whole series by k looks; see `match_fingerprints`."""
    packed_a, packed_b = _packed(a), _packed(b)
    told_a, told_b = ~a.is_plain, ~b.is_plain
    # Looks that a short overlap lacks count as unlike, or the last look of one video would match any like it.
    least = max(1.0, _LEAST_OVERLAP * min(told_a.sum(), told_b.sum()))
    best, best_rank, usual = None, (np.inf, 0, 0), []
    for k in range(1 - len(packed_a), len(packed_b)):
        rows_a = slice(max(0, -k), min(len(packed_a), len(packed_b) - k))
        rows_b = slice(rows_a.start + k, rows_a.stop + k)
        told = told_a[rows_a] & told_b[rows_b]
        bits = np.bitwise_count(packed_a[rows_a] ^ packed_b[rows_b])
        num_told = int(np.count_nonzero(told))
        far = int((np.minimum(bits, _FAR_BITS) * told).sum()) + _FAR_BITS * max(0.0, least - num_told)
        mean = far / max(least, num_told)
        if num_told >= least:
            usual.append(mean)
        # Of equally near ones, the one with the longest overlap, then the smallest shift.
        rank = (mean, -num_told, abs(k))
        if num_told and rank < best_rank:
            best, best_rank = (rows_a, rows_b, told, bits), rank
    if best is None:
        return _Match()
    rows_a, rows_b, told, bits = best
    usually = float(np.median(usual)) if usual else float(_FAR_BITS)
    is_still = usually <= _STILL_BITS
    limit = 2 * _STILL_BITS if is_still else max(usually - _NEARER_BITS, _NEARER_SHARE * usually)
    alike = told & (bits <= limit)
    if not alike.any():
        return _Match()
    shifts = b.pts_seconds[rows_b][alike] - a.pts_seconds[rows_a][alike]
    return _Match(float(alike.sum()) / frames_per_second, round(float(np.median(shifts)), 3), is_still)


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
