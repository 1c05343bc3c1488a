"""How a filter is applied: what the store is asked for, and what is looked at afterwards.

The store first finds out which rows a condition takes, by an index, and then searches those alone. That costs the more,
the more rows they are: a few milliseconds for some thousand, tens for a million. A condition that takes most rows costs
next to nothing when a few more rows are searched for and looked at afterwards:

    kind is "text"           takes a fourth    → the store is asked
    ends after 600 s         takes nine of ten → of 138 found rows about 125 are left; 100 are wanted

How much a condition takes is seen in a sample of the rows. Where it was wrong and too few are left, the store is asked
for all conditions, so that only the time depends on the sample, never the answer.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Condition", "Narrowing", "Sample", "draw_sample", "narrow"]

SAMPLE_COLUMNS = ["record", "start_seconds", "end_seconds", "kind", "score"]
SAMPLE_ROWS = 1000
LEAST_SHARE = 0.5
"""What is looked at afterwards leaves at least this share of the rows."""
_MARGIN = 1.25
_PRIOR_ROWS = 20


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that a row must be: as SQL, and as a test of a row that was read."""

    sql: str
    takes: Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows of a table, drawn at random, and how many it had then."""

    rows: Sequence[Mapping[str, Any]]
    num_rows: int

    def is_of(self, num_rows: int) -> bool:
        """Whether the table is still about as large as it was."""
        return abs(num_rows - self.num_rows) <= 0.25 * self.num_rows


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What becomes of the conditions of one search.

    Args:
        asked: what the store is asked for.
        checked: what is looked at afterwards.
        share: of the rows that the store then finds, so many are left, if what is looked at afterwards has nothing to
            do with the query.
        num_left: so many rows of the table fulfil what the store is asked for, about.
    """

    asked: tuple[Condition, ...]
    checked: tuple[Condition, ...]
    share: float
    num_left: float

    def num_wanted(self, count: int) -> int:
        """How many rows are to be found so that, most likely, `count` are left.

        >>> Narrowing((), (), 1.0, 9e5).num_wanted(100)
        100
        >>> late = Condition("end_seconds > 5.0", lambda row: row["end_seconds"] > 5)
        >>> Narrowing((), (late,), 0.5, 9e5).num_wanted(100)
        250
        """
        return math.ceil(_MARGIN * count / self.share) if self.checked else count

    def takes(self, row: Mapping[str, Any]) -> bool:
        """Whether a row that was found is what is asked for."""
        return all(condition.takes(row) for condition in self.checked)

    def asking_for_all(self) -> Narrowing:
        """The same, with nothing left to be looked at afterwards."""
        return Narrowing((*self.asked, *self.checked), (), 1.0, self.share * self.num_left)


def narrow(conditions: Sequence[Condition], sample: Sample) -> Narrowing:
    """Divide conditions by how many rows they take.

    >>> sample = Sample([{"kind": "text" if n % 4 else "camera", "end_seconds": n} for n in range(100)], 100_000)
    >>> camera = Condition("kind = 'camera'", lambda row: row["kind"] == "camera")
    >>> late = Condition("end_seconds > 9.0", lambda row: row["end_seconds"] > 9)
    >>> found = narrow([camera, late], sample)
    >>> [condition.sql for condition in found.asked], [condition.sql for condition in found.checked]
    (["kind = 'camera'"], ['end_seconds > 9.0'])
    >>> round(found.share, 2), found.num_left
    (0.89, 25000.0)
    """
    if not sample.rows:
        return Narrowing(tuple(conditions), (), 1.0, float(sample.num_rows))
    takes = np.array([[condition.takes(row) for row in sample.rows] for condition in conditions])
    alone, together = takes.mean(axis=1), int(takes.all(axis=0).sum())
    checked, share, left = np.zeros(len(conditions), np.bool_), 1.0, together
    for place in np.argsort(-alone, kind="stable"):
        more = checked.copy()
        more[place] = True
        rest = int(takes[~more].all(axis=0).sum())
        # Where few rows of the sample are left, what they say is weighed against independence.
        expected = (together + _PRIOR_ROWS * float(alone[more].prod())) / (rest + _PRIOR_ROWS)
        if expected >= LEAST_SHARE:
            checked, share, left = more, expected, rest
    return Narrowing(
        tuple(condition for condition, later in zip(conditions, checked, strict=True) if not later),
        tuple(condition for condition, later in zip(conditions, checked, strict=True) if later),
        share,
        sample.num_rows * left / len(sample.rows),
    )


def draw_sample(table: Any, num_rows: int) -> Sample:
    """Some rows of a table of that many, without their texts and vectors."""
    if num_rows == 0:
        return Sample((), 0)
    places = sorted(random.Random(0).sample(range(num_rows), min(num_rows, SAMPLE_ROWS)))
    return Sample(table.take_offsets(places).select(SAMPLE_COLUMNS).to_list(), num_rows)
