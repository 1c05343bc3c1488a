"""Pooling over time and similarity: by hand, as properties, and which pooling separates best."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from muybridge.analysis.features import (
    attention_weights,
    clip_similarity,
    compare_poolings,
    learn_query,
    synthetic_pairs,
    temporal_pooling,
)
from muybridge.errors import OptionError, ShapeError, UnknownNameError


def test_three_moments_by_hand() -> None:
    features = np.array([[[[1.0]], [[2.0]], [[6.0]]], [[[0.0]], [[3.0]], [[0.0]]]])
    assert temporal_pooling(features, "avg")[:, 0, 0].tolist() == [3.0, 1.0]
    assert temporal_pooling(features, "max")[:, 0, 0].tolist() == [6.0, 3.0]


def test_attention_by_hand() -> None:
    """Scores are query · mean / √C: (0, ln 3) here, so the weights are 1/4 and 3/4."""
    features = torch.zeros(4, 2, 1, 2)
    features[0, 1] = 2 * np.log(3.0)
    query = torch.tensor([1.0, 0.0, 0.0, 0.0])
    torch.testing.assert_close(attention_weights(features, query=query), torch.tensor([0.25, 0.75]))
    pooled = temporal_pooling(features, "attention", query=query)
    assert pooled[0, 0, 0].item() == pytest.approx(0.75 * 2 * np.log(3.0))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), method=st.sampled_from(["avg", "max", "attention"]))
def test_every_pooling_stays_between_the_least_and_the_most(seed: int, method: str) -> None:
    features = torch.randn(3, 5, 2, 2, generator=torch.Generator().manual_seed(seed))
    pooled = temporal_pooling(features, method, seed=seed)
    assert pooled.shape == (3, 2, 2)
    assert (pooled <= features.amax(1) + 1e-6).all()
    assert (pooled >= features.amin(1) - 1e-6).all()
    shuffled = temporal_pooling(features[:, torch.randperm(5)], method, seed=seed)
    torch.testing.assert_close(pooled, shuffled)  # pooling does not know the order


def test_what_goes_in_comes_out() -> None:
    array = np.ones((2, 3, 4, 5), np.float32)
    assert isinstance(temporal_pooling(array), np.ndarray)
    assert isinstance(temporal_pooling(torch.from_numpy(array)), torch.Tensor)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), scale=st.floats(0.01, 100))
def test_similarity_is_a_cosine(seed: int, scale: float) -> None:
    a, b = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    assert -1 <= clip_similarity(a, b) <= 1
    assert clip_similarity(a, b) == pytest.approx(clip_similarity(scale * b, a), abs=1e-6)
    assert clip_similarity(a, a) == pytest.approx(1.0)
    assert clip_similarity(a, -a) == pytest.approx(-1.0)
    expected = torch.cosine_similarity(a.flatten(), b.flatten(), dim=0).item()
    assert clip_similarity(a, b) == pytest.approx(expected, abs=1e-6)


def test_nothing_is_like_nothing() -> None:
    assert clip_similarity(np.zeros(3), np.ones(3)) == 0.0


def test_average_separates_best_in_steady_noise_and_max_where_the_event_is_one_frame() -> None:
    steady = compare_poolings(*synthetic_pairs(30, noise=4.0))
    assert [row.method for row in steady.rows] == ["avg", "attention, random", "max"]
    assert steady.sentence.startswith("avg separates best")
    brief = compare_poolings(*synthetic_pairs(30, noise=0.5, event_frames=1))
    assert brief.rows[0].method == "max"
    assert "avg thins it" in brief.sentence
    by_name = {row.method: row for row in steady.rows}
    # 16 frames of noise 4 leave noise 1 beside an event of power 1: the cosine is near 1/2.
    assert by_name["avg"].similar_mean == pytest.approx(0.55, abs=0.05)
    assert by_name["avg"].effective_frames == 16
    assert by_name["attention, random"].effective_frames < 12
    assert by_name["max"].effective_frames is None


def test_learned_attention_beats_random_attention_on_other_pairs() -> None:
    noise = {"noise": 1.0, "event_frames": 4}
    query = learn_query(*synthetic_pairs(16, first_seed=1000, **noise))  # type: ignore[arg-type]
    comparison = compare_poolings(*synthetic_pairs(30, **noise), query=query)  # type: ignore[arg-type]
    rows = {row.method: row for row in comparison.rows}
    assert rows["attention, learned"].similar_mean > rows["attention, random"].similar_mean + 0.1
    assert rows["attention, learned"].separation > rows["attention, random"].separation


def test_the_table_and_the_json() -> None:
    comparison = compare_poolings(*synthetic_pairs(3))
    lines = comparison.table().splitlines()
    assert len(lines) == 4
    assert "d′" in lines[0]
    assert "±" in lines[1]
    data = comparison.to_dict()
    assert [row["method"] for row in data["rows"]] == [row.method for row in comparison.rows]


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match=r"features are \(2, 3, 4\); they must be \(C, T, H, W\)"):
        temporal_pooling(np.zeros((2, 3, 4)))
    with pytest.raises(UnknownNameError, match="did you mean 'max'"):
        temporal_pooling(np.zeros((1, 2, 1, 1)), "maxi")
    with pytest.raises(ShapeError, match=r"query is \(3,\); the features have 2 channels"):
        temporal_pooling(np.zeros((2, 1, 1, 1)), "attention", query=np.zeros(3))
    with pytest.raises(ShapeError, match="both must have one shape"):
        clip_similarity(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(OptionError, match="NaN"):
        clip_similarity(np.array([np.nan]), np.array([1.0]))
    with pytest.raises(OptionError, match="two of each"):
        compare_poolings(*synthetic_pairs(1))
    with pytest.raises(OptionError, match="1 to num_frames"):
        synthetic_pairs(1, event_frames=17)
