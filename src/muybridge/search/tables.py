"""The tables of a store, and what can go wrong with them.

    format     one row: the version of all this, and whose vectors are in it
    videos     one row for each video: path, record, what the file was, the whole timeline
    segments   what can be searched: record, times, kind, text, vector
    looks      what each few seconds look like: record, times, appearance, fingerprints

A video's rows in `segments` and `looks` carry the number (`record`) of the one time it was added; `videos` says
which record of a path counts. Adding writes the rows first and then, in one commit, the line of `videos`: until
then, nobody sees them. So a writer that is killed leaves the store as it was, and two writers of one video leave
the one that came last. Renaming is one commit too.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from muybridge.errors import OptionError, StoreError, require_extra

__all__ = ["FORMAT_VERSION", "FileState", "Tables", "committing", "nearest", "open_tables", "reading"]

FORMAT_VERSION = 1
TABLES = ("format", "videos", "segments", "looks")
_ATTEMPTS = 12
_LOOKS, _SECONDS_BETWEEN_LOOKS = 20, 0.05  # a table is made in milliseconds
PROBES = 200
"""In how many cells of the vector index is looked."""
CANDIDATES_PER_RESULT = 2
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileState:
    """What a file was when it was looked at.

    Args:
        size_bytes: its size.
        modified_ns: when it was last changed, in nanoseconds since 1970.
        content_hash: the SHA-256 of its bytes, in hexadecimal.
        subtitles: which subtitle files lay beside it, as `SubtitleStates` of the pipeline tells; None where nobody
            looked.
    """

    size_bytes: int
    modified_ns: int
    content_hash: str = ""
    subtitles: str | None = None


@dataclass(frozen=True, slots=True)
class Tables:
    """The opened tables of one store."""

    uri: str
    embedder: str
    dimension: int
    videos: Any
    segments: Any
    looks: Any


def open_tables(
    uri: str, *, create: bool, embedder: Callable[[], tuple[str, int]], storage_options: dict[str, str] | None
) -> Tables:
    """Open a store's tables, or make them.

    Args:
        uri: a folder, or an address that LanceDB knows, such as `s3://bucket/videos`.
        create: whether a store that is not there is made.
        embedder: gives the name and the dimension of a new store's vectors.
        storage_options: keys and regions for object storage.

    Raises:
        StoreError: there is none and none is to be made, it is damaged, or a newer version wrote it.
        MissingExtraError: LanceDB is not installed.
    """
    lancedb = require_extra("lancedb", extra="search")
    is_local = "://" not in uri
    if is_local:
        _check_folder(Path(uri), create=create)
    with reading(uri):
        # Whoever reads sees what others have committed meanwhile.
        database = lancedb.connect(
            uri, read_consistency_interval=timedelta(0), storage_options=storage_options or None
        )
        names = set(_table_names(database))
        if not names and not create:
            raise StoreError(f"no store at {uri}; make it with: muybridge index FOLDER --store {uri}")
        if "format" not in names:
            if names:
                raise StoreError(_damaged(uri, "its table 'format' is missing"))
            name, dimension = embedder()
            row = [{"version": FORMAT_VERSION, "embedder": name, "dimension": dimension}]
            _create(database, "format", row)
        row = _open(database, "format").to_arrow().to_pylist()
    if len(row) != 1 or not {"version", "embedder", "dimension"} <= row[0].keys():
        raise StoreError(_damaged(uri, "its table 'format' does not say what it is"))
    if row[0]["version"] > FORMAT_VERSION:
        raise StoreError(
            f"the store at {uri} was written by a newer version (format {row[0]['version']}, this version reads"
            f" up to {FORMAT_VERSION}); update with: pip install --upgrade muybridge, or name another --store"
        )
    with reading(uri):
        # Listed once: between two looks another writer may make a table.
        names = set(_table_names(database))
        missing = [name for name in TABLES if name not in names]
        if missing and "videos" not in missing:
            # `videos` is made last: where it is, the others were. Some made and all empty: a writer was killed.
            raise StoreError(_damaged(uri, f"its table {missing[0]!r} is missing"))
        if "segments" not in missing and missing and _open(database, "segments").count_rows():
            raise StoreError(_damaged(uri, f"its table {missing[0]!r} is missing"))
        for name, schema in _schemas(row[0]["dimension"]).items():
            if name in missing:
                _create(database, name, schema)
        _ensure_text_index(database, uri)
        opened = {name: _open(database, name) for name in ("videos", "segments", "looks")}
    return Tables(uri, row[0]["embedder"], row[0]["dimension"], **opened)


def remove_tables(uri: str, *, storage_options: dict[str, str] | None = None) -> None:
    """Remove a store's tables, also damaged ones; nothing else in the folder is touched."""
    if "://" in uri:
        lancedb = require_extra("lancedb", extra="search")
        with reading(uri):
            lancedb.connect(uri, storage_options=storage_options or None).drop_all_tables()
        return
    for name in TABLES:
        shutil.rmtree(Path(uri) / f"{name}.lance", ignore_errors=True)


