"""The store: add, update, rename and remove videos; find what is in them."""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from muybridge.errors import OptionError, StoreError
from muybridge.search.narrowing import Sample, draw_sample
from muybridge.search.paths import key_of
from muybridge.search.results import IndexedVideo, Match
from muybridge.search.tables import (
    FileState,
    Tables,
    committing,
    ensure_subtitles_column,
    open_tables,
    quoted,
    reading,
    remove_tables,
)
from muybridge.values import Segment, Timeline

if TYPE_CHECKING:
    from muybridge.search.embedding import TextEmbedder

__all__ = ["Store", "default_store", "open_store"]

UNSEARCHABLE_KINDS = frozenset({"shot", "keyframe", "look"})
"""Their labels are numbers, which say nothing to search for; the timeline keeps them."""
ROWS_WORTH_AN_INDEX = 50_000
"""Below, comparing with every vector takes a few milliseconds."""
ABANDONED_SECONDS = 24 * 3600.0
"""Rows that no video points to for so long are of a writer that was killed."""
Addition = tuple[Timeline, FileState | None]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of `videos`, without its timeline."""

    path: str
    record: int
    start_seconds: float
    duration_seconds: float
    content_hash: str
    size_bytes: int
    modified_ns: int
    num_segments: int
    num_looks: int
    subtitles: str | None = None


def default_store() -> str:
    """Where the store is unless another is named: `MUYBRIDGE_STORE`, or the user's data folder."""
    named = os.environ.get("MUYBRIDGE_STORE")
    if named:
        return named
    import platformdirs

    return str(platformdirs.user_data_path("muybridge", appauthor=False) / "store")


def open_store(
    path: str | Path | None = None,
    *,
    create: bool = True,
    embedder: str | TextEmbedder | None = None,
    rebuild: bool = False,
    storage_options: dict[str, str] | None = None,
) -> Store:
    """Open a store of what is in many videos, to add to it or to search it.

    Args:
        path: a folder, or an address of object storage that LanceDB knows, such as `"s3://bucket/videos"`; None
            for `default_store()`.
        create: whether a store that is not there is made.
        embedder: for a new store, whose vectors tell meaning: `"words"` (the default; works offline), or a
            sentence model's folder or hub name, see `load_embedder`. A store that is there keeps its own.
        rebuild: whether what is there, maybe damaged, is removed first.
        storage_options: keys, regions and endpoints of object storage.

    Raises:
        StoreError: it is damaged, was written by a newer version, is not there, or keeps another's vectors.
        OptionError: a folder that holds something else.
        MissingExtraError: LanceDB is not installed.

    >>> from muybridge import Segment, Timeline, VideoMetadata
    >>> store = open_store(getfixture("tmp_path") / "store")
    >>> store.add(Timeline(VideoMetadata("cat.mp4"), (Segment(1, 2, "text", "MEOW"),)))
    >>> [(match.start_seconds, match.label) for match in store.find("meow")]
    [(1.0, 'MEOW')]
    """
    uri = str(path) if path is not None else default_store()
    if "://" not in uri:
        uri = str(Path(uri).expanduser().absolute())
    if rebuild:
        remove_tables(uri, storage_options=storage_options)
    loaded: list[TextEmbedder] = []

    def name_and_dimension() -> tuple[str, int]:
        from muybridge.search.embedding import load_embedder

        wanted = "words" if embedder is None else embedder
        loaded.append(load_embedder(wanted) if isinstance(wanted, str) else wanted)
        return loaded[0].name, loaded[0].dimension

    tables = open_tables(uri, create=create, embedder=name_and_dimension, storage_options=storage_options)
    if embedder is not None and not loaded:
        name, _ = name_and_dimension()
        if name != tables.embedder:
            raise StoreError(
                f"the store at {uri} holds vectors of {tables.embedder!r}, which cannot be compared with those of"
                f" {name!r}; leave the embedder out, or build the store anew with --rebuild"
            )
    return Store(tables, embedder=loaded[0] if loaded else None)


