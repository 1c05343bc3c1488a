"""Search: how good, how fast over a million segments, and what indexing costs beyond watching.

    python benchmarks/search.py quality
    python benchmarks/search.py million [--rows 1000000] [--store FOLDER]
    python benchmarks/search.py index FOLDER

Each prints one JSON result.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from search_queries import QUERIES, SEGMENTS, WITHOUT_ANSWER

from muybridge.search import Store, load_embedder, open_store
from muybridge.search.filters import Filters
from muybridge.search.tables import nearest
from muybridge.values import Segment, Timeline, VideoMetadata

MODES = ("words", "meaning", "both")
SEGMENTS_PER_VIDEO = 20_000
FILTERS: dict[str, dict[str, Any]] = {  # each of the 50 videos lasts 20,000 seconds
    "a kind": {"kinds": ["text"]},
    "from a second on": {"start_seconds": 600.0},
    "a kind, from a second on": {"kinds": ["text"], "start_seconds": 600.0},
    "the last twentieth": {"start_seconds": 19_000.0},
    "a kind, the last ten seconds": {"kinds": ["text"], "start_seconds": 19_990.0},
    "a window of a tenth": {"start_seconds": 9_000.0, "end_seconds": 11_000.0},
    "a file": {"files": ["/20000.mp4"]},
    "half of the files": {"files": ["/[1-5]*.mp4"]},
    "a score that all have": {"min_score": 0.5},
    "a score that none has": {"min_score": 0.95},
}


def quality(embedder: str) -> dict[str, Any]:
    """Recall@5 and mean reciprocal rank by kind of question, and how often nothing is said to match."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder, embedder=embedder)
        for name, rows in SEGMENTS.items():
            segments = tuple(Segment(i, i + 1, kind, label) for i, (kind, label) in enumerate(rows))
            store.add(Timeline(VideoMetadata(f"/{name}", duration_seconds=60.0), segments))
        store.optimize()
        table: dict[str, Any] = {}
        for mode in MODES:
            ranks = {
                kind: [_rank(store, q, right, mode) for q, right in pairs] for kind, pairs in QUERIES.items()
            }
            everything = [rank for kind in ranks.values() for rank in kind]
            table[mode] = {
                "recall@5": _recall(everything),
                "mrr": round(statistics.mean(1 / rank if rank else 0.0 for rank in everything), 3),
                "recall@5 by kind": {kind: _recall(found) for kind, found in ranks.items()},
                "said nothing matches where nothing does": round(
                    statistics.mean(not store.find(q, by=mode) for q in WITHOUT_ANSWER), 3
                ),
            }
        return {
            "embedder": store.embedder.name,
            "num_queries": sum(map(len, QUERIES.values())),
            "num_segments": sum(map(len, SEGMENTS.values())),
            "similarities": _similarities(store),
            **table,
        }


def million(num_rows: int, folder: str | None = None) -> dict[str, Any]:
    """Milliseconds of a search over many synthetic segments, words and meaning fused.

    A folder keeps the store, so that it can be measured again without being built again, and a build that was
    stopped goes on.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as scratch:
            return million(num_rows, scratch)
    from muybridge.search import store as module

    store, rng, words = open_store(folder), np.random.default_rng(0), _vocabulary()
    result = _build(store, num_rows, words, rng)
    queries = [" ".join(np.random.default_rng(number).choice(words[:4000], 3)) for number in range(40)]
    count = store.tables.segments.count_rows()
    result |= {
        "num_segments": count,
        "has_vector_index": count >= module.ROWS_WORTH_AN_INDEX,
        "megabytes_on_disk": round(_folder_bytes(folder) / 1e6),
    }
    for name, options in (("both", {}), ("words", {"by": "words"}), ("meaning", {"by": "meaning"})):
        result[f"{name}, milliseconds"] = _milliseconds(store, queries, **options)
    result["both with filters"] = {
        name: _milliseconds(store, queries, **options) | {"recall@10": _recall_with(store, queries, options)}
        for name, options in FILTERS.items()
    }
    result["recall@10 of the vector index"] = _index_recall(store, queries)
    result["peak_megabytes"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return result


def _build(store: Store, num_rows: int, words: list[str], rng: np.random.Generator) -> dict[str, Any]:
    begin, there = time.perf_counter(), set(store.rows())
    for timeline in _synthetic(words, num_rows, rng):
        if timeline.path not in there:
            store.add(timeline)
    written = time.perf_counter() - begin
    begin = time.perf_counter()
    store.optimize()
    indexed = time.perf_counter() - begin
    return {
        "segments_there_before": SEGMENTS_PER_VIDEO * len(there),
        "write_seconds": round(written, 1),
        "index_seconds": round(indexed, 1),
    }


def index(folder: str) -> dict[str, Any]:
    """Times realtime of indexing, from nothing and with everything watched before: the store's own cost."""
    from muybridge.pipeline.indexing import index_folder

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["MUYBRIDGE_CACHE"] = str(Path(scratch) / "cache")
        runs = {}
        for name in ("from nothing", "watched before"):
            store = open_store(Path(scratch) / name)
            store.embedder.embed(["ready"])
            begin, cpu = time.perf_counter(), _cpu_seconds()
            report = index_folder(folder, store=store)
            seconds = time.perf_counter() - begin
            runs[name] = {
                "seconds": round(seconds, 2),
                "cpu_seconds": round(_cpu_seconds() - cpu, 2),
                "times_realtime": round(report.video_seconds / seconds, 1),
            }
        return {"video_seconds": round(report.video_seconds, 1), "num_videos": len(report.added), **runs}


