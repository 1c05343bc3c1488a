"""Finding by example: a clip inside recordings, stretches that look alike, videos that are copies of each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muybridge.analysis.matching import find_match
from muybridge.search.filters import Filters, check_limit
from muybridge.search.freshness import has_changed
from muybridge.search.looks import LOOKS_PER_SECOND, Look, descriptor_of, looks_of_file
from muybridge.search.results import Match
from muybridge.search.tables import nearest, reading

if TYPE_CHECKING:
    from muybridge.search.store import Row, Store

__all__ = ["find_clip", "find_duplicates", "looks_in_store"]

LEAST_APPEARANCE = 0.5
"""Cosine of appearance; unrelated pictures are seldom above 0.4."""
LEAST_SHARE = 0.5
OR_ANOTHER_TAKE = "the clip itself, or another take of it"
_NEIGHBORS = 10
_MAX_EXAMPLES = 8
_COLUMNS = ["record", "start_seconds", "end_seconds", "seconds", "fingerprints", "is_plain", "appearance"]


def find_clip(store: Store, clip: str | Path, filters: Filters, *, limit: int) -> list[Match]:
    """Find where a clip occurs, and what looks like it; see `Store.find_like`."""
    check_limit(limit)
    looks = looks_of_file(clip)
    videos = {row.record: row for row in store.rows().values() if filters.takes(row.path)}
    copies: dict[int, Match] = {}
    alike: dict[tuple[int, float], Match] = {}
    tried: set[int] = set()
    for look in _some(looks):
        for row in _neighbors(store, look, videos):
            record = row["record"]
            similarity = 1.0 - row["_distance"]
            if record not in tried:
                tried.add(record)
                copy = _copy(store, looks, videos[record], row["start_seconds"] - look.start_seconds)
                if copy is not None:
                    copies[record] = copy
            if similarity >= LEAST_APPEARANCE:
                alike[(record, row["start_seconds"])] = Match(
                    videos[record].path,
                    row["start_seconds"],
                    row["end_seconds"],
                    "look",
                    "looks alike",
                    f"appearance {similarity:.2f}",
                    similarity,
                    min(1.0, similarity),
                )
    # A copy says it all about its video.
    rest = [match for (record, _), match in alike.items() if record not in copies]
    found = [
        *sorted(copies.values(), key=lambda match: (-match.relevance, match.path)),
        *sorted(rest, key=lambda match: (-match.relevance, match.path, match.start_seconds)),
    ][:limit]
    known = {row.path: row for row in videos.values()}
    return [replace(match, has_changed=has_changed(known[match.path])) for match in found]


def find_duplicates(store: Store) -> list[tuple[str, str, float]]:
    """Pairs of videos that are the same recording; see `Store.duplicates`."""
    videos = {row.record: row for row in store.rows().values()}
    # The same bytes are the same recording also where nothing moves.
    pairs = {pair: 1.0 for paths in _by_content(videos.values()) for pair in combinations(paths, 2)}
    for record, video in videos.items():
        looks = looks_in_store(store, record)
        tried: set[int] = set()
        for look in _some(looks):
            for row in _neighbors(store, look, videos):
                other = row["record"]
                if other == record or other in tried:
                    continue
                tried.add(other)
                copy = _copy(store, looks, videos[other], row["start_seconds"] - look.start_seconds)
                shortest = min(video.duration_seconds, videos[other].duration_seconds)
                if copy is not None and copy.label != OR_ANOTHER_TAKE and shortest > 0:
                    share = min(1.0, (copy.similarity or 0.0) * video.duration_seconds / shortest)
                    pair = (min(video.path, copy.path), max(video.path, copy.path))
                    if share >= LEAST_SHARE:
                        pairs[pair] = max(pairs.get(pair, 0.0), round(share, 3))
    return sorted((*pair, share) for pair, share in pairs.items())


def _by_content(videos: Iterable[Row]) -> list[list[str]]:
    """Paths of the same bytes, each list sorted."""
    paths: dict[str, list[str]] = {}
    for video in videos:
        if video.content_hash:
            paths.setdefault(video.content_hash, []).append(video.path)
    return [sorted(some) for some in paths.values()]


def _copy(store: Store, looks: Sequence[Look], video: Row, shift_seconds: float) -> Match | None:
    """The stretch of a video that is the clip itself, compared around the place where a look was alike.

    Before a still camera it may be another take as well; its relevance is below that of any other copy then.
    """
    margin = 2 * (looks[0].end_seconds - looks[0].start_seconds) + 4.0
    begin = looks[0].start_seconds + shift_seconds - margin
    end = looks[-1].end_seconds + shift_seconds + margin
    there = looks_in_store(store, video.record, begin, end)
    if not there:
        return None
    match = find_match(descriptor_of(looks), descriptor_of(there), frames_per_second=LOOKS_PER_SECOND)
    offset, share = match.offset_seconds, match.share_of_first
    # Of a picture in which nothing moves, another recording of the place would be as much alike.
    if offset is None or share < LEAST_SHARE or (match.fits_anywhere and not match.stands_out):
        return None
    last = video.start_seconds + video.duration_seconds
    start = min(last, max(video.start_seconds, looks[0].start_seconds + offset))
    stop = min(last, looks[-1].end_seconds + offset)
    if match.fits_anywhere:
        why = f"{share:.0%} of it alike, but so little moves that another take may be, too"
        return Match(video.path, start, max(start, stop), "look", OR_ANOTHER_TAKE, why, share, share)
    why = f"the same recording, {share:.0%} of it frame for frame"
    return Match(video.path, start, max(start, stop), "look", "the clip itself", why, 1.0 + share, share)


def _neighbors(store: Store, look: Look, videos: dict[int, Row]) -> list[dict[str, Any]]:
    if not look.appearance.any() or not videos:
        return []
    with reading(store.uri):
        search = nearest(store.tables.looks, look.appearance, "appearance").limit(_NEIGHBORS)
        if len(videos) < len(store.rows()):
            search = search.where(f"record IN ({', '.join(map(str, videos))})", prefilter=True)
        rows = search.select(["record", "start_seconds", "end_seconds", "_distance"]).to_list()
    return [row for row in rows if row["record"] in videos and row["_distance"] == row["_distance"]]


def looks_in_store(
    store: Store, record: int, begin: float | None = None, end: float | None = None
) -> list[Look]:
    """The looks of a video, or of a stretch of it, in order of time."""
    where = f"record = {record}"
    if begin is not None and end is not None:
        where += f" AND end_seconds > {begin} AND start_seconds < {end}"
    with reading(store.uri):
        rows = store.tables.looks.search().where(where).select(_COLUMNS).to_list()
    return [
        Look(
            row["start_seconds"],
            row["end_seconds"],
            np.array(row["appearance"], np.float32),
            np.array(row["seconds"], np.float64),
            np.array(row["fingerprints"], np.uint64),
            np.array(row["is_plain"], np.bool_),
        )
        for row in sorted(rows, key=lambda row: row["start_seconds"])
    ]


def _some(looks: Sequence[Look]) -> list[Look]:
    """A few of many, evenly spread."""
    if len(looks) <= _MAX_EXAMPLES:
        return list(looks)
    return [looks[round(i * (len(looks) - 1) / (_MAX_EXAMPLES - 1))] for i in range(_MAX_EXAMPLES)]
