"""How well clips are named: accuracy, what is confused, how far a probability can be trusted, what is rejected.

Everywhere: probabilities (N, K), each row a sum of 1; targets (N,) places of the true classes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.metrics.intervals import bootstrap

__all__ = [
    "bootstrap",
    "confusion_matrix",
    "expected_calibration_error",
    "fit_temperature",
    "mean_class_accuracy",
    "negative_log_likelihood",
    "rejection_auroc",
    "rejection_threshold",
    "top_k_accuracy",
    "with_temperature",
]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


def top_k_accuracy(probabilities: ArrayLike, targets: ArrayLike, *, k: int = 1) -> float:
    """The share of clips whose true class is among the k likeliest.

    Args:
        probabilities: (N, K).
        targets: (N,).
        k: how many guesses count; more than K are K.

    Raises:
        ShapeError: shapes that do not belong together, or no clip.

    >>> top_k_accuracy([[0.5, 0.3, 0.2], [0.1, 0.3, 0.6]], [1, 2], k=1), top_k_accuracy([[0.5, 0.3, 0.2]], [1], k=2)
    (0.5, 1.0)
    """
    p, y = _checked(probabilities, targets)
    if k < 1:
        raise OptionError(f"k is {k}; it must be 1 or more")
    order = np.argsort(-p, axis=1, kind="stable")[:, :k]
    return float((order == y[:, None]).any(axis=1).mean())


def mean_class_accuracy(predicted: ArrayLike, targets: ArrayLike) -> float:
    """The mean over the classes of the share of their clips that are named right: rare classes count as common ones.

    Also called balanced accuracy, or macro-averaged recall.

    Args:
        predicted: (N,) places of the classes that were named.
        targets: (N,).

    >>> mean_class_accuracy([0, 0, 0, 0], [0, 0, 0, 1])
    0.5
    """
    said, y = np.asarray(predicted, np.int64), np.asarray(targets, np.int64)
    if said.shape != y.shape or y.ndim != 1 or not len(y):
        raise ShapeError(f"predicted is {said.shape}, targets {y.shape}; both must be (N,), N at least 1")
    return float(np.mean([(said[y == label] == label).mean() for label in np.unique(y)]))


def confusion_matrix(predicted: ArrayLike, targets: ArrayLike, *, num_classes: int) -> Places:
    """How often each class (row) was named as each (column).

    Args:
        predicted: (N,).
        targets: (N,).
        num_classes: K.

    Returns:
        (K, K) int64.

    >>> confusion_matrix([0, 1, 1], [0, 0, 1], num_classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    said, y = np.asarray(predicted, np.int64), np.asarray(targets, np.int64)
    if said.shape != y.shape or y.ndim != 1:
        raise ShapeError(f"predicted is {said.shape}, targets {y.shape}; both must be (N,)")
    if len(y) and not 0 <= min(said.min(), y.min()) <= max(said.max(), y.max()) < num_classes:
        raise ShapeError(f"a class lies outside 0 to {num_classes - 1}")
    counts = np.bincount(y * num_classes + said, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes).astype(np.int64)


def negative_log_likelihood(probabilities: ArrayLike, targets: ArrayLike) -> float:
    """The mean of -log p(true class), in nats.

    >>> round(negative_log_likelihood([[0.5, 0.5]], [0]), 4)
    0.6931
    """
    p, y = _checked(probabilities, targets)
    return float(-np.log(np.maximum(p[np.arange(len(y)), y], 1e-12)).mean())


def expected_calibration_error(probabilities: ArrayLike, targets: ArrayLike, *, num_bins: int = 15) -> float:
    """How far "80% sure" is from being right 80% of the time.

    The clips are put into bins of equal width by their highest probability; in each bin the mean of it is compared
    with the accuracy, and the gaps are averaged by the bins' sizes.

    Args:
        probabilities: (N, K).
        targets: (N,).
        num_bins: how many bins.

    Source: Guo et al., On Calibration of Modern Neural Networks, arXiv:1706.04599.

    >>> round(expected_calibration_error([[0.8, 0.2]] * 5, [0, 0, 0, 0, 1]), 6)
    0.0
    >>> round(expected_calibration_error([[0.9, 0.1]] * 2, [0, 1]), 6)
    0.4
    """
    p, y = _checked(probabilities, targets)
    if num_bins < 1:
        raise OptionError(f"num_bins is {num_bins}; it must be 1 or more")
    sure, right = p.max(axis=1), p.argmax(axis=1) == y
    # A bin holds its upper edge, as in the paper.
    bins = np.clip(np.ceil(sure * num_bins).astype(int) - 1, 0, num_bins - 1)
    gaps = np.bincount(bins, weights=sure - right, minlength=num_bins)
    return float(np.abs(gaps).sum() / len(y))


def with_temperature(probabilities: ArrayLike, temperature: float) -> Floats:
    """Probabilities made less sure (temperature above 1) or surer (below 1); the order stays.

    >>> with_temperature([[0.8, 0.2]], 2.0).round(3).tolist()
    [[0.667, 0.333]]
    """
    if not temperature > 0:
        raise OptionError(f"temperature is {temperature}; it must be positive")
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), 1e-12)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Floats = powers / powers.sum(axis=1, keepdims=True)
    return result


