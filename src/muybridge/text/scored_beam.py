"""Prefix beam search in which something else than the network has a say: language model, lexicon, hot words.

Each of them is a `PrefixScorer`, an automaton over columns that gives every possible next column a score.
The search keeps the probability of a labeling (the network's) and its bonus (the scorers') apart and ranks
by their sum.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["PrefixScorer", "ScoredBeams", "search_scored"]


class PrefixScorer(Protocol):
    """Scores a labeling column by column; states are any hashable values of the scorer's own."""

    def start(self) -> Any:
        """The state of the empty labeling."""

    def scores(self, state: Any) -> NDArray[np.float64]:
        """(K,) what each next column adds; −inf forbids it. The blank's entry is not read."""

    def after(self, state: Any, column: int) -> Any:
        """The state when a column is added."""

    def at_end(self, state: Any) -> float:
        """What it adds if the labeling ends here; −inf if it must not."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredBeams:
    """The best labelings of one line, best first; arrays are (N,)."""

    labelings: list[NDArray[np.int64]]
    log_probabilities: NDArray[np.float64]
    scores: NDArray[np.float64]


@dataclass(slots=True)
class _Automaton:
    """The scorers as one: states are numbered as they are met, with the scores of their next columns."""

    scorers: Sequence[PrefixScorer]
    numbers: dict[tuple[Hashable, ...], int] = field(default_factory=dict)
    states: list[tuple[Hashable, ...]] = field(default_factory=list)
    rows: list[NDArray[np.float64]] = field(default_factory=list)
    arcs: dict[tuple[int, int], int] = field(default_factory=dict)

    def number(self, state: tuple[Hashable, ...]) -> int:
        if state not in self.numbers:
            self.numbers[state] = len(self.states)
            self.states.append(state)
            rows = [scorer.scores(part) for scorer, part in zip(self.scorers, state, strict=True)]
            self.rows.append(np.sum(rows, axis=0))
        return self.numbers[state]

    def start(self) -> int:
        return self.number(tuple(scorer.start() for scorer in self.scorers))

    def after(self, number: int, column: int) -> int:
        arc = (number, column)
        if arc not in self.arcs:
            parts = zip(self.scorers, self.states[number], strict=True)
            self.arcs[arc] = self.number(tuple(scorer.after(part, column) for scorer, part in parts))
        return self.arcs[arc]

    def at_end(self, number: int) -> float:
        return sum(
            scorer.at_end(part) for scorer, part in zip(self.scorers, self.states[number], strict=True)
        )


@dataclass(slots=True)
class _Prefix:
    """A kept labeling: a node of the tree of all labelings met, with what the paths to it are worth."""

    columns: tuple[int, ...]
    state: int
    bonus: float
    ends_blank: float = -np.inf
    ends_last: float = -np.inf

    @property
    def total(self) -> float:
        return float(np.logaddexp(self.ends_blank, self.ends_last))


def search_scored(
    line: NDArray[np.float64],
    scorers: Sequence[PrefixScorer],
    *,
    blank: int,
    width: int,
    max_gap: float = np.inf,
    mean_bonus: bool = False,
) -> ScoredBeams:
    """Find the labelings of one line with the best log-probability plus bonus.

    Args:
        line: (T, K) normalized natural log-probabilities.
        scorers: who else has a say; their scores add up.
        blank: the blank's column, 0 ≤ blank < K.
        width: how many labelings are kept at each step.
        max_gap: labelings whose score falls this far below the step's best are dropped.
        mean_bonus: rank the finished labelings by log-probability plus the *mean* bonus of their columns.

    Returns:
        At most `width` labelings; none where the scorers allow none of those that were kept.
    """
    automaton = _Automaton(scorers)
    kept = [_Prefix((), automaton.start(), 0.0, ends_blank=0.0)]
    for row in line:
        if not kept:
            break
        kept = _step(row, kept, automaton, blank, width, max_gap)
    finished = []
    for prefix in kept:
        bonus = prefix.bonus + automaton.at_end(prefix.state)
        if mean_bonus:
            bonus /= max(1, len(prefix.columns))
        finished.append((prefix.total + bonus, prefix))
    finished = sorted((item for item in finished if item[0] > -np.inf), key=lambda item: -item[0])
    return ScoredBeams(
        [np.array(prefix.columns, np.int64) for _, prefix in finished],
        np.array([prefix.total for _, prefix in finished]),
        np.array([score for score, _ in finished]),
    )


def _step(
    row: NDArray[np.float64],
    kept: list[_Prefix],
    automaton: _Automaton,
    blank: int,
    width: int,
    max_gap: float,
) -> list[_Prefix]:
    """One time step: those that stay, and of those that grow the ones that can still be among the best."""
    totals = np.array([prefix.total for prefix in kept])
    bonuses = np.array([prefix.bonus for prefix in kept])
    blanks = np.array([prefix.ends_blank for prefix in kept])
    places = {prefix.columns: place for place, prefix in enumerate(kept)}
    last = np.array([prefix.columns[-1] if prefix.columns else blank for prefix in kept])

    ends_last = np.array([prefix.ends_last for prefix in kept])
    for place, prefix in enumerate(kept):
        parent = places.get(prefix.columns[:-1]) if prefix.columns else None
        if parent is not None:
            source = blanks if last[parent] == last[place] else totals
            ends_last[place] = np.logaddexp(ends_last[place], source[parent])
    ends_last += row[last]
    ends_blank = totals + row[blank]
    stays = np.logaddexp(ends_blank, ends_last) + bonuses

    # A column is worth a look where even the prefix that likes it best would reach the least that stays.
    rows = np.stack([automaton.rows[prefix.state] for prefix in kept])
    least = stays.min() if len(kept) == width else -np.inf
    hope = (totals + bonuses)[:, None] + rows
    hope += row
    hope[:, blank] = -np.inf
    hope[hope < least] = -np.inf
    grown_from, grown_by = np.nonzero(hope > -np.inf)
    repeats = grown_by == last[grown_from]
    values = np.where(repeats, blanks[grown_from], totals[grown_from]) + row[grown_by]
    gains = bonuses[grown_from] + rows[grown_from, grown_by]
    scores = np.concatenate([stays, values + gains])
    order = np.argsort(-scores, kind="stable")
    limit = scores[order[0]] - max_gap
    chosen: list[_Prefix] = []
    for candidate in order.tolist():
        if len(chosen) == width or scores[candidate] == -np.inf or scores[candidate] < limit:
            break
        if candidate < len(kept):
            prefix = kept[candidate]
            chosen.append(
                _Prefix(
                    prefix.columns,
                    prefix.state,
                    prefix.bonus,
                    float(ends_blank[candidate]),
                    float(ends_last[candidate]),
                )
            )
            continue
        pair = candidate - len(kept)
        parent, column = kept[grown_from[pair]], int(grown_by[pair])
        columns = (*parent.columns, column)
        if columns not in places:  # those only add to one that is kept
            chosen.append(
                _Prefix(
                    columns,
                    automaton.after(parent.state, column),
                    float(gains[pair]),
                    ends_last=float(values[pair]),
                )
            )
    return chosen
