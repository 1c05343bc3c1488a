"""The proposal network: what it sees, and that it learns where actions begin and end."""

import pytest
import torch
from torch.nn import functional

from muybridge.errors import OptionError, ShapeError
from muybridge.models.temporal_proposals import TemporalProposalNet


def test_shapes_and_any_length() -> None:
    net = TemporalProposalNet(16, 3, width=8)
    for num_moments in (1, 7, 40):
        start, end, classes = net(torch.zeros(2, 16, num_moments))
        assert start.shape == end.shape == (2, num_moments)
        assert classes.shape == (2, 3, num_moments)


def test_it_sees_seven_moments_to_either_side() -> None:
    torch.manual_seed(0)
    net = TemporalProposalNet(4, width=64)
    features = torch.randn(1, 4, 31)
    changed = features.clone()
    changed[:, :, 15] += 5.0
    with torch.no_grad():
        moved = (net(features).start - net(changed).start)[0] != 0
    assert moved.nonzero().flatten().tolist() == list(range(8, 23))


def test_it_learns_boundaries() -> None:
    """Features that carry a step up and a step down: 80 steps find both in unseen rows."""
    torch.manual_seed(0)

    def batch(size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        starts = torch.randint(5, 25, (size,))
        ends = starts + torch.randint(5, 12, (size,))
        moments = torch.arange(40)
        inside = (moments >= starts[:, None]) & (moments < ends[:, None])
        return inside[:, None] + 0.1 * torch.randn(size, 4, 40), starts, ends

    net = TemporalProposalNet(4, width=32)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(80):
        features, starts, ends = batch(16)
        scores = net(features)
        truth = torch.stack([functional.one_hot(starts, 40), functional.one_hot(ends, 40)]).float()
        logits = torch.stack([scores.start, scores.end])
        loss = functional.binary_cross_entropy_with_logits(logits, truth, pos_weight=torch.tensor(20.0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    features, starts, ends = batch(50)
    with torch.no_grad():
        scores = net(features).probabilities()
    assert (scores.start.argmax(1) == starts).float().mean() > 0.9
    assert (scores.end.argmax(1) == ends).float().mean() > 0.9
    assert 0 <= float(scores.start.min()) <= float(scores.start.max()) <= 1


@pytest.mark.parametrize("shape", [(4, 10), (1, 5, 10), (1, 4, 0), (1, 4, 10, 1)])
def test_features_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"expected features \(B, 4, T\), got \("):
        TemporalProposalNet(4, width=8)(torch.zeros(shape))


def test_options_that_make_no_sense() -> None:
    with pytest.raises(OptionError, match="dilations=\\(\\)"):
        TemporalProposalNet(4, dilations=())
