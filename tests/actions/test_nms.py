"""Suppression by hand, and against a double loop in plain Python."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from muybridge.actions.nms import Overlap, soft_nms, suppress, temporal_nms
from muybridge.actions.proposals import Proposal
from muybridge.errors import OptionError, ShapeError


def proposal(start: float, end: float, score: float, label: str = "") -> Proposal:
    return Proposal(start, end, score, score, label)


def ranges(proposals: list[Proposal]) -> list[tuple[float, float]]:
    return [(p.start, p.end) for p in proposals]


def double_loop(proposals: list[Proposal], threshold: float, overlap: Overlap) -> list[Proposal]:
    """The definition: best first, each against all that are kept."""
    kept: list[Proposal] = []
    for one in sorted(proposals, key=lambda p: -p.mean_score):
        for other in kept:
            if one.label != other.label:
                continue
            shared = max(0.0, min(one.end, other.end) - max(one.start, other.start))
            shorter = min(one.duration, other.duration)
            union = one.duration + other.duration - shared
            if shared / (shorter if overlap == "shorter" else union) > threshold:
                break
        else:
            kept.append(one)
    return kept


def test_by_hand() -> None:
    proposals = [proposal(0, 10, 0.8), proposal(4, 6, 0.9), proposal(7, 20, 0.7), proposal(30, 40, 0.1)]
    # (4, 6) lies inside (0, 10), which drops it: 2 of 2. (7, 20) overlaps only the dropped one.
    assert ranges(temporal_nms(proposals)) == [(4, 6), (7, 20), (30, 40)]
    # By IoU 2 of 10 is no more than 0.3, and 3 of 20 neither.
    assert ranges(temporal_nms(proposals, overlap="iou")) == [(4, 6), (0, 10), (7, 20), (30, 40)]
    # Exactly at the threshold both stay.
    assert len(temporal_nms([proposal(0, 10, 0.9), proposal(7, 17, 0.8)], overlap_threshold=0.3)) == 2
    assert len(temporal_nms([proposal(0, 10, 0.9), proposal(6, 16, 0.8)], overlap_threshold=0.3)) == 1


def test_labels_leave_each_other_alone() -> None:
    proposals = [proposal(0, 10, 0.9, "wave"), proposal(0, 10, 0.8, "clap"), proposal(1, 9, 0.7, "wave")]
    assert [p.label for p in temporal_nms(proposals)] == ["wave", "clap"]
    assert [p.label for p in temporal_nms(proposals, per_class=False)] == ["wave"]


def test_of_identical_proposals_one_remains() -> None:
    same = [proposal(3, 8, 0.5) for _ in range(20)]
    assert temporal_nms(same) == same[:1]
    assert suppress([(3, 8)] * 20, [0.5] * 20).tolist() == [0]
    assert temporal_nms([]) == soft_nms([]) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(1, 30), st.integers(0, 9), st.sampled_from(["", "wave"])),
        max_size=40,
    ),
    st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    st.sampled_from(["shorter", "iou"]),
)
def test_equals_the_double_loop(
    rows: list[tuple[int, int, int, str]], threshold: float, overlap: Overlap
) -> None:
    proposals = [proposal(start, start + length, score / 10, label) for start, length, score, label in rows]
    found = temporal_nms(proposals, overlap_threshold=threshold, overlap=overlap)
    assert found == double_loop(proposals, threshold, overlap)
    assert temporal_nms(found, overlap_threshold=threshold, overlap=overlap) == found  # once is enough


def test_soft_by_hand() -> None:
    proposals = [proposal(0, 10, 0.9), proposal(5, 15, 0.8), proposal(20, 30, 0.5)]
    # IoU 5 / 15; 0.8 · exp(-(1/3)² / 0.5) = 0.6406 still ranks before 0.5.
    found = soft_nms(proposals)
    assert ranges(found) == [(0, 10), (5, 15), (20, 30)]
    assert found[1].mean_score == pytest.approx(0.8 * np.exp(-(1 / 9) / 0.5))
    assert found[1].peak_score == 0.8
    linear = soft_nms(proposals, method="linear")
    assert linear[1].mean_score == pytest.approx(0.8 * (1 - 1 / 3))
    assert ranges(soft_nms(proposals, max_proposals=1)) == [(0, 10)]
    assert len(soft_nms(proposals, overlap_threshold=0.4, method="linear")) == 3
    identical = soft_nms([proposal(0, 10, 0.9), proposal(0, 10, 0.9)], method="linear")
    assert [p.mean_score for p in identical] == [0.9]  # the second falls to 0
    labels = soft_nms([proposal(0, 10, 0.9, "a"), proposal(0, 10, 0.8, "b")])
    assert [p.mean_score for p in labels] == [0.9, 0.8]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"overlap_threshold": 1.5}, "overlap_threshold"), ({"overlap_threshold": np.nan}, "overlap_threshold"),
     ({"overlap": "union"}, "'iou'")],
)  # fmt: skip
def test_options_outside_what_is_allowed(options: dict[str, Any], message: str) -> None:
    for make in (temporal_nms, soft_nms):
        with pytest.raises(OptionError, match=message):
            make([proposal(0, 1, 0.5)], **options)


def test_bad_arrays_and_soft_options() -> None:
    with pytest.raises(OptionError, match="NaN"):
        suppress([(0, 1)], [np.nan])
    with pytest.raises(OptionError, match="end after"):
        suppress([(3, 1)], [0.5])
    with pytest.raises(ShapeError, match=r"\(N, 2\)"):
        suppress([(0, 1)], [0.5, 0.6])
    with pytest.raises(ShapeError, match="labels"):
        suppress([(0, 1)], [0.5], labels=[1, 2])
    with pytest.raises(OptionError, match="sigma"):
        soft_nms([], sigma=0)
    for labels in (["a", "b"], [0.2, 0.9]):
        with pytest.raises(OptionError, match=r"labels are .* whole numbers.*return_inverse"):
            suppress([(0, 1), (0, 1)], [0.5, 0.6], labels=labels)
    assert suppress(np.zeros((0, 2)), [], labels=[]).tolist() == []
    for count in (0, 1.5):
        with pytest.raises(OptionError, match="max_proposals"):
            soft_nms([], max_proposals=count)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="min_score is nan"):
        soft_nms([], min_score=np.nan)
