"""A query → matches: by its words, by its meaning, by the videos' names, fused by their ranks."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muybridge.errors import OptionError
from muybridge.search.directions import contradicts, directions_of, without_zoom_direction
from muybridge.search.filters import Filters, check_limit
from muybridge.search.freshness import has_changed
from muybridge.search.fusion import reciprocal_rank_fusion
from muybridge.search.narrowing import Condition, Narrowing, narrow
from muybridge.search.reasons import reason, stems_of, without_stop_words, words_of
from muybridge.search.results import Match
from muybridge.search.tables import nearest, reading

if TYPE_CHECKING:
    from muybridge.search.store import Row, Store

__all__ = ["find_text"]

MAX_QUERY_CHARACTERS = 1000
EXHAUSTIVE_ROWS = 50_000
"""So few rows are compared one by one, which is exact and no slower than the vector index."""
MOVING_KINDS = frozenset({"camera", "object"})
"""What the camera or an object does the other way is no match; a caption or a spoken word may tell of both."""
_COLUMNS = ["record", "start_seconds", "end_seconds", "kind", "score", "text"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A row of `segments` that matched, and how."""

    row: dict[str, Any]
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query: its text, how its filters are applied, and how many rows are fused."""

    text: str
    narrowing: Narrowing
    depth: int


Key = tuple[int, float, float, str, str]


def find_text(store: Store, query: str, filters: Filters, *, limit: int, by: str) -> list[Match]:
    """Find segments by a query; see `Store.find`."""
    text = unicodedata.normalize("NFC", query).strip()
    if not text:
        raise OptionError("the query is empty; say what to look for")
    if len(text) > MAX_QUERY_CHARACTERS:
        raise OptionError(f"the query has {len(text)} characters; {MAX_QUERY_CHARACTERS} are allowed")
    if by not in ("both", "words", "meaning"):
        raise OptionError(f"by={by!r} must be 'both', 'words' or 'meaning'")
    check_limit(limit)
    videos = {row.record: row for row in store.rows().values() if filters.takes(row.path)}
    if not videos:
        return []
    longest = store.longest_seconds() if filters.has_window else math.inf
    conditions = filters.conditions(videos, longest_seconds=longest)
    asked = _Asked(text, _narrowing(store, conditions), depth=max(100, 4 * limit))
    # Side by side: each waits most of its time for the store, which reads with threads of its own.
    with ThreadPoolExecutor(1) as pool:
        meaning = pool.submit(_by_meaning, store, asked, videos) if by != "words" else None
        by_words = _by_words(store, asked, videos) if by != "meaning" else {}
        by_meaning = {} if meaning is None else meaning.result()
    by_name = _by_name(text, videos.values(), filters.conditions(videos)) if by != "meaning" else {}
    hits = by_name | by_meaning | by_words
    fused = reciprocal_rank_fusion([list(by_words), list(by_meaning), list(by_name)])
    ways = directions_of(text)
    fused = [item for item in fused if not _goes_the_other_way(hits[item[0]].row, ways)]
    asked_stems, *stems = stems_of(store, [text, *(hits[key].row["text"] for key, _ in fused[:limit])])
    found = []
    for (key, relevance), shown in zip(fused, stems, strict=False):
        similarity = by_meaning[key].similarity if key in by_meaning else None
        label = hits[key].row["text"]
        why = reason(label, shown, asked_stems, similarity, words=key in by_words, name=key in by_name)
        found.append(_match(hits[key].row, videos[key[0]], why, relevance, similarity))
    return found


def _goes_the_other_way(row: dict[str, Any], asked: frozenset[str]) -> bool:
    return row["kind"] in MOVING_KINDS and contradicts(row["text"], asked)


def _by_words(store: Store, asked: _Asked, videos: dict[int, Row]) -> dict[Key, Hit]:
    from lancedb.query import BooleanQuery, MatchQuery, Occur

    text, ways = without_zoom_direction(asked.text)

    def matching(words: str, fuzziness: int) -> MatchQuery:
        prefix = 1 if fuzziness else 0
        return MatchQuery(words, "text", fuzziness=fuzziness, prefix_length=prefix)  # type: ignore[call-arg]

    def search(words: str, fuzziness: int) -> dict[Key, Hit]:
        query: Any = matching(words, fuzziness)
        if ways:  # they move a match up, and make none
            query = BooleanQuery([(Occur.MUST, query), (Occur.SHOULD, matching(ways, 0))])
        rows = _rows(store, lambda _: store.tables.segments.search(query, query_type="fts"), asked)
        return {_key(row): Hit(row) for row in rows if row["record"] in videos}

    words = without_stop_words(text)
    # What was misread on a screen, or mistyped here, is a letter away; asked for only if nothing is exact, and
    # not of numbers and short words, whose neighbors are other words.
    long_words = " ".join(word for word in words_of(words) if len(word) > 3 and not word.isdigit())
    return search(words, 0) or (search(long_words, 1) if long_words else {})


def _by_meaning(store: Store, asked: _Asked, videos: dict[int, Row]) -> dict[Key, Hit]:
    vector = store.embedder.embed([asked.text])[0]
    if not vector.any():
        return {}

    def search(narrowing: Narrowing) -> Any:
        exhaustive = narrowing.num_left <= EXHAUSTIVE_ROWS
        return nearest(store.tables.segments, vector, "vector", exhaustive=exhaustive)

    rows = _rows(store, search, asked)
    found = {}
    for row in rows:
        similarity = 1.0 - row["_distance"]
        # A text without vector has zeros, whose cosine is not a number.
        if row["record"] in videos and similarity >= store.embedder.least_similarity:
            found[_key(row)] = Hit(row, similarity=min(1.0, similarity))
    return found


def _narrowing(store: Store, conditions: Sequence[Condition]) -> Narrowing:
    if not conditions:
        return Narrowing((), (), 1.0, math.inf)
    with reading(store.uri):
        return narrow(conditions, store.sample())


def _rows(store: Store, search: Callable[[Narrowing], Any], asked: _Asked) -> list[dict[str, Any]]:
    """The best rows of a search that the filters take."""
    narrowing = asked.narrowing
    wanted = narrowing.num_wanted(asked.depth)
    with reading(store.uri):
        rows = _best(search(narrowing), narrowing, wanted)
        kept = [row for row in rows if narrowing.takes(row)]
        if len(kept) >= asked.depth or len(rows) < wanted:
            return kept[: asked.depth]
        everything = narrowing.asking_for_all()
        return _best(search(everything), everything, asked.depth)


def _best(search: Any, narrowing: Narrowing, count: int) -> list[dict[str, Any]]:
    if narrowing.asked:
        where = " AND ".join(condition.sql for condition in narrowing.asked)
        search = search.where(where, prefilter=True)
    return list(search.limit(count).select(_with_rank(search)).to_list())


def _with_rank(search: Any) -> list[str]:
    rank = "_score" if "Fts" in type(search).__name__ else "_distance"
    return [*_COLUMNS, rank]


def _by_name(text: str, videos: Iterable[Row], conditions: Sequence[Condition]) -> dict[Key, Hit]:
    """Videos whose file name has words of the query, those with most of them first."""
    wanted = set(words_of(without_stop_words(without_zoom_direction(text)[0])))
    found = []
    for row in videos:
        stem = Path(row.path).stem
        shared = wanted & set(words_of(stem))
        if shared:
            end = row.start_seconds + row.duration_seconds
            line: dict[str, Any] = {
                "record": row.record,
                "start_seconds": row.start_seconds,
                "end_seconds": end,
            }
            line |= {"kind": "video", "score": None, "text": stem}
            if all(condition.takes(line) for condition in conditions):
                found.append((-len(shared), row.path, line))
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
        has_changed(video),
    )


def _key(row: dict[str, Any]) -> Key:
    return row["record"], row["start_seconds"], row["end_seconds"], row["kind"], row["text"]