@contextmanager
def reading(uri: str) -> Iterator[None]:
    """Turn what LanceDB raises over a damaged store into one error that says how to get on."""
    try:
        yield
    except (RuntimeError, ValueError, OSError, KeyError) as error:
        raise StoreError(_damaged(uri, _first_line(error))) from error
    except BaseException as error:
        # Rust's panics come as an exception of their own, beside Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise StoreError(_damaged(uri, _first_line(error))) from error


def committing(uri: str, change: Callable[[], T]) -> T:
    """Make a change to a table, again if another writer was quicker.

    Raises:
        StoreError: the store is damaged or cannot be written to.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return change()
        except (RuntimeError, ValueError, OSError) as error:
            text = str(error).lower()
            if attempt == _ATTEMPTS - 1 or not (
                "conflict" in text or "retry" in text or "concurrent" in text
            ):
                raise StoreError(_damaged(uri, _first_line(error))) from error
            time.sleep(random.uniform(0.01, 0.05) * 2 ** min(attempt, 5))
    raise AssertionError("unreachable")


def ensure_subtitles_column(uri: str, videos: Any) -> None:
    """Give a store that was made before there was such a column one, with nothing in it; both versions can use it."""

    def add() -> None:
        if "subtitles" not in videos.schema.names:
            try:
                videos.add_columns({"subtitles": "CAST(NULL AS string)"})
            except ValueError as error:
                if "already exists" not in str(error).lower():  # another writer was quicker
                    raise

    committing(uri, add)


def quoted(text: str) -> str:
    """A text as SQL writes it.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def _check_folder(folder: Path, *, create: bool) -> None:
    if folder.is_file():
        raise OptionError(f"{folder} is a file; a store is a folder")
    if (folder / "format.lance").is_dir():
        return
    is_empty = not folder.is_dir() or not any(folder.iterdir())
    if not is_empty and not any((folder / f"{name}.lance").exists() for name in TABLES):
        raise OptionError(f"{folder} holds other files and no store; name a folder of its own")
    if is_empty and not create:
        raise StoreError(f"no store at {folder}; make it with: muybridge index FOLDER --store {folder}")


def _table_names(database: Any) -> list[str]:
    return list(database.list_tables().tables)


def _open(database: Any, name: str) -> Any:
    """A table that is listed; its folder is there a moment before its content, while another writer makes it."""
    for _ in range(_LOOKS):
        try:
            return database.open_table(name)
        except ValueError as error:
            if "not found" not in str(error).lower():
                raise
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    return database.open_table(name)


