"""Reciprocal rank fusion: the formula, by hand."""

import pytest
from hypothesis import given, strategies as st

from muybridge.search.fusion import reciprocal_rank_fusion


def test_sums_of_reciprocal_ranks() -> None:
    fused = dict(reciprocal_rank_fusion([["a", "b"], ["b", "c"]]))
    assert fused == pytest.approx({"a": 1 / 61, "b": 1 / 62 + 1 / 61, "c": 1 / 62})
    assert reciprocal_rank_fusion([["a"], []], k=0) == [("a", 1.0)]
    assert reciprocal_rank_fusion([]) == []


@given(st.permutations(range(6)))
def test_one_ranking_stays_as_it_is_and_two_equal_ones_too(ranking: list[int]) -> None:
    assert [item for item, _ in reciprocal_rank_fusion([ranking])] == ranking
    assert [item for item, _ in reciprocal_rank_fusion([ranking, ranking])] == ranking


@given(st.permutations(range(6)), st.permutations(range(6)))
def test_what_both_rank_higher_is_higher(one: list[int], other: list[int]) -> None:
    order = [item for item, _ in reciprocal_rank_fusion([one, other])]
    for a in range(6):
        for b in range(6):
            if one.index(a) < one.index(b) and other.index(a) < other.index(b):
                assert order.index(a) < order.index(b)