def fit_temperature(probabilities: ArrayLike, targets: ArrayLike) -> float:
    """The temperature under which the clips are likeliest.

    Args:
        probabilities: (N, K), of clips that the model was not trained on.
        targets: (N,).

    Returns:
        From 0.05 to 20.

    Source: Guo et al., arXiv:1706.04599, section 4.2; the loss is convex in 1/T, so golden sections find it.

    >>> sure = with_temperature([[0.7, 0.3]] * 10, 0.5)
    >>> round(fit_temperature(sure, [0] * 7 + [1] * 3), 2)
    2.0
    """
    p, y = _checked(probabilities, targets)

    def loss(log_inverse: float) -> float:
        return negative_log_likelihood(with_temperature(p, float(np.exp(-log_inverse))), y)

    low, high = -np.log(20), np.log(20)
    ratio = (np.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) <= loss(right):
            high = right
        else:
            low = left
    return float(np.exp(-(low + high) / 2))


def rejection_auroc(known: ArrayLike, unknown: ArrayLike) -> float:
    """How well a score tells clips of the known classes from others: 1 always, 0.5 by chance.

    Args:
        known: (N,) scores of clips of the classes, such as their highest probability.
        unknown: (M,) scores of clips of none of them.

    Returns:
        The probability that a known clip scores higher than an unknown one; equal scores count half.

    Source: the Mann-Whitney statistic; Hendrycks and Gimpel, arXiv:1610.02136.

    >>> rejection_auroc([0.9, 0.8], [0.1, 0.8])
    0.875
    """
    k, u = _scores(known, "known"), _scores(unknown, "unknown")
    ordered = np.sort(u)
    below = np.searchsorted(ordered, k, side="left")
    up_to = np.searchsorted(ordered, k, side="right")
    return float((below + up_to).mean() / (2 * len(u)))


def rejection_threshold(known: ArrayLike, *, keep: float = 0.95) -> float:
    """The score below which a clip is called none of the classes, so that this share of known clips is kept.

    >>> rejection_threshold([0.1, 0.5, 0.6, 0.9], keep=0.75)
    0.5
    """
    k = np.sort(_scores(known, "known"))
    if not 0 < keep <= 1:
        raise OptionError(f"keep is {keep}; it must be above 0 and at most 1")
    return float(k[len(k) - int(np.ceil(keep * len(k) - 1e-9))])


def _checked(probabilities: ArrayLike, targets: ArrayLike) -> tuple[Floats, Places]:
    p, y = np.asarray(probabilities, np.float64), np.asarray(targets, np.int64)
    if p.ndim != 2 or y.shape != p.shape[:1] or not len(y):
        raise ShapeError(
            f"probabilities are {p.shape}, targets {y.shape}; they must be (N, K) and (N,), N ≥ 1"
        )
    if not np.isfinite(p).all():
        raise ShapeError("the probabilities hold NaN or infinity")
    if y.min() < 0 or y.max() >= p.shape[1]:
        raise ShapeError(f"a target lies outside 0 to {p.shape[1] - 1}")
    return p, y


def _scores(scores: ArrayLike, name: str) -> Floats:
    values = np.asarray(scores, np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ShapeError(f"{name} scores are {values.shape}; they must be (N,), finite, N at least 1")
    return values
