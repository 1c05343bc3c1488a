"""Several rankings of the same things → one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

__all__ = ["reciprocal_rank_fusion"]

T = TypeVar("T", bound=Hashable)


def reciprocal_rank_fusion(rankings: Iterable[Sequence[T]], *, k: float = 60.0) -> list[tuple[T, float]]:
    """Fuse rankings by their ranks alone, so that scores on different scales need no calibration.

    Each ranking gives 1 / (k + rank) to each of its items, the first having rank 1.

    Args:
        rankings: each from the best to the worst, without repetition.
        k: how little the very first ranks stand out; 60 is the published choice.

    Returns:
        Items with their sums, the best first; equal sums in the order in which the items first occur.

    Source: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and Individual Rank
    Learning Methods", SIGIR 2009.

    What is second in both beats what is first in one:

    >>> [item for item, _ in reciprocal_rank_fusion([["a", "b"], ["c", "b"]])]
    ['b', 'a', 'c']
    """
    sums: dict[T, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            sums[item] = sums.get(item, 0.0) + 1.0 / (k + rank)
    return sorted(sums.items(), key=lambda pair: -pair[1])
