"""Where does something begin, where does it end, what is it: temporal convolutions over a video's features.

A long video is first turned into one feature vector per moment (by any clip network). Over that row of
vectors this network slides: at each moment it says how likely an action starts there, ends there, and is
under way.

    features  (B, D, T)     T moments, D numbers each
    conv 3    (B, 256, T)   ReLU; sees 3 moments
    conv 3    (B, 256, T)   ReLU; dilation 2, sees 7 moments
    conv 3    (B, 256, T)   ReLU; dilation 4, sees 15 moments
    conv 1    start (B, T), end (B, T), classes (B, K, T): logits

Pairs of a likely start and a later likely end are proposals; `muybridge.actions.proposals` forms them.

Paper: Lin et al., "BSN: Boundary Sensitive Network for Temporal Action Proposal Generation", ECCV 2018,
arXiv:1806.02964 (its temporal evaluation module; the dilations widen its view).
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from muybridge.errors import OptionError, ShapeError
from muybridge.models.registry import register

__all__ = ["ProposalScores", "TemporalProposalNet", "check_features", "temporal_proposal_net"]


class ProposalScores(NamedTuple):
    """Logits for each moment: `.sigmoid()` of each makes independent probabilities.

    start: (B, T); end: (B, T); classes: (B, K, T), where several classes may be under way at once.
    """

    start: Tensor
    end: Tensor
    classes: Tensor

    def probabilities(self) -> ProposalScores:
        """The same, as probabilities."""
        return ProposalScores(*(logits.sigmoid() for logits in self))


class TemporalProposalNet(nn.Module):
    """Temporal convolutions on features (B, D, T) → start, end and class scores of each moment.

    Args:
        num_features: D.
        num_classes: K; 1 for plain "something is under way".
        width: channels of the hidden layers.
        dilations: one hidden layer each.

    Raises:
        OptionError: numbers that are not positive.

    >>> import torch
    >>> scores = TemporalProposalNet(512, 3)(torch.zeros(2, 512, 100))
    >>> scores.start.shape, scores.classes.shape
    (torch.Size([2, 100]), torch.Size([2, 3, 100]))
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int = 1,
        *,
        width: int = 256,
        dilations: tuple[int, ...] = (1, 2, 4),
    ) -> None:
        super().__init__()
        if min(num_features, num_classes, width, *dilations) < 1 or not dilations:
            raise OptionError(
                f"num_features={num_features}, num_classes={num_classes}, width={width},"
                f" dilations={dilations}: all must be at least 1"
            )
        self.num_features = num_features
        layers: list[nn.Module] = []
        for index, dilation in enumerate(dilations):
            in_channels = width if index else num_features
            layers += [nn.Conv1d(in_channels, width, 3, padding=dilation, dilation=dilation), nn.ReLU()]
        self.hidden = nn.Sequential(*layers)
        self.boundaries = nn.Conv1d(width, 2, 1)
        self.classes = nn.Conv1d(width, num_classes, 1)

    def forward(self, features: Tensor) -> ProposalScores:
        """(B, D, T) → start (B, T), end (B, T), classes (B, K, T): logits.

        Raises:
            ShapeError: features of another shape.
        """
        check_features(features, num_features=self.num_features)
        hidden = self.hidden(features)
        start, end = self.boundaries(hidden).unbind(dim=1)
        return ProposalScores(start, end, self.classes(hidden))


def check_features(features: Tensor, *, num_features: int, num_moments: int | None = None) -> None:
    """Raise unless features are (B, D, T).

    Raises:
        ShapeError: says what was expected and what came.

    >>> import torch
    >>> check_features(torch.zeros(1, 100, 512), num_features=512)
    Traceback (most recent call last):
    ...
    muybridge.errors.ShapeError: expected features (B, 512, T), got (1, 100, 512); transpose the last two axes
    """
    shape = tuple(features.shape)
    moments_fit = num_moments is None or shape[-1:] == (num_moments,)
    if len(shape) == 3 and shape[1] == num_features and shape[2] > 0 and moments_fit:
        return
    hint = "; transpose the last two axes" if len(shape) == 3 and shape[2] == num_features else ""
    raise ShapeError(f"expected features (B, {num_features}, {num_moments or 'T'}), got {shape}{hint}")


@register(
    inputs=((512, 100),),
    task="proposals",
    paper="BSN: Boundary Sensitive Network for Temporal Action Proposal Generation, arXiv:1806.02964",
)
def temporal_proposal_net(
    *, num_classes: int = 1, num_features: int = 512, width: int = 256
) -> TemporalProposalNet:
    """Temporal convolutions over features: start, end and class scores of each moment.

    Args:
        num_classes: K; 1 for plain "something is under way".
        num_features: D, the size of a feature vector.
        width: channels of the hidden layers.

    >>> sum(parameter.numel() for parameter in temporal_proposal_net().parameters())
    787971
    """
    return TemporalProposalNet(num_features, num_classes, width=width)
