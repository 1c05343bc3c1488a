"""Online Viterbi against trying every path, and against the textbook's whole table."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from muybridge.actions import label_path
from muybridge.actions.label_path import LabelPath
from muybridge.errors import OptionError, ShapeError


def decode(evidence: np.ndarray, cost: float, *, entry: float = 0.0, leave: float = 0.0) -> list[int]:
    path = LabelPath(evidence.shape[1], background=0, switch_cost=cost)
    found = [label for row in evidence for label in path.push(row, entry_cost=entry)]
    return found + path.finish(exit_cost=leave)


def worth(
    labels: tuple[int, ...] | list[int], evidence: np.ndarray, cost: float, entry: float, leave: float
) -> float:
    changes = sum(a != b for a, b in itertools.pairwise(labels))
    ends = entry * (labels[0] != 0) + leave * (labels[-1] != 0)
    return float(sum(row[k] for row, k in zip(evidence, labels, strict=True)) - cost * changes - ends)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.floats(0, 4), st.floats(0, 2), st.floats(0, 2))
def test_no_path_is_better(seed: int, count: int, cost: float, entry: float, leave: float) -> None:
    evidence = np.random.default_rng(seed).normal(0, 2, (count, 3))
    found = decode(evidence, cost, entry=entry, leave=leave)
    best = max(
        worth(labels, evidence, cost, entry, leave) for labels in itertools.product(range(3), repeat=count)
    )
    assert len(found) == count
    assert worth(found, evidence, cost, entry, leave) == pytest.approx(best)


def test_what_is_certain_is_said_at_once_and_the_doubtful_waits() -> None:
    path = LabelPath(2, background=0, switch_cost=1.5)
    said = [path.push(row) for row in ([0, -3], [0, -3], [-1, 0], [-1, 0], [-2, 0], [-2, 0])]
    # The change pays with the second piece that speaks for 1 and is certain when staying has lost by more than that.
    assert said == [[], [0], [0], [], [], [1, 1, 1]]
    assert path.finish() == [1]


def test_undecided_pieces_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_path, "MAX_UNDECIDED", 20)
    path = LabelPath(3, background=0, switch_cost=5.0)
    found, most = [], 0
    for number in range(200):  # two labels are equally likely for ever
        found += path.push([-9.0, 0.0, 0.0] if number else [-9.0, 0.0, 0.01])
        most = max(most, path.num_undecided)
    found += path.finish()
    assert most <= 21
    assert found == [2] * 200


def test_goes_on_from_a_saved_state() -> None:
    evidence = np.random.default_rng(1).normal(0, 2, (40, 4))
    for stop in (1, 7, 23):
        first, second = (LabelPath(4, background=0, switch_cost=2.0) for _ in range(2))
        found = [label for row in evidence[:stop] for label in first.push(row)]
        second.restore(first.state())
        found += [label for row in evidence[stop:] for label in second.push(row)] + second.finish()
        assert found == decode(evidence, 2.0)


def test_bad_input() -> None:
    with pytest.raises(OptionError, match="switch_cost"):
        LabelPath(2, background=0, switch_cost=float("nan"))
    with pytest.raises(OptionError, match="background"):
        LabelPath(2, background=2, switch_cost=1.0)
    path = LabelPath(2, background=0, switch_cost=1.0)
    with pytest.raises(ShapeError, match="2 labels"):
        path.push([1.0])
    with pytest.raises(OptionError, match="finite"):
        path.push([0.0, float("-inf")])
    assert path.finish() == []
