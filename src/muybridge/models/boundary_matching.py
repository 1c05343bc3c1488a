"""Every pair of a start and a duration gets a score, all at once: the boundary-matching network.

Beside start and end scores for each moment, a map of confidences for all proposals: row d, column t
stands for "starts at moment t and lasts d + 1 moments". To score a proposal one must look inside it: N
points, evenly over the proposal and a quarter of its length to either side, are read off the features by
linear interpolation. Where these points lie does not depend on the video, so reading them is one product
with a fixed matrix, the sampling mask, for all proposals together:

    features            (B, F, T)
    base: conv, conv    (B, 256, T)
    start, end          (B, T) each
    proposals: conv     (B, 128, T)
    @ mask              (B, 128, N, D, T)     (T) × (T, N·D·T)
    conv N×1×1          (B, 512, D, T)        the N points of each proposal become one vector
    convs 1, 3, 3, 1    (B, 2, D, T)          confidence: [0] learned as a yes or no, [1] as an overlap

Proposals that would end after the video have no meaning: `valid` marks the others.

Paper: Lin et al., "BMN: Boundary-Matching Network for Temporal Action Proposal Generation", ICCV 2019,
arXiv:1907.09702.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from muybridge.errors import OptionError
from muybridge.models.registry import register
from muybridge.models.temporal_proposals import check_features

__all__ = ["BoundaryMatchingNet", "MatchingScores", "boundary_matching_net", "sampling_mask"]


class MatchingScores(NamedTuple):
    """Logits of the boundaries and of all proposals; `.sigmoid()` makes probabilities.

    start: (B, T); end: (B, T); confidence: (B, 2, D, T), at [:, :, d, t] of the proposal that starts at
    moment t and lasts d + 1 moments: channel 0 learned as a yes or no, channel 1 as the overlap with the
    truth.
    """

    start: Tensor
    end: Tensor
    confidence: Tensor


def sampling_mask(
    num_moments: int,
    max_duration: int,
    *,
    num_points: int = 32,
    points_per_bin: int = 3,
    margin: float = 0.25,
) -> Tensor:
    """The matrix that reads N points of every proposal off a row of features.

    Args:
        num_moments: T.
        max_duration: D, the longest proposal in moments.
        num_points: N, the points read of a proposal.
        points_per_bin: each of the N points is the mean over a bin of this many finer points.
        margin: how far the points reach beyond the proposal on either side, as a share of its duration.

    Returns:
        (T, N, D, T) float32: `features @ mask.flatten(1)` are the values at all points. A fine point beyond
        the video counts as zero; so do all points of a proposal that ends after the video.

    Two points of the proposal [1, 3) without a margin: the moments 1 and 2.

    >>> sampling_mask(4, 2, num_points=2, points_per_bin=1, margin=0.0)[:, :, 1, 1].T
    tensor([[0., 1., 0., 0.],
            [0., 0., 1., 0.]])
    """
    duration = torch.arange(1, max_duration + 1, dtype=torch.float64)[:, None, None]
    start = torch.arange(num_moments, dtype=torch.float64)[None, :, None]
    num_fine = num_points * points_per_bin
    # Moment m covers [m, m + 1) and its feature sits at the center, so a time x is at the index x - 0.5.
    share = (torch.arange(num_fine, dtype=torch.float64) + 0.5) / num_fine
    place = start - margin * duration + (1 + 2 * margin) * duration * share - 0.5  # (D, T, fine)
    inside = (place > -0.5) & (place < num_moments - 0.5) & (start + duration <= num_moments)
    place = place.clamp(0, num_moments - 1)
    below = place.floor()
    weight_above = place - below
    above = (below + 1).clamp(max=num_moments - 1)
    mask = torch.zeros(max_duration, num_moments, num_points, num_moments)
    bins = (torch.arange(num_fine) // points_per_bin).expand_as(place)
    rows = (torch.arange(max_duration * num_moments).view(max_duration, num_moments, 1) * num_points) + bins
    for moment, weight in ((below, 1 - weight_above), (above, weight_above)):
        cells = (rows * num_moments + moment.long()).flatten()
        mask.view(-1).index_add_(0, cells, ((weight * inside) / points_per_bin).float().flatten())
    return mask.permute(3, 2, 0, 1).contiguous()


class BoundaryMatchingNet(nn.Module):
    """Start and end scores of each moment, and a confidence for every start and duration.

    Args:
        num_features: F.
        num_moments: T, fixed, as the mask is.
        max_duration: D, the longest proposal in moments; None for T.
        num_points: N, the points that are read of a proposal.
        width: channels of the base; the rest is in proportion to the paper's (256, 128, 512).

    Raises:
        OptionError: numbers that are not positive, or D above T.

    >>> net = BoundaryMatchingNet(64, 20, max_duration=10, num_points=8, width=16)
    >>> scores = net(torch.zeros(2, 64, 20))
    >>> scores.start.shape, scores.confidence.shape, int(net.valid.sum())
    (torch.Size([2, 20]), torch.Size([2, 2, 10, 20]), 155)
    """

    mask: Tensor
    valid: Tensor

    def __init__(
        self,
        num_features: int,
        num_moments: int = 100,
        *,
        max_duration: int | None = None,
        num_points: int = 32,
        width: int = 256,
    ) -> None:
        super().__init__()
        max_duration = num_moments if max_duration is None else max_duration
        if min(num_features, num_points) < 1 or not 1 <= max_duration <= num_moments or width < 2:
            raise OptionError(
                f"num_features={num_features}, num_points={num_points}, width={width},"
                f" max_duration={max_duration}, num_moments={num_moments}: all must be positive, and no"
                " proposal is longer than the video"
            )
        self.num_features, self.num_moments = num_features, num_moments
        narrow, wide = width // 2, 2 * width
        self.base = nn.Sequential(_conv1d(num_features, width), _conv1d(width, width))
        self.boundaries = nn.Sequential(_conv1d(width, width), nn.Conv1d(width, 2, 1))
        self.proposals = _conv1d(width, narrow)
        self.points = nn.Sequential(nn.Conv3d(narrow, wide, (num_points, 1, 1)), nn.ReLU())
        self.confidence = nn.Sequential(
            nn.Conv2d(wide, narrow, 1),
            nn.ReLU(),
            nn.Conv2d(narrow, narrow, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(narrow, narrow, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(narrow, 2, 1),
        )
        # Both follow from the options, so no checkpoint needs them.
        mask = sampling_mask(num_moments, max_duration, num_points=num_points)
        self.register_buffer("mask", mask, persistent=False)
        ends = torch.arange(num_moments) + torch.arange(1, max_duration + 1)[:, None]
        self.register_buffer("valid", ends <= num_moments, persistent=False)

    def forward(self, features: Tensor) -> MatchingScores:
        """(B, F, T) → start (B, T), end (B, T), confidence (B, 2, D, T): logits.

        Raises:
            ShapeError: features of another shape.
        """
        check_features(features, num_features=self.num_features, num_moments=self.num_moments)
        base = self.base(features)
        start, end = self.boundaries(base).unbind(dim=1)
        sampled = (self.proposals(base) @ self.mask.flatten(1)).unflatten(2, self.mask.shape[1:])
        return MatchingScores(start, end, self.confidence(self.points(sampled).squeeze(2)))


@register(
    inputs=((400, 100),),
    task="proposals",
    paper="BMN: Boundary-Matching Network for Temporal Action Proposal Generation, arXiv:1907.09702",
)
def boundary_matching_net(
    *,
    num_features: int = 400,
    num_moments: int = 100,
    max_duration: int | None = None,
    num_points: int = 32,
    width: int = 256,
) -> BoundaryMatchingNet:
    """A confidence for every start and every duration, all proposals at once.

    Args:
        num_features: F, the size of a feature vector.
        num_moments: T, the moments of a video.
        max_duration: D, the longest proposal in moments; None for T.
        num_points: N, the points that are read of a proposal.
        width: channels of the base; the rest is in proportion.

    >>> boundary_matching_net(num_moments=20)(torch.zeros(1, 400, 20)).confidence.shape
    torch.Size([1, 2, 20, 20])
    """
    return BoundaryMatchingNet(
        num_features, num_moments, max_duration=max_duration, num_points=num_points, width=width
    )


def _conv1d(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(in_channels, out_channels, 3, padding=1), nn.ReLU())
