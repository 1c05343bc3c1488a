"""Recognition metrics: by hand, against brute force, and as properties."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from muybridge.errors import OptionError, ShapeError
from muybridge.metrics import recognition as r


def random_case(seed: int, n: int = 40, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.dirichlet(np.ones(k), n), generator.integers(0, k, n)


@given(st.integers(0, 10_000), st.integers(1, 6))
@settings(max_examples=50, deadline=None)
def test_top_k_against_counting(seed: int, k: int) -> None:
    p, y = random_case(seed)
    hits = [y[i] in sorted(range(4), key=lambda c: -p[i, c])[:k] for i in range(len(y))]
    assert r.top_k_accuracy(p, y, k=k) == pytest.approx(np.mean(hits))


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_confusion_matrix_tells_both_accuracies(seed: int) -> None:
    p, y = random_case(seed)
    matrix = r.confusion_matrix(p.argmax(1), y, num_classes=4)
    assert matrix.sum() == len(y)
    assert np.trace(matrix) / len(y) == pytest.approx(r.top_k_accuracy(p, y))
    recalls = [matrix[c, c] / matrix[c].sum() for c in range(4) if matrix[c].sum()]
    assert r.mean_class_accuracy(p.argmax(1), y) == pytest.approx(np.mean(recalls))


@given(st.integers(0, 10_000), st.integers(1, 20))
@settings(max_examples=50, deadline=None)
def test_calibration_error_against_the_papers_formula(seed: int, num_bins: int) -> None:
    p, y = random_case(seed)
    sure, right = p.max(1), p.argmax(1) == y
    expected = 0.0
    for b in range(num_bins):
        inside = (sure > b / num_bins) & (sure <= (b + 1) / num_bins)
        if inside.any():
            expected += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
    assert r.expected_calibration_error(p, y, num_bins=num_bins) == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_temperature_is_found_again(temperature: float) -> None:
    generator = np.random.default_rng(0)
    true = generator.dirichlet(np.ones(5), 4000)
    y = np.array([generator.choice(5, p=row) for row in true])
    # Probabilities that are off by 1 / temperature must be brought back by it.
    seen = r.with_temperature(true, 1 / temperature)
    found = r.fit_temperature(seen, y)
    assert found == pytest.approx(temperature, rel=0.1)
    better = r.with_temperature(seen, found)
    assert r.negative_log_likelihood(better, y) <= r.negative_log_likelihood(seen, y) + 1e-9
    assert (better.argmax(1) == seen.argmax(1)).all()
    assert np.allclose(better.sum(1), 1)


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=20), st.lists(st.integers(0, 9), min_size=1, max_size=20)
)
@settings(max_examples=80, deadline=None)
def test_auroc_against_all_pairs(known: list[int], unknown: list[int]) -> None:
    pairs = [(k > u) + 0.5 * (k == u) for k in known for u in unknown]
    assert r.rejection_auroc(known, unknown) == pytest.approx(np.mean(pairs))
    assert r.rejection_auroc(unknown, known) == pytest.approx(1 - np.mean(pairs))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.01, 1.0))
@settings(max_examples=80, deadline=None)
def test_threshold_keeps_the_share_and_no_more_than_needed(scores: list[float], keep: float) -> None:
    threshold = r.rejection_threshold(scores, keep=keep)
    kept = np.mean(np.array(scores) >= threshold)
    assert kept >= keep - 1e-9
    assert np.mean(np.array(scores) > threshold) < keep + 1e-9


def test_interval_covers_and_groups_widen_it() -> None:
    right = np.repeat([1.0, 1.0, 1.0, 0.0], 25)
    people = np.repeat(np.arange(4), 25).tolist()
    alone = r.bootstrap(lambda at: right[at].mean(), 100, num_resamples=400)
    grouped = r.bootstrap(lambda at: right[at].mean(), 100, groups=people, num_resamples=400)
    # The normal approximation of a share of 0.75 in 100 clips: ± 1.96 · 0.0433.
    assert alone.low == pytest.approx(0.665, abs=0.025)
    assert alone.high == pytest.approx(0.835, abs=0.025)
    assert grouped.low <= 0.3
    assert grouped.high == 1.0
    assert r.bootstrap(lambda at: right[at].mean(), 100, num_resamples=400) == alone


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match="a target lies outside"):
        r.top_k_accuracy([[0.5, 0.5]], [2])
    with pytest.raises(ShapeError, match="NaN"):
        r.negative_log_likelihood([[np.nan, 0.5]], [0])
    with pytest.raises(ShapeError, match="N ≥ 1"):
        r.expected_calibration_error(np.zeros((0, 2)), [])
    with pytest.raises(ShapeError, match="both must be"):
        r.mean_class_accuracy([0], [0, 1])
    with pytest.raises(ShapeError, match="a class lies outside"):
        r.confusion_matrix([3], [0], num_classes=3)
    with pytest.raises(OptionError, match="temperature is 0"):
        r.with_temperature([[0.5, 0.5]], 0)
    with pytest.raises(OptionError, match="k is 0"):
        r.top_k_accuracy([[0.5, 0.5]], [0], k=0)
    with pytest.raises(ShapeError, match="at least one item"):
        r.bootstrap(lambda at: 0.0, 0)
    with pytest.raises(ShapeError, match="2 groups for 3 items"):
        r.bootstrap(lambda at: 0.0, 3, groups=[1, 2])
    with pytest.raises(ShapeError, match="known scores are"):
        r.rejection_auroc([], [1.0])
