"""What a result must be, besides matching the query."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from muybridge.errors import OptionError
from muybridge.search.narrowing import Condition
from muybridge.search.paths import PathPattern
from muybridge.search.tables import quoted

__all__ = ["MAX_RESULTS", "Filters", "check_limit"]

MAX_RESULTS = 100_000


def check_limit(limit: int) -> None:
    """Raise `OptionError` unless so many results can be asked for."""
    if not 1 <= limit <= MAX_RESULTS:
        raise OptionError(f"limit={limit} must be from 1 to {MAX_RESULTS}")


@dataclass(frozen=True, slots=True)
class Filters:
    """What a result must be, besides matching."""

    kinds: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    start_seconds: float | None = None
    end_seconds: float | None = None
    min_score: float | None = None
    _patterns: tuple[PathPattern, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_patterns", tuple(map(PathPattern, self.files)))
        for name in ("start_seconds", "end_seconds", "min_score"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise OptionError(f"{name}={value} must be a finite number")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise OptionError(f"min_score={self.min_score} must be from 0 to 1, as scores are")
        if (
            self.start_seconds is not None
            and self.end_seconds is not None
            and self.end_seconds < self.start_seconds
        ):
            raise OptionError(
                f"end_seconds={self.end_seconds} must not be before start_seconds={self.start_seconds}"
            )

    @property
    def has_window(self) -> bool:
        """Whether both ends of the time are given."""
        return self.start_seconds is not None and self.end_seconds is not None

    def conditions(self, records: Collection[int], *, longest_seconds: float = math.inf) -> list[Condition]:
        """As conditions on rows of `segments`; none where nothing is asked for.

        Args:
            records: of the videos that `takes` takes.
            longest_seconds: no segment lasts longer. What ends after a moment then does not begin long before it, so
                that a window of time is one short stretch of an index, not what two long ones have in common.

        >>> kind, time = Filters(kinds=("text",), start_seconds=5).conditions([1, 2])
        >>> kind.sql, time.sql
        ("kind IN ('text')", 'end_seconds > 5.0')
        >>> row = {"kind": "text", "start_seconds": 3.0, "end_seconds": 5.0, "score": None, "record": 1}
        >>> kind.takes(row), time.takes(row)
        (True, False)
        >>> _, window = Filters(start_seconds=90, end_seconds=100).conditions([1, 2], longest_seconds=8)
        >>> window.takes({"start_seconds": 85.0}), window.takes({"start_seconds": 75.0})
        (True, False)
        """
        found = []
        if self.files:
            numbers = ", ".join(map(str, sorted(records)))
            found.append(Condition(f"record IN ({numbers})", lambda row: row["record"] in records))
        if self.kinds:
            kinds = ", ".join(map(quoted, self.kinds))
            found.append(Condition(f"kind IN ({kinds})", lambda row: row["kind"] in self.kinds))
        start, end = self.start_seconds, self.end_seconds
        if start is not None:
            found.append(Condition(f"end_seconds > {float(start)}", lambda row: row["end_seconds"] > start))
        if start is not None and end is not None and longest_seconds < math.inf:
            # Times are sums and differences of floats: a microsecond more, and nothing is lost to their rounding.
            first, last = start - longest_seconds - 1e-6, math.nextafter(end, -math.inf)
            between = f"start_seconds BETWEEN {first} AND {last}"
            found.append(Condition(between, lambda row: first <= row["start_seconds"] <= last))
        elif end is not None:
            found.append(Condition(f"start_seconds < {float(end)}", lambda row: row["start_seconds"] < end))
        if self.min_score is not None:
            # Scores are kept with 32 bits: the nearest of those to 0.9 is a little less than 0.9.
            least = float(np.float32(self.min_score))
            found.append(
                Condition(f"score >= {least}", lambda row: row["score"] is not None and row["score"] >= least)
            )
        return found

    def takes(self, path: str) -> bool:
        """Whether a path is one of `files`, or matches one of its patterns, or lies in a folder of them."""
        return not self.files or any(pattern.takes(path) for pattern in self._patterns)
