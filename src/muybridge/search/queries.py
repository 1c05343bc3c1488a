"""A query → matches: by its words, by its meaning, by the videos' names, fused by their ranks."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muybridge.errors import OptionError
from muybridge.search.fusion import reciprocal_rank_fusion
from muybridge.search.reasons import reason, stems_of, without_stop_words, words_of
from muybridge.search.results import Match
from muybridge.search.tables import nearest, quoted, reading

if TYPE_CHECKING:
    from muybridge.search.store import Row, Store

__all__ = ["Filters", "find_text"]

MAX_QUERY_CHARACTERS = 1000
_FILTERED_FROM = 4
"""Of how many times as many rows as are wanted the filters choose, before they are asked for in the store."""
_COLUMNS = ["record", "start_seconds", "end_seconds", "kind", "score", "text"]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a result must be, besides matching."""

    kinds: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    start_seconds: float | None = None
    end_seconds: float | None = None
    min_score: float | None = None

    def __post_init__(self) -> None:
        for name in ("start_seconds", "end_seconds", "min_score"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise OptionError(f"{name}={value} must be a finite number")

    def sql(self, records: Sequence[int] | None) -> str:
        """As a condition on rows; empty where nothing is asked for.

        >>> Filters(kinds=("text",), start_seconds=5).sql(None)
        "kind IN ('text') AND end_seconds > 5.0"
        """
        parts = []
        if records is not None:
            parts.append(f"record IN ({', '.join(map(str, records))})")
        if self.kinds:
            parts.append(f"kind IN ({', '.join(map(quoted, self.kinds))})")
        if self.start_seconds is not None:
            parts.append(f"end_seconds > {float(self.start_seconds)}")
        if self.end_seconds is not None:
            parts.append(f"start_seconds < {float(self.end_seconds)}")
        if self.min_score is not None:
            parts.append(f"score >= {float(self.min_score)}")
        return " AND ".join(parts)

    def takes_row(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of `segments` is what is asked for; files are left to `takes`.

        >>> row = {"kind": "text", "start_seconds": 3.0, "end_seconds": 5.0, "score": None}
        >>> Filters(kinds=("text",), end_seconds=4).takes_row(row), Filters(min_score=0.5).takes_row(row)
        (True, False)
        """
        return (
            (not self.kinds or row["kind"] in self.kinds)
            and (self.start_seconds is None or row["end_seconds"] > self.start_seconds)
            and (self.end_seconds is None or row["start_seconds"] < self.end_seconds)
            and (self.min_score is None or (row["score"] is not None and row["score"] >= self.min_score))
        )

    def takes(self, path: str) -> bool:
        """Whether a path is one of `files`, or matches one of its patterns, or lies in a folder of them."""
        return not self.files or any(_matches(path, pattern) for pattern in self.files)


@dataclass(frozen=True, slots=True)
class Hit:
    """A row of `segments` that matched, and how."""

    row: dict[str, Any]
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query: its text, the filters, also as a condition, how many results, and how many rows are fused for them."""

    text: str
    filters: Filters
    where: str
    limit: int
    depth: int


Key = tuple[int, float, float, str, str]


def find_text(store: Store, query: str, filters: Filters, *, limit: int, by: str) -> list[Match]:
    """Find segments by a query; see `Store.find`."""
    text = unicodedata.normalize("NFC", query).strip()
    if not text:
        raise OptionError("the query is empty; say what to look for")
    if len(text) > MAX_QUERY_CHARACTERS:
        raise OptionError(f"the query has {len(text)} characters; {MAX_QUERY_CHARACTERS} are allowed")
    if by not in ("both", "words", "meaning") or limit < 1:
        raise OptionError(f"by={by!r} must be 'both', 'words' or 'meaning', and limit={limit} at least 1")
    videos = {row.record: row for row in store.rows().values() if filters.takes(row.path)}
    if not videos:
        return []
    where = filters.sql(sorted(videos) if filters.files else None)
    asked = _Asked(text, filters, where, limit, depth=max(100, 4 * limit))
    # Side by side: each waits most of its time for the store, which reads with threads of its own.
    with ThreadPoolExecutor(1) as pool:
        meaning = pool.submit(_by_meaning, store, asked, videos) if by != "words" else None
        by_words = _by_words(store, asked, videos) if by != "meaning" else {}
        by_meaning = {} if meaning is None else meaning.result()
    by_name = _by_name(text, videos.values(), filters) if by != "meaning" else {}
    hits = by_name | by_meaning | by_words
    fused = reciprocal_rank_fusion([list(by_words), list(by_meaning), list(by_name)])
    asked_stems, *stems = stems_of(store, [text, *(hits[key].row["text"] for key, _ in fused[:limit])])
    found = []
    for (key, relevance), shown in zip(fused, stems, strict=False):
        similarity = by_meaning[key].similarity if key in by_meaning else None
        label = hits[key].row["text"]
        why = reason(label, shown, asked_stems, similarity, words=key in by_words, name=key in by_name)
        found.append(_match(hits[key].row, videos[key[0]], why, relevance, similarity))
    return found


def _by_words(store: Store, asked: _Asked, videos: dict[int, Row]) -> dict[Key, Hit]:
    from lancedb.query import MatchQuery

    def search(words: str, fuzziness: int) -> dict[Key, Hit]:
        prefix = 1 if fuzziness else 0
        query: Any = MatchQuery(words, "text", fuzziness=fuzziness, prefix_length=prefix)  # type: ignore[call-arg]
        rows = _rows(store, lambda: store.tables.segments.search(query, query_type="fts"), asked)
        return {_key(row): Hit(row) for row in rows if row["record"] in videos}

    words = without_stop_words(asked.text)
    # What was misread on a screen, or mistyped here, is a letter away; asked for only if nothing is exact, and
    # not of numbers and short words, whose neighbors are other words.
    long_words = " ".join(word for word in words_of(words) if len(word) > 3 and not word.isdigit())
    return search(words, 0) or (search(long_words, 1) if long_words else {})


def _by_meaning(store: Store, asked: _Asked, videos: dict[int, Row]) -> dict[Key, Hit]:
    vector = store.embedder.embed([asked.text])[0]
    if not vector.any():
        return {}
    rows = _rows(store, lambda: nearest(store.tables.segments, vector, "vector"), asked)
    found = {}
    for row in rows:
        similarity = 1.0 - row["_distance"]
        # A text without vector has zeros, whose cosine is not a number.
        if row["record"] in videos and similarity >= store.embedder.least_similarity:
            found[_key(row)] = Hit(row, similarity=min(1.0, similarity))
    return found


def _rows(store: Store, search: Callable[[], Any], asked: _Asked) -> list[dict[str, Any]]:
    """The best rows of a search that the filters take.

    Most filters leave enough of the best few hundred. To look at these is several times cheaper than to find out of a
    million rows which ones a filter takes, which is done only where they leave too few.
    """
    with reading(store.uri):
        if not asked.where:
            return _best(search(), asked.depth)
        if not asked.filters.files:
            most = _FILTERED_FROM * asked.depth
            rows = _best(search(), most)
            kept = [row for row in rows if asked.filters.takes_row(row)]
            if len(kept) >= asked.limit or len(rows) < most:
                return kept[: asked.depth]
        return _best(search().where(asked.where, prefilter=True), asked.depth)


def _best(search: Any, count: int) -> list[dict[str, Any]]:
    return list(search.limit(count).select(_with_rank(search)).to_list())


def _with_rank(search: Any) -> list[str]:
    rank = "_score" if "Fts" in type(search).__name__ else "_distance"
    return [*_COLUMNS, rank]


def _by_name(text: str, videos: Iterable[Row], filters: Filters) -> dict[Key, Hit]:
    """Videos whose file name has words of the query, those with most of them first."""
    wanted = set(words_of(without_stop_words(text)))
    if filters.min_score is not None or (filters.kinds and "video" not in filters.kinds):
        return {}
    found = []
    for row in videos:
        stem = Path(row.path).stem
        shared = wanted & set(words_of(stem))
        if shared:
            end = row.start_seconds + row.duration_seconds
            line = {"record": row.record, "start_seconds": row.start_seconds, "end_seconds": end}
            found.append((-len(shared), row.path, line | {"kind": "video", "score": None, "text": stem}))
    return {_key(line): Hit(line) for _, _, line in sorted(found, key=lambda item: item[:2])}


def _match(row: dict[str, Any], video: Row, why: str, relevance: float, similarity: float | None) -> Match:
    return Match(
        video.path,
        row["start_seconds"],
        row["end_seconds"],
        row["kind"],
        row["text"],
        why,
        relevance,
        similarity,
        row["score"],
    )


def _key(row: dict[str, Any]) -> Key:
    return row["record"], row["start_seconds"], row["end_seconds"], row["kind"], row["text"]


def _matches(path: str, pattern: str) -> bool:
    name = Path(path).name
    full = str(Path(pattern).expanduser().absolute())
    return (
        path in (pattern, full)
        or path.startswith(full.rstrip("/") + "/")
        or fnmatchcase(path, pattern)
        or fnmatchcase(name, pattern)
    )
