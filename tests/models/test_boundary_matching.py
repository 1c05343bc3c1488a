"""The boundary-matching network: its mask against a plain loop, its map against a proposal by hand."""

import math

import pytest
import torch
from hypothesis import given, settings, strategies as st

from muybridge.errors import OptionError, ShapeError
from muybridge.models.boundary_matching import BoundaryMatchingNet, sampling_mask


def read_by_loop(
    row: list[float], start: int, duration: int, num_points: int, per_bin: int, margin: float
) -> list[float]:
    """The N points of one proposal, read one by one."""
    if start + duration > len(row):
        return [0.0] * num_points
    first, length = start - margin * duration, (1 + 2 * margin) * duration
    points = []
    for n in range(num_points):
        total = 0.0
        for fine in range(per_bin):
            x = first + length * (n * per_bin + fine + 0.5) / (num_points * per_bin) - 0.5
            if not -0.5 < x < len(row) - 0.5:
                continue
            x = min(max(x, 0.0), len(row) - 1.0)
            low = math.floor(x)
            high = min(low + 1, len(row) - 1)
            total += row[low] * (1 - (x - low)) + row[high] * (x - low)
        points.append(total / per_bin)
    return points


@settings(max_examples=25, deadline=None)
@given(
    num_moments=st.integers(1, 9),
    num_points=st.integers(1, 5),
    per_bin=st.integers(1, 3),
    margin=st.sampled_from([0.0, 0.25, 0.5]),
    data=st.data(),
)
def test_the_mask_reads_what_a_loop_reads(
    num_moments: int, num_points: int, per_bin: int, margin: float, data: st.DataObject
) -> None:
    max_duration = data.draw(st.integers(1, num_moments))
    row = data.draw(st.lists(st.integers(-9, 9), min_size=num_moments, max_size=num_moments))
    mask = sampling_mask(
        num_moments, max_duration, num_points=num_points, points_per_bin=per_bin, margin=margin
    )
    assert mask.shape == (num_moments, num_points, max_duration, num_moments)
    read = torch.einsum("t,tnds->dsn", torch.tensor(row, dtype=torch.float32), mask)
    for duration in range(1, max_duration + 1):
        for start in range(num_moments):
            expected = read_by_loop([*map(float, row)], start, duration, num_points, per_bin, margin)
            torch.testing.assert_close(read[duration - 1, start], torch.tensor(expected), atol=1e-4, rtol=0)


def test_a_proposal_by_hand() -> None:
    """[2, 6) with a quarter of its length to either side is [1, 7): six points are the moments 1 to 6."""
    row = torch.arange(8.0) * 10
    mask = sampling_mask(8, 4, num_points=6, points_per_bin=1)
    assert (row @ mask[:, :, 3, 2]).tolist() == [10, 20, 30, 40, 50, 60]


def test_a_moment_outside_a_proposal_has_no_say() -> None:
    torch.manual_seed(0)
    net = BoundaryMatchingNet(4, 16, num_points=4, width=8)
    weights = net.mask.sum(dim=1)  # (T, D, start)
    assert (weights[10:, 3, 2] == 0).all()  # [2, 6) reaches from 1 to 7
    assert net.valid[3, 12]
    assert not net.valid[3, 13]
    assert (net.mask[..., ~net.valid] == 0).all()


def test_shapes_and_gradients() -> None:
    torch.manual_seed(0)
    net = BoundaryMatchingNet(12, 10, max_duration=6, num_points=4, width=16)
    scores = net(torch.randn(2, 12, 10))
    assert scores.start.shape == scores.end.shape == (2, 10)
    assert scores.confidence.shape == (2, 2, 6, 10)
    sum(part.square().sum() for part in scores).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_it_learns_which_proposal_is_the_action() -> None:
    torch.manual_seed(0)
    net = BoundaryMatchingNet(3, 12, max_duration=8, num_points=8, width=32)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.005)

    def batch(size: int) -> tuple[torch.Tensor, torch.Tensor]:
        starts = torch.randint(0, 8, (size,))
        durations = torch.randint(2, 5, (size,))
        moments = torch.arange(12)
        inside = (moments >= starts[:, None]) & (moments < (starts + durations)[:, None])
        return inside[:, None] + 0.1 * torch.randn(size, 3, 12), (durations - 1) * 12 + starts

    for _ in range(80):
        features, cell = batch(16)
        loss = torch.nn.functional.cross_entropy(net(features).confidence[:, 0].flatten(1), cell)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    features, cell = batch(50)
    assert (net(features).confidence[:, 0].flatten(1).argmax(1) == cell).float().mean() > 0.9


def test_the_mask_stays_out_of_checkpoints() -> None:
    assert not {"mask", "valid"} & set(BoundaryMatchingNet(4, 8, num_points=2, width=4).state_dict())


def test_bad_input() -> None:
    net = BoundaryMatchingNet(4, 8, num_points=2, width=4)
    with pytest.raises(ShapeError, match=r"expected features \(B, 4, 8\), got \(1, 4, 9\)"):
        net(torch.zeros(1, 4, 9))
    with pytest.raises(OptionError, match="no proposal is longer than the video"):
        BoundaryMatchingNet(4, 8, max_duration=9)