class Store:
    """Many videos' segments, searchable; made by `open_store`.

    Any number of processes may read and write one store at the same time.
    """

    def __init__(self, tables: Tables, *, embedder: TextEmbedder | None = None) -> None:
        self.tables = tables
        self._embedder = embedder
        self._rows: dict[str, Row] = {}
        self._rows_version = -1
        self._sample: Sample | None = None
        self._longest, self._longest_version = 0.0, -1

    @property
    def uri(self) -> str:
        """The folder or the address of the store."""
        return self.tables.uri

    @property
    def embedder(self) -> TextEmbedder:
        """What turns texts into this store's vectors; loaded when first needed."""
        if self._embedder is None:
            from muybridge.search.embedding import load_embedder

            self._embedder = load_embedder(self.tables.embedder)
        return self._embedder

    def __len__(self) -> int:
        return len(self.rows())

    def videos(self) -> list[IndexedVideo]:
        """The videos in the store, sorted by path."""
        return [
            IndexedVideo(
                row.path,
                row.duration_seconds,
                row.num_segments,
                row.content_hash,
                row.size_bytes,
                row.modified_ns,
            )
            for row in sorted(self.rows().values(), key=lambda row: row.path)
        ]

    def rows(self) -> dict[str, Row]:
        """Path → line of `videos`, as it is now."""
        with reading(self.uri):
            version = self.tables.videos.version
            if version != self._rows_version:
                names = list(Row.__slots__)
                if "subtitles" not in self.tables.videos.schema.names:  # of an earlier version
                    names.remove("subtitles")
                found = self.tables.videos.search().select(names).to_arrow().to_pylist()
                self._rows, self._rows_version = {row["path"]: Row(**row) for row in found}, version
        return self._rows

    def sample(self) -> Sample:
        """Some rows of `segments`, drawn anew when their number has changed much; for `narrow`."""
        num_rows = self.tables.segments.count_rows()
        if self._sample is None or not self._sample.is_of(num_rows):
            self._sample = draw_sample(self.tables.segments, num_rows)
        return self._sample

    def longest_seconds(self) -> float:
        """No segment lasts longer than that, as they are now; up to twice as long as the longest of all."""
        with reading(self.uri):
            segments = self.tables.segments
            version = segments.version
            if version != self._longest_version:
                lengths = (row["end_seconds"] - row["start_seconds"] for row in self.sample().rows)
                longest = max([1.0, *lengths])
                # To count takes a fiftieth of the time that reading the lengths takes.
                while segments.count_rows(f"end_seconds - start_seconds > {longest}"):
                    longest *= 2
                self._longest, self._longest_version = longest, version
        return self._longest

    def timeline(self, path: str | Path) -> Timeline:
        """All that was found in a video when it was indexed, without pictures.

        Raises:
            OptionError: the store does not have that video.
        """
        key = self._known(path)
        with reading(self.uri):
            rows = self.tables.videos.search().where(f"path = {quoted(key)}").select(["timeline"]).to_list()
            return Timeline.from_dict(json.loads(zlib.decompress(rows[0]["timeline"]))).with_path(key)

    def add(self, timeline: Timeline, *, file: FileState | None = None) -> None:
        """Add a video, or put what was found now in the place of what was found before.

        Args:
            timeline: what was found; segments of kind `"look"` make the video findable by example.
            file: what the file was; None looks at it without reading it.

        Raises:
            StoreError: the store is damaged or cannot be written to.
        """
        self.add_all([(timeline, file)])

    def add_all(self, additions: Iterable[Addition]) -> None:
        """Add several videos in one go, which takes hardly longer than one."""
        latest = {key_of(timeline.path): (timeline, file) for timeline, file in additions}
        if not latest:
            return
        import pyarrow as pa

        records = {path: _new_record() for path in latest}
        searchable = {path: searchable_segments(timeline) for path, (timeline, _) in latest.items()}
        looks = {path: timeline.of("look") for path, (timeline, _) in latest.items()}
        self._write_segments(records, searchable)
        self._write_looks(records, looks)
        before = {path: row.record for path, row in self.rows().items() if path in latest}
        lines = [
            _line(path, records[path], timeline, file, len(searchable[path]), len(looks[path]))
            for path, (timeline, file) in latest.items()
        ]
        videos = self.tables.videos
        ensure_subtitles_column(self.uri, videos)
        content = pa.Table.from_pylist(lines, schema=videos.schema)
        upsert = videos.merge_insert("path").when_matched_update_all().when_not_matched_insert_all()
        committing(self.uri, lambda: upsert.execute(content))
        self._forget(before.values())

    def note_subtitles(self, noted: Mapping[str, str]) -> None:
        """Write down the subtitle files that lie beside videos, whose lines the store has.

        Args:
            noted: path, as the store names it → what `FileState.subtitles` is.
        """
        if not noted:
            return
        import pyarrow as pa

        videos = self.tables.videos
        ensure_subtitles_column(self.uri, videos)
        content = pa.table({"path": list(noted), "subtitles": list(noted.values())})
        update = videos.merge_insert("path").when_matched_update_all()
        committing(self.uri, lambda: update.execute(content))

    def remove(self, path: str | Path) -> None:
        """Forget a video.

        Raises:
            OptionError: the store does not have it.
        """
        key = self._known(path)
        record = self.rows()[key].record
        committing(self.uri, lambda: self.tables.videos.delete(f"path = {quoted(key)}"))
        self._forget([record])

    def rename(self, path: str | Path, new_path: str | Path) -> None:
        """A video has moved; nothing needs to be looked at again.

        Raises:
            OptionError: the store does not have it, or has one under the new name.
        """
        old, new = self._known(path), key_of(new_path)
        if new in self.rows() and new != old:
            raise OptionError(f"the store has {new} already; remove it first")
        change: dict[str, str | int] = {"path": new}
        with suppress(OSError):  # an address, or a file that is not there yet
            stat = Path(new).stat()
            if stat.st_size == self.rows()[old].size_bytes:
                change["modified_ns"] = stat.st_mtime_ns  # a copy has a date of its own
        committing(self.uri, lambda: self.tables.videos.update(where=f"path = {quoted(old)}", values=change))

    def find(
        self,
        query: str,
        *,
        limit: int = 20,
        kinds: Sequence[str] = (),
        files: Sequence[str] = (),
        start_seconds: float | None = None,
        end_seconds: float | None = None,
        min_score: float | None = None,
        by: Literal["both", "words", "meaning"] = "both",
    ) -> list[Match]:
        """Find where something is said, written or done.

        Args:
            query: words, in any language or script.
            limit: at most so many results.
            kinds: only segments of these kinds, such as `["text"]`.
            files: only videos whose path is one of these, or matches one as a pattern such as `"*/2024/*"`.
            start_seconds: only what ends after this second of its video.
            end_seconds: only what begins before this second of its video.
            min_score: only segments whose own confidence is at least this, in [0, 1].
            by: by the words (BM25), by the meaning (cosine), or by both, fused by reciprocal ranks.

        Returns:
            The best first; none where nothing matches.

        Raises:
            OptionError: an empty query, or an option that is not allowed.
            StoreError: the store is damaged.
        """
        from muybridge.search.filters import Filters
        from muybridge.search.queries import find_text

        if isinstance(kinds, str) or isinstance(files, str):
            raise OptionError("kinds and files are lists, such as kinds=['text']")
        filters = Filters(tuple(kinds), tuple(files), start_seconds, end_seconds, min_score)
        return find_text(self, query, filters, limit=limit, by=by)

    def kinds(self) -> list[str]:
        """The kinds of segments that the store holds, sorted."""
        with reading(self.uri):
            column = self.tables.segments.search().select(["kind"]).to_arrow()["kind"]
        return sorted(column.unique().to_pylist())

    def find_like(self, clip: str | Path, *, limit: int = 20, files: Sequence[str] = ()) -> list[Match]:
        """Find where a clip, or something that looks like it, occurs.

        Args:
            clip: an example: a video file.
            limit: at most so many results.
            files: only videos whose path is one of these, or matches one as a pattern.

        Returns:
            First the recordings that hold the clip itself, frame for frame, then stretches that look alike.

        Raises:
            VideoError: the clip cannot be read.
        """
        from muybridge.search.examples import find_clip
        from muybridge.search.filters import Filters

        return find_clip(self, clip, Filters(files=tuple(files)), limit=limit)

    def duplicates(self) -> list[tuple[str, str, float]]:
        """Pairs of videos of which one holds at least half of the other, frame for frame.

        Returns:
            (path, path, share of the shorter one), sorted; also copies of another size or compression.
        """
        from muybridge.search.examples import find_duplicates

        return find_duplicates(self)

    def incomplete(self) -> list[str]:
        """Paths whose rows are not all there, such as after a disk fault; to be indexed again."""
        counts: dict[str, dict[int, int]] = {}
        for name in ("segments", "looks"):
            with reading(self.uri):
                column = getattr(self.tables, name).search().select(["record"]).to_arrow()["record"]
            pairs = column.value_counts().to_pylist()
            counts[name] = {pair["values"]: pair["counts"] for pair in pairs}
        return sorted(
            row.path
            for row in self.rows().values()
            if counts["segments"].get(row.record, 0) != row.num_segments
            or counts["looks"].get(row.record, 0) != row.num_looks
        )

    def optimize(self) -> None:
        """Bring the indexes up to date, and clear what killed writers left; searches stay right without it."""
        self._clear_abandoned()
        for table, column in ((self.tables.segments, "vector"), (self.tables.looks, "appearance")):
            committing(self.uri, partial(_index, table, column))
        for table in (self.tables.segments, self.tables.looks, self.tables.videos):
            committing(self.uri, partial(table.optimize, cleanup_older_than=timedelta(days=1)))

    def _known(self, path: str | Path) -> str:
        # As it is, too: earlier versions left `..` in a path.
        key = str(path) if str(path) in self.rows() else key_of(path)
        if key not in self.rows():
            raise OptionError(
                f"the store at {self.uri} does not have {key}; add it with: muybridge index {key}"
            )
        return key

    def _write_segments(self, records: dict[str, int], searchable: dict[str, list[Segment]]) -> None:
        import pyarrow as pa

        rows = [(records[path], segment) for path, segments in searchable.items() for segment in segments]
        if not rows:
            return
        # Movements repeat: each text is embedded once.
        texts = list(dict.fromkeys(segment.label for _, segment in rows))
        place = {text: index for index, text in enumerate(texts)}
        vectors = self.embedder.embed(texts)[[place[segment.label] for _, segment in rows]]
        schema = self.tables.segments.schema
        columns = {
            "record": pa.array([record for record, _ in rows], pa.int64()),
            "start_seconds": pa.array([segment.start_seconds for _, segment in rows], pa.float64()),
            "end_seconds": pa.array([segment.end_seconds for _, segment in rows], pa.float64()),
            "kind": pa.array([segment.kind for _, segment in rows], pa.string()),
            "score": pa.array([segment.score for _, segment in rows], pa.float32()),
            "text": pa.array([segment.label for _, segment in rows], pa.string()),
            "vector": pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1]),
        }
        content = pa.Table.from_pydict(columns, schema=schema)
        committing(self.uri, lambda: self.tables.segments.add(content))

    def _write_looks(self, records: dict[str, int], looks: dict[str, list[Segment]]) -> None:
        import pyarrow as pa

        from muybridge.search.looks import look_of

        described = [
            (records[path], look_of(segment)) for path, segments in looks.items() for segment in segments
        ]
        rows = [
            {name: getattr(look, name) for name in look.__slots__} | {"record": record}
            for record, look in described
        ]
        if rows:
            content = pa.Table.from_pylist(rows, schema=self.tables.looks.schema)
            committing(self.uri, lambda: self.tables.looks.add(content))

    def _forget(self, records: Iterable[int]) -> None:
        """Remove rows of records that no video points to any more, and that none will point to again."""
        gone = ", ".join(map(str, records))
        if gone:
            for table in (self.tables.segments, self.tables.looks):
                committing(self.uri, partial(table.delete, f"record IN ({gone})"))

    def _clear_abandoned(self) -> None:
        known = {row.record for row in self.rows().values()}
        # A record's upper bits are the time it was begun: what another writer is adding now is left alone.
        limit = int((time.time() - ABANDONED_SECONDS) * 1000) << _RANDOM_BITS
        found: set[int] = set()
        for table in (self.tables.segments, self.tables.looks):
            with reading(self.uri):
                old = table.search().where(f"record < {limit}").select(["record"]).to_arrow()["record"]
            found |= set(old.unique().to_pylist())
        self._forget(sorted(found - known))


