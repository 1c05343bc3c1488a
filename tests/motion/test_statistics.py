"""Statistics of flow fields: worked by hand, and on textures that really move."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.motion.flow import compute_flow
from muybridge.motion.statistics import (
    FlowAccumulator,
    FlowStatistics,
    compute_statistics,
    compute_statistics_by_grid,
    compute_statistics_by_half,
    direction_degrees,
    direction_label,
)


def turn_between(degrees1: float | None, degrees2: float) -> float:
    assert degrees1 is not None
    return abs((degrees1 - degrees2 + 180) % 360 - 180)


def test_hand_worked_field() -> None:
    flow = np.array([[[3.0, 4.0], [0.0, 0.0]], [[0.0, 0.0], [3.0, -4.0]]])
    stats = compute_statistics(flow)
    assert stats.num_vectors == 4
    assert stats.mean_magnitude == 2.5
    assert stats.max_magnitude == 5.0
    assert stats.std_magnitude == 2.5
    assert (stats.mean_dx, stats.mean_dy) == (1.5, 0.0)
    assert stats.moving_fraction == 0.5
    assert stats.direction_degrees == 0.0
    assert stats.direction == "right"
    assert stats.coherence == pytest.approx(1.5 / 2.5)
    assert sum(stats.histogram) == pytest.approx(1)
    assert stats.histogram[5] == pytest.approx(0.5)  # 53.13 degrees up falls to the bin centered on 50


@given(st.floats(-180, 180), st.floats(0.2, 40))
@settings(max_examples=60, deadline=None)
def test_every_direction_of_a_uniform_field_is_found(degrees: float, length: float) -> None:
    flow = np.zeros((6, 8, 2))
    flow[...] = (length * math.cos(math.radians(degrees)), -length * math.sin(math.radians(degrees)))
    stats = compute_statistics(flow)
    assert turn_between(stats.direction_degrees, degrees) < 0.01
    assert turn_between(stats.dominant_degrees, degrees) < 0.01
    assert -180 < stats.direction_degrees <= 180  # type: ignore[operator]
    assert stats.coherence == pytest.approx(1, abs=1e-5)
    assert stats.direction == stats.dominant_direction == direction_label(degrees)


def test_opposite_motions_cancel_in_the_mean_but_not_in_the_histogram() -> None:
    flow = np.zeros((10, 10, 2))
    flow[:5] = (4, 0)
    flow[5:] = (-4, 0)
    flow[0, 0] = (4, 0.001)
    stats = compute_statistics(flow)
    assert stats.direction_degrees is None
    assert stats.direction == "none"
    assert stats.coherence < 1e-3
    assert stats.mean_magnitude == pytest.approx(4)
    flow[5:, :3] = (0, 0)  # now the motion to the right prevails
    stats = compute_statistics(flow)
    assert stats.dominant_direction == "right"
    assert stats.histogram[0] == pytest.approx(50 / 85, abs=0.001)
    assert stats.histogram[18] == pytest.approx(35 / 85, abs=0.001)


def test_length_weighs_the_histogram() -> None:
    flow = np.zeros((10, 10, 2))
    flow[:8] = (0, -1)  # many slow vectors up: 80
    flow[8:] = (9, 0)  # few fast ones to the right: 180
    assert compute_statistics(flow).dominant_direction == "right"


def test_no_motion_has_no_direction() -> None:
    for flow in (np.zeros((5, 5, 2)), np.full((5, 5, 2), 0.01)):
        stats = compute_statistics(flow)
        assert stats.direction_degrees is stats.dominant_degrees is None
        assert stats.direction == stats.dominant_direction == "none"
        assert stats.moving_fraction == 0
        assert set(stats.histogram) == {0.0}
    assert compute_statistics(np.zeros((5, 5, 2)), min_magnitude=0).direction == "none"


def test_unknown_vectors_take_no_part() -> None:
    flow = np.full((4, 4, 2), (2.0, 0.0))
    flow[0, 0] = (1.6e9, 1.6e9)
    flow[1, 1] = np.nan
    flow[2, 2] = (np.inf, 0)
    stats = compute_statistics(flow)
    assert stats.num_vectors == 13
    assert stats.max_magnitude == 2.0
    empty = compute_statistics(np.full((2, 2, 2), np.nan))
    assert (empty.num_vectors, empty.direction, len(empty.histogram)) == (0, "none", 36)


def test_a_rectangle_that_moves_on_a_flat_ground() -> None:
    rng = np.random.default_rng(0)
    first = np.full((160, 240), 90, np.uint8)
    second = first.copy()
    box = rng.integers(0, 255, (50, 60), np.uint8)
    first[60:110, 80:140] = box
    second[60:110, 90:150] = box
    flow = compute_flow(first, second)
    body = np.zeros(first.shape, bool)
    body[60:110, 80:140] = True
    stats = compute_statistics(flow, mask=body)
    assert stats.direction == stats.dominant_direction == "right"
    assert turn_between(stats.direction_degrees, 0) < 2
    assert stats.mean_magnitude == pytest.approx(10, abs=1)


def test_grid_and_halves() -> None:
    flow = np.zeros((7, 9, 2))
    flow[:3, 6:] = (0, 5)
    grid = compute_statistics_by_grid(flow, rows=2, columns=3)
    assert [len(row) for row in grid] == [3, 3]
    assert sum(cell.num_vectors for row in grid for cell in row) == 63
    assert grid[0][2].direction == "down"
    assert grid[1][2].direction == "none"
    halves = compute_statistics_by_half(flow)
    assert [halves[name].direction for name in ("upper", "lower", "left", "right")] == [
        "down",
        "none",
        "none",
        "down",
    ]
    assert halves["upper"].num_vectors == 27
    mask = np.zeros((7, 9), bool)
    mask[0, 8] = True
    masked = compute_statistics_by_grid(flow, rows=2, columns=3, mask=mask, unit="pixels per second")
    assert [[cell.num_vectors for cell in row] for row in masked] == [[0, 0, 1], [0, 0, 0]]
    assert masked[0][0].unit == "pixels per second"


def test_round_trip() -> None:
    stats = compute_statistics(np.full((2, 2, 2), 1.5))
    assert FlowStatistics.from_dict(stats.to_dict()) == stats


@pytest.mark.parametrize(
    ("dx", "dy", "degrees", "label"),
    [
        (1, 0, 0, "right"),
        (1, -1, 45, "up-right"),
        (0, -1, 90, "up"),
        (-1, -1, 135, "up-left"),
        (-1, 0, 180, "left"),
        (-1, -0.0, 180, "left"),
        (-1, 1, -135, "down-left"),
        (0, 1, -90, "down"),
        (1, 1, -45, "down-right"),
    ],
)
def test_the_compass(dx: float, dy: float, degrees: float, label: str) -> None:
    assert direction_degrees(dx, dy) == pytest.approx(degrees)
    assert direction_label(direction_degrees(dx, dy)) == label


@pytest.mark.parametrize(
    ("flow", "options", "error"),
    [
        (np.zeros((4, 4)), {}, ShapeError),
        (np.zeros((4, 4, 3)), {}, ShapeError),
        (np.zeros((4, 4, 2)), {"mask": np.ones((4, 5), bool)}, ShapeError),
        (np.zeros((4, 4, 2)), {"num_bins": 3}, OptionError),
        (np.zeros((4, 4, 2)), {"min_magnitude": -1}, OptionError),
        (np.zeros((4, 4, 2)), {"min_magnitude": math.nan}, OptionError),
    ],
)
def test_bad_input(flow: NDArray[np.float64], options: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        compute_statistics(flow, **options)  # type: ignore[arg-type]


def test_accumulators_merge_like_fields() -> None:
    fields = np.random.default_rng(0).normal(size=(2, 5, 6, 2))
    whole, first, second = FlowAccumulator(), FlowAccumulator(), FlowAccumulator()
    whole.add(fields[0], weight=2)
    whole.add(fields[1])
    first.add(fields[0])
    second.add(fields[1])
    second.merge(first, weight=2)
    for name, value in whole.result().to_dict().items():
        if not isinstance(value, str):
            assert second.result().to_dict()[name] == pytest.approx(value)
    with pytest.raises(OptionError, match="8 bins"):
        whole.merge(FlowAccumulator(num_bins=8))


def test_bad_regions() -> None:
    with pytest.raises(OptionError, match="5 rows"):
        compute_statistics_by_grid(np.zeros((4, 4, 2)), rows=5)
    with pytest.raises(ShapeError, match="mask"):
        compute_statistics_by_grid(np.zeros((4, 4, 2)), mask=np.ones((2, 2), bool))
    with pytest.raises(ShapeError, match="halves"):
        compute_statistics_by_half(np.zeros((1, 4, 2)))