def _rank(store: Store, query: str, right: tuple[str, ...], mode: Any) -> int:
    labels = [match.label for match in store.find(query, by=mode, limit=50)]
    return next((rank for rank, label in enumerate(labels, start=1) if label in right), 0)


def _recall(ranks: list[int]) -> float:
    return round(statistics.mean(0 < rank <= 5 for rank in ranks), 3)


def _similarities(store: Store) -> dict[str, Any]:
    """Cosines of questions with their answers, and the best ones of questions without: where to say no."""
    labels = [label for rows in SEGMENTS.values() for _, label in rows]
    vectors = store.embedder.embed(labels)
    answered = [
        max(float(store.embedder.embed([q])[0] @ vectors[labels.index(one)]) for one in right)
        for q, right in QUERIES["other words"]
    ]
    best = [float((vectors @ store.embedder.embed([q])[0]).max()) for q in WITHOUT_ANSWER]
    return {
        "answers, quartiles": np.quantile(answered, [0.25, 0.5, 0.75]).round(3).tolist(),
        "best of none, quartiles": np.quantile(best, [0.25, 0.5, 0.75]).round(3).tolist(),
        "least": store.embedder.least_similarity,
    }


def _vocabulary() -> list[str]:
    """Words of the tokenizer, as if people had written them."""
    tokenizer = load_embedder("words")._tokenizer  # type: ignore[attr-defined]
    pieces = (token[1:] for token in tokenizer.get_vocab() if token.startswith("▁"))
    return sorted(piece for piece in pieces if piece.isalpha() and piece.isascii() and len(piece) > 3)


def _synthetic(words: list[str], num_rows: int, rng: np.random.Generator) -> Iterator[Timeline]:
    kinds = ("text", "caption", "action", "camera")
    share = 1.0 / np.arange(1, len(words) + 1)
    for first in range(0, num_rows, SEGMENTS_PER_VIDEO):
        number = min(SEGMENTS_PER_VIDEO, num_rows - first)
        drawn = rng.choice(words, (number, 5), p=share / share.sum())
        segments = tuple(Segment(i, i + 2.0, kinds[i % 4], " ".join(row), 0.9) for i, row in enumerate(drawn))
        yield Timeline(VideoMetadata(f"/{first}.mp4", duration_seconds=number + 2.0), segments)


def _milliseconds(store: Store, queries: list[str], **options: Any) -> dict[str, float]:
    for query in queries[:5]:
        store.find(query, **options)
    times, processor = [], []
    for query in queries:
        begin, cpu = time.perf_counter(), time.process_time()
        store.find(query, **options)
        times.append(1000 * (time.perf_counter() - begin))
        processor.append(1000 * (time.process_time() - cpu))
    return {
        "median": round(statistics.median(times), 1),
        "p95": round(float(np.quantile(times, 0.95)), 1),
        "processor time, median": round(statistics.median(processor), 1),
    }


def _recall_with(store: Store, queries: list[str], options: dict[str, Any]) -> float:
    """The share of the ten nearest that a filter takes, by exhaustive search, that `find` finds too."""
    filters = Filters(**{name: tuple(v) if isinstance(v, list) else v for name, v in options.items()})
    records = {row.record for row in store.rows().values() if filters.takes(row.path)}
    where = " AND ".join(condition.sql for condition in filters.conditions(records))
    shares = []
    for query in queries[:10]:
        search = nearest(store.tables.segments, store.embedder.embed([query])[0], "vector", exhaustive=True)
        rows = search.where(where, prefilter=True).limit(10).select(["_distance"]).to_list()
        exact = [s for row in rows if (s := 1 - row["_distance"]) >= store.embedder.least_similarity]
        found = [match.similarity or 0.0 for match in store.find(query, by="meaning", limit=10, **options)]
        if exact:
            shares.append(sum(similarity >= exact[-1] - 1e-4 for similarity in found) / len(exact))
    return round(statistics.mean(shares), 3) if shares else 1.0


def _index_recall(store: Store, queries: list[str]) -> float:
    """The share of the ten nearest by exhaustive search that the index finds too, asked as `find` asks it."""
    shares = []
    for vector in store.embedder.embed(queries[:10]):
        search = nearest(store.tables.segments, vector, "vector")
        exact = search.bypass_vector_index().limit(10).select(["_distance"]).to_list()
        search = nearest(store.tables.segments, vector, "vector")
        near = search.limit(100).select(["_distance"]).to_list()[:10]
        worst = exact[-1]["_distance"] + 1e-4
        shares.append(sum(row["_distance"] <= worst for row in near) / len(exact))
    return round(statistics.mean(shares), 3)


def _folder_bytes(folder: str) -> int:
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def _cpu_seconds() -> float:
    for child in multiprocessing.active_children():
        child.join()  # what a process used is known when it has ended
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("quality", "million", "index"))
    parser.add_argument("folder", nargs="?", help="of videos, for index")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--store", help="for million: a folder that keeps the store")
    parser.add_argument("--embedder", default="words", help="for quality: words, or a sentence model")
    given = parser.parse_args()
    if given.what == "index" and not given.folder:
        parser.error("index needs a folder of videos")
    result = (
        quality(given.embedder)
        if given.what == "quality"
        else million(given.rows, given.store)
        if given.what == "million"
        else index(given.folder)
    )
    print(json.dumps({"benchmark": f"search {given.what}", **result}, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
