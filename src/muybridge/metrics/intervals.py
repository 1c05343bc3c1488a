"""How far a number may be off: the interval of any metric by drawing the items anew, and that of a share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.errors import OptionError, ShapeError

__all__ = ["Interval", "bootstrap", "proportion_interval", "ratio_interval"]

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and the bounds between which it lies at a level of confidence."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap(
    metric: Callable[[Places], float],
    num_items: int,
    *,
    groups: Sequence[object] | None = None,
    confidence: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """The interval in which a metric would lie for other items of the same kind.

    Args:
        metric: takes places of items, some more than once, and gives the number.
        num_items: N.
        groups: (N,) the person or the video of each clip. Whole groups are drawn then: clips of one person are no
            independent witnesses.
        confidence: the share of the draws that lie between the bounds.
        num_resamples: how often items are drawn with replacement.
        seed: of the draws.

    Raises:
        ShapeError: no item, or groups of another number.
        OptionError: a confidence outside (0, 1), or no resample.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993; the draw of whole groups is the cluster
    bootstrap of Davison and Hinkley, 1997, section 3.8.

    >>> right = np.array([1, 1, 1, 0] * 25)
    >>> interval = bootstrap(lambda places: right[places].mean(), 100)
    >>> interval.value, 0.6 < interval.low < 0.7, 0.8 < interval.high < 0.9
    (0.75, True, True)
    """
    if num_items < 1:
        raise ShapeError("an interval needs at least one item")
    if not 0 < confidence < 1 or num_resamples < 1:
        raise OptionError(
            f"confidence={confidence} must lie in (0, 1), num_resamples={num_resamples} above 0"
        )
    names = list(range(num_items)) if groups is None else list(groups)
    if len(names) != num_items:
        raise ShapeError(f"{len(names)} groups for {num_items} items")
    members: dict[object, list[int]] = {}
    for place, name in enumerate(names):
        members.setdefault(name, []).append(place)
    blocks = [np.array(places) for places in members.values()]
    generator = np.random.default_rng(seed)
    values = [
        metric(np.concatenate([blocks[i] for i in generator.integers(0, len(blocks), len(blocks))]))
        for _ in range(num_resamples)
    ]
    return Interval(float(metric(np.arange(num_items))), *_bounds(values, confidence))


def ratio_interval(
    parts: ArrayLike,
    wholes: ArrayLike,
    *,
    confidence: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """The bootstrap interval of a pooled ratio, sum of parts by sum of wholes, such as edits by characters.

    Args:
        parts: (N,) for each text, such as its edits.
        wholes: (N,) for each text, such as its characters; a draw whose wholes sum to nothing divides by one.
        confidence: the share of resamples between the bounds.
        num_resamples: how often the texts are drawn anew, with replacement.
        seed: of the draws.

    Raises:
        ShapeError: no text, or the numbers differ.

    >>> ratio_interval([0, 1, 0, 1], [2, 2, 2, 2]).value
    0.25
    """
    part, whole = np.asarray(parts, dtype=np.float64), np.asarray(wholes, dtype=np.float64)
    if part.ndim != 1 or part.shape != whole.shape or not part.size:
        raise ShapeError(
            f"parts {part.shape} and wholes {whole.shape} must be two lists of one length, 1 or more"
        )
    draws = np.random.default_rng(seed).integers(0, part.size, (num_resamples, part.size))
    values = part[draws].sum(axis=1) / np.maximum(1, whole[draws].sum(axis=1))
    return Interval(float(part.sum() / max(1.0, whole.sum())), *_bounds(values, confidence))


def proportion_interval(num_right: float, num_trials: int, *, confidence: float = 0.95) -> Interval:
    """The Wilson score interval of a share, honest at 0% and at 100% too.

    Args:
        num_right: successes; a fraction where a trial is a group of which a share is right.
        num_trials: trials, at least as many.
        confidence: how often such an interval holds the true share.

    Raises:
        OptionError: more successes than trials, no trial, or a confidence outside (0, 1).

    Source: E. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

    >>> print(proportion_interval(10, 10))
    1.000 [0.722, 1.000]
    """
    if not 0 <= num_right <= num_trials or not num_trials or not 0 < confidence < 1:
        raise OptionError(
            f"{num_right} of {num_trials} at a confidence of {confidence} is no share of trials"
        )
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = num_right / num_trials
    center = (share + z**2 / (2 * num_trials)) / (1 + z**2 / num_trials)
    reach = z * math.sqrt(share * (1 - share) / num_trials + (z / (2 * num_trials)) ** 2)
    reach /= 1 + z**2 / num_trials
    return Interval(share, max(0.0, center - reach), min(1.0, center + reach))


def _bounds(values: ArrayLike, confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.asarray(values, np.float64), [tail, 1 - tail])
    return float(low), float(high)