def _create(database: Any, name: str, content: Any) -> None:
    import pyarrow

    keywords = {"schema": content} if isinstance(content, pyarrow.Schema) else {"data": content}
    try:
        database.create_table(name, **keywords)
    except (ValueError, RuntimeError, OSError) as error:
        # Another writer may have made it just now.
        if "already exists" not in str(error).lower() and "conflict" not in str(error).lower():
            raise


def _ensure_text_index(database: Any, uri: str) -> None:
    # Made while the table is empty: rows that come later are searched with it, indexed or not.
    from lancedb.index import FTS

    table = _open(database, "segments")
    if not any("text" in index.columns for index in table.list_indices()):
        # ICU splits the scripts that write no spaces, too; stop words stay, since they are read on screens.
        config = FTS(base_tokenizer="icu", language="English", stem=True, remove_stop_words=False)
        committing(uri, lambda: table.create_index("text", config=config))


def vector_index(num_rows: int) -> Any:
    """How vectors are indexed: cells around k-means centers, and in them one bit for each dimension.

    Its search is as right as one in product codes, which take twelve times as long to build.

    Source: Gao and Long, RaBitQ, SIGMOD 2024, arXiv:2405.12497.
    """
    from lancedb.index import IvfRq

    return IvfRq(
        distance_type="cosine",
        num_partitions=max(16, int(num_rows**0.5) // 2),
        max_iterations=15,
        sample_rate=64,
    )


def filter_indexes(columns: Sequence[str]) -> dict[str, Any]:
    """How the columns are indexed that filters ask for, so that a filter need not read them."""
    from lancedb.index import Bitmap, BTree

    kinds = {"record": BTree(), "kind": Bitmap(), "start_seconds": BTree(), "end_seconds": BTree()}
    kinds["score"] = BTree()
    return {name: config for name, config in kinds.items() if name in columns}


def nearest(table: Any, vector: Any, column: str, *, exhaustive: bool = False) -> Any:
    """A query for the rows whose vectors are nearest by cosine, by the index where there is one.

    The nearest by the index's codes are compared once more by their own vectors.

    Args:
        table: which one.
        vector: (D,) float32.
        column: of the vectors.
        exhaustive: whether all rows that a filter leaves are compared, without the index.
    """
    search = table.search(vector, vector_column_name=column).distance_type("cosine")
    if exhaustive:
        return search.bypass_vector_index()
    return search.nprobes(PROBES).refine_factor(CANDIDATES_PER_RESULT)


def _schemas(dimension: int) -> dict[str, Any]:
    import pyarrow as pa

    from muybridge.search.looks import APPEARANCE_DIMENSION

    times = [("record", pa.int64()), ("start_seconds", pa.float64()), ("end_seconds", pa.float64())]
    return {
        "segments": pa.schema(
            [
                *times,
                ("kind", pa.string()),
                ("score", pa.float32()),
                ("text", pa.string()),
                ("vector", pa.list_(pa.float32(), dimension)),
            ]
        ),
        "looks": pa.schema(
            [
                *times,
                ("appearance", pa.list_(pa.float32(), APPEARANCE_DIMENSION)),
                ("seconds", pa.list_(pa.float64())),
                ("fingerprints", pa.list_(pa.uint64())),
                ("is_plain", pa.list_(pa.bool_())),
            ]
        ),
        "videos": pa.schema(
            [
                ("path", pa.string()),
                ("record", pa.int64()),
                ("content_hash", pa.string()),
                ("size_bytes", pa.int64()),
                ("modified_ns", pa.int64()),
                ("start_seconds", pa.float64()),
                ("duration_seconds", pa.float64()),
                ("num_segments", pa.int64()),
                ("num_looks", pa.int64()),
                ("timeline", pa.binary()),
                ("subtitles", pa.string()),
            ]
        ),
    }


def _damaged(uri: str, what: str) -> str:
    return (
        f"the store at {uri} is damaged or cannot be used: {what};"
        f" build it anew with: muybridge index FOLDER --rebuild --store {uri}"
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