def searchable_segments(timeline: Timeline) -> list[Segment]:
    """The segments that say something in words.

    >>> from muybridge import VideoMetadata
    >>> timeline = Timeline(VideoMetadata("cat.mp4"), (Segment(0, 2, "shot", "shot 1"), Segment(0, 1, "text", "HI")))
    >>> [segment.label for segment in searchable_segments(timeline)]
    ['HI']
    """
    return [
        segment
        for segment in timeline.segments
        if segment.label.strip() and segment.kind not in UNSEARCHABLE_KINDS
    ]


_RANDOM_BITS = 20


def _new_record() -> int:
    """A number that no other writer takes: the time in milliseconds, then 20 random bits."""
    return (int(time.time() * 1000) << _RANDOM_BITS) | int.from_bytes(os.urandom(3)) >> 4


def _line(
    path: str, record: int, timeline: Timeline, file: FileState | None, num_segments: int, num_looks: int
) -> dict[str, Any]:
    if file is None:
        try:
            stat = Path(path).stat()
            file = FileState(stat.st_size, stat.st_mtime_ns)
        except OSError:
            file = FileState(0, 0)
    kept = replace(timeline, segments=tuple(s for s in timeline.segments if s.kind != "look"), pictures=())
    data = json.dumps(kept.to_dict(), ensure_ascii=False).encode()
    return {
        "path": path,
        "record": record,
        "content_hash": file.content_hash,
        "size_bytes": file.size_bytes,
        "modified_ns": file.modified_ns,
        "start_seconds": timeline.metadata.start_seconds,
        "duration_seconds": timeline.duration_seconds,
        "num_segments": num_segments,
        "num_looks": num_looks,
        "timeline": zlib.compress(data, 6),
        "subtitles": file.subtitles,
    }


def _index(table: Any, column: str) -> None:
    from muybridge.search.tables import filter_indexes, vector_index

    num_rows = table.count_rows()
    if num_rows < ROWS_WORTH_AN_INDEX:
        return
    present = {name for index in table.list_indices() for name in index.columns}
    for name, config in filter_indexes(table.schema.names).items():
        if name not in present:
            table.create_index(name, config=config)
    if column not in present:
        table.create_index(column, config=vector_index(num_rows))
