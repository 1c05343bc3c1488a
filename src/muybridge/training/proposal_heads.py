"""What temporal proposal heads are taught: targets made of true segments, and the losses that ask for them.

    true segment          ├────────────────┤
    start, end       ▁▂█▂▁              ▁▂█▂▁       how much of a moment lies near a boundary
    classes               ████████████████          how much of a moment lies inside a segment
    map [d, t]       the best overlap of [t, t + d + 1) with any true segment

Boundaries are rare: a loss over all moments alike would teach a network to say "never". Each batch gives those that
are and those that are not the same weight, as the paper does.

Papers: Lin et al., BSN, ECCV 2018, arXiv:1806.02964 (boundary targets, the balanced loss); Lin et al., BMN, ICCV 2019,
arXiv:1907.09702 (the map, and which of its cells are taught).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional

from muybridge.errors import OptionError, ShapeError
from muybridge.metrics.temporal import temporal_iou

__all__ = [
    "MatchingLoss",
    "ProposalLoss",
    "balanced_cross_entropy",
    "boundary_targets",
    "class_targets",
    "matching_targets",
]

Batch = Mapping[str, Tensor]


def boundary_targets(segments: ArrayLike, num_moments: int, *, width: float = 1.0) -> NDArray[np.float32]:
    """How near each moment is to a start, and to an end.

    Moment t covers [t, t + 1). The boundary's region is `width` moments to either side of it, at least a tenth of the
    segment; a moment's target is the share of it that lies in regions, whatever is in several of them counted once
    (the paper takes the largest share that lies in one).

    Args:
        segments: (N, 2) start and end in moments; fractions are allowed.
        num_moments: T.
        width: in moments.

    Returns:
        (2, T) in [0, 1]: starts, ends.

    Raises:
        ShapeError: segments that are not (N, 2).
        OptionError: an end that is not after its start, or numbers that are not positive.

    >>> boundary_targets([(2, 5)], 7, width=0.5)
    array([[0. , 0.5, 0.5, 0. , 0. , 0. , 0. ],
           [0. , 0. , 0. , 0. , 0.5, 0.5, 0. ]], dtype=float32)
    """
    spans = _checked(segments, num_moments)
    if not width > 0:
        raise OptionError(f"width is {width}; it must be positive")
    targets = np.zeros((2, num_moments), np.float32)
    reach = np.maximum(width, 0.1 * (spans[:, 1] - spans[:, 0]))
    for row in range(2):
        regions = np.stack([spans[:, row] - reach, spans[:, row] + reach], axis=1)
        targets[row] = _covered(regions, num_moments)
    return targets


def class_targets(
    segments: ArrayLike, labels: Sequence[int], num_moments: int, num_classes: int
) -> NDArray[np.float32]:
    """How much of each moment lies inside segments of each class, whatever is in several of them counted once.

    Args:
        segments: (N, 2) start and end in moments.
        labels: N classes.
        num_moments: T.
        num_classes: K.

    Returns:
        (K, T) in [0, 1].

    Raises:
        ShapeError: not one label for each segment.
        OptionError: a label that there is none of.

    >>> class_targets([(1, 2.5)], [1], 4, 2).tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.5, 0.0]]
    """
    spans = _checked(segments, num_moments)
    if len(labels) != len(spans):
        raise ShapeError(f"{len(labels)} labels for {len(spans)} segments; give one for each")
    if any(not 0 <= label < num_classes for label in labels):
        raise OptionError(f"labels {sorted(set(labels))}; there are {num_classes} classes, from 0")
    targets = np.zeros((num_classes, num_moments), np.float32)
    for label in set(labels):
        targets[label] = _covered(spans[np.asarray(labels) == label], num_moments)
    return targets


def matching_targets(segments: ArrayLike, num_moments: int, max_duration: int) -> NDArray[np.float32]:
    """The best overlap of every possible proposal with any true segment.

    Args:
        segments: (N, 2) start and end in moments.
        num_moments: T.
        max_duration: D.

    Returns:
        (D, T) temporal IoU at [d, t] of [t, t + d + 1); 0 where that ends after the video.

    >>> matching_targets([(0, 2)], 4, 2)[0].tolist()  # all that last one moment
    [0.5, 0.5, 0.0, 0.0]
    """
    spans = _checked(segments, num_moments)
    if not 1 <= max_duration <= num_moments:
        raise OptionError(f"max_duration is {max_duration}; it must be between 1 and {num_moments}")
    first = np.broadcast_to(np.arange(num_moments), (max_duration, num_moments))
    last = first + np.arange(1, max_duration + 1)[:, None]
    if not len(spans):
        return np.zeros(first.shape, np.float32)
    proposals = np.stack([first, last], axis=-1).reshape(-1, 2)
    best = np.asarray(temporal_iou(proposals, spans)).max(axis=1).reshape(first.shape)
    return np.where(last <= num_moments, best, 0).astype(np.float32)


def balanced_cross_entropy(logits: Tensor, targets: Tensor, *, valid: Tensor | None = None) -> Tensor:
    """Binary cross-entropy in which positives and negatives weigh the same, however rare the ones are.

    Args:
        logits: any shape.
        targets: of the same shape, in [0, 1]; above 0.5 is positive.
        valid: of the same shape, bool: what counts; None for all.

    Returns:
        A scalar; without any positive, the plain mean over the negatives.

    >>> logits, targets = torch.zeros(4), torch.tensor([1.0, 0, 0, 0])
    >>> torch.allclose(balanced_cross_entropy(logits, targets), torch.tensor(2.0).log())
    True
    """
    counts = torch.ones_like(targets) if valid is None else valid.to(targets.dtype)
    positive = (targets > 0.5).to(targets.dtype)
    total = counts.sum().clamp_min(1)
    num_positive = (counts * positive).sum()
    each = functional.binary_cross_entropy_with_logits(logits, positive, reduction="none") * counts
    negatives = (each * (1 - positive)).sum() / (total - num_positive).clamp_min(1)
    if num_positive == 0:
        return negatives
    return 0.5 * ((each * positive).sum() / num_positive + negatives)


class ProposalLoss:
    """(model, batch) → the loss of a `TemporalProposalNet`, for `Trainer`.

    A batch has `"features"` (B, D, T), `"boundaries"` (B, 2, T) and `"classes"` (B, K, T).

    Args:
        class_weight: how much naming counts beside the boundaries.

    >>> from muybridge.models.temporal_proposals import TemporalProposalNet
    >>> batch = {"features": torch.zeros(1, 8, 5), "boundaries": torch.zeros(1, 2, 5), "classes": torch.ones(1, 1, 5)}
    >>> ProposalLoss()(TemporalProposalNet(8, width=4), batch).shape
    torch.Size([])
    """

    def __init__(self, *, class_weight: float = 1.0) -> None:
        self.class_weight = class_weight

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """The loss, a mean over the batch."""
        scores = model(batch["features"])
        loss = balanced_cross_entropy(scores.start, batch["boundaries"][:, 0])
        loss = loss + balanced_cross_entropy(scores.end, batch["boundaries"][:, 1])
        return loss + self.class_weight * balanced_cross_entropy(scores.classes, batch["classes"])


class MatchingLoss:
    """(model, batch) → the loss of a `BoundaryMatchingNet`, for `Trainer`.

    A batch has `"features"` (B, F, T), `"boundaries"` (B, 2, T) and `"overlaps"` (B, D, T).

    Channel 0 learns whether a proposal overlaps by more than 0.9 (balanced), channel 1 by how much: there good, fair
    and bad proposals are drawn alike, since almost all are bad.

    Args:
        overlap_weight: how much the regression of the overlap counts; the paper takes 10.
        seed: of the draw.
    """

    def __init__(self, *, overlap_weight: float = 10.0, seed: int = 0) -> None:
        self.overlap_weight = overlap_weight
        self._chance = torch.Generator().manual_seed(seed)

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """The loss, a mean over the batch."""
        scores, overlaps = model(batch["features"]), batch["overlaps"]
        valid = _valid_cells(overlaps)
        loss = balanced_cross_entropy(scores.start, batch["boundaries"][:, 0])
        loss = loss + balanced_cross_entropy(scores.end, batch["boundaries"][:, 1])
        # What is taught as a yes is the best proposal of each video at least, where none reaches 0.9.
        threshold = (overlaps.amax(dim=(1, 2), keepdim=True) - 1e-4).clamp(max=0.9, min=1e-3)
        loss = loss + balanced_cross_entropy(
            scores.confidence[:, 0], (overlaps >= threshold).float(), valid=valid
        )
        squared = (scores.confidence[:, 1].sigmoid() - overlaps) ** 2
        weights = self._weights(overlaps, valid)
        total: Tensor = loss + self.overlap_weight * (squared * weights).sum() / weights.sum().clamp_min(1)
        return total

    def _weights(self, overlaps: Tensor, valid: Tensor) -> Tensor:
        good = valid & (overlaps > 0.7)
        middling = valid & (overlaps > 0.3) & ~good
        bad = valid & ~good & ~middling
        weights = good.float()
        for cells in (middling, bad):
            rate = float(good.sum().clamp_min(1) / cells.sum().clamp_min(1))
            drawn = torch.rand(cells.shape, generator=self._chance).to(cells.device) < rate
            weights = weights + (cells & drawn).float()
        return weights


def _valid_cells(overlaps: Tensor) -> Tensor:
    """Proposals that end with the video or before."""
    _, max_duration, num_moments = overlaps.shape
    ends = torch.arange(num_moments)[None] + torch.arange(1, max_duration + 1)[:, None]
    fits: Tensor = torch.le(ends, num_moments).to(overlaps.device)
    return fits.expand_as(overlaps)


def _covered(spans: NDArray[np.float64], num_moments: int) -> NDArray[np.float64]:
    """(T,) the share of each moment [t, t + 1) that the spans cover together."""
    spans = spans[np.argsort(spans[:, 0])]
    ends = np.maximum.accumulate(spans[:, 1])
    starts = spans[:, 0].copy()
    starts[1:] = np.maximum(starts[1:], ends[:-1])  # what earlier ones cover counts once
    moments = np.arange(num_moments)
    inside = np.minimum(ends[:, None], moments + 1) - np.maximum(starts[:, None], moments)
    return np.asarray(np.minimum(np.clip(inside, 0, 1).sum(axis=0), 1.0))


def _checked(segments: ArrayLike, num_moments: int) -> NDArray[np.float64]:
    if num_moments < 1:
        raise OptionError(f"num_moments is {num_moments}; it must be 1 or more")
    spans = np.asarray(segments, np.float64)
    if spans.size == 0:
        spans = spans.reshape(0, 2)
    if spans.ndim != 2 or spans.shape[1] != 2:
        raise ShapeError(f"segments {spans.shape}; they must be (N, 2): start and end in moments")
    if not (np.isfinite(spans).all() and (spans[:, 1] > spans[:, 0]).all()):
        raise OptionError("every segment must have finite times, and end after its start")
    return spans
