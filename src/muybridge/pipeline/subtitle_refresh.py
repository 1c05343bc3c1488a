"""Subtitle files that came, went or were corrected after their video was indexed: read again, without watching it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from muybridge.errors import OptionError, VideoError
from muybridge.search.tables import FileState
from muybridge.values import Segment, Timeline
from muybridge.video.subtitle_files import SubtitleFolder
from muybridge.video.subtitles import read_subtitles

if TYPE_CHECKING:
    from muybridge.search.store import Addition, Row, Store

__all__ = ["SubtitleStates", "refresh_subtitles", "with_subtitles"]

VIDEOS_PER_COMMIT = 32


class SubtitleStates:
    """What lies beside videos, each folder listed once."""

    def __init__(self) -> None:
        self._folder = cache(SubtitleFolder)

    def of(self, video: Path) -> str:
        """The names, sizes in bytes and dates of change of a video's subtitle files, as JSON."""
        rows = []
        for file in self._folder(video.parent).files_of(video):
            with suppress(OSError):  # gone since the folder was listed
                stat = file.stat()
                rows.append([file.name, stat.st_size, stat.st_mtime_ns])
        return json.dumps(rows)


def with_subtitles(timeline: Timeline, lines: list[Segment]) -> Timeline:
    """A timeline with these subtitles instead of those that it had."""
    others = (segment for segment in timeline.segments if segment.kind != "subtitle")
    return replace(timeline, segments=(*others, *lines))


def refresh_subtitles(store: Store, paths: Iterable[Path]) -> tuple[list[str], dict[str, str]]:
    """Bring the subtitles of indexed videos up to date with the files beside them.

    Args:
        store: where they are.
        paths: of the videos, as the store names them.

    Returns:
        The paths of those whose subtitles are others now, and of those that could not be read, with the reason.
    """
    rows = store.rows()
    additions: list[Addition] = []
    noted: dict[str, str] = {}
    updated: list[str] = []
    failed: dict[str, str] = {}
    states = SubtitleStates()
    for path in map(str, paths):
        row, state = rows.get(path), states.of(Path(path))
        # What was added by hand, without its file's hash, may have subtitles from elsewhere.
        if row is None or row.subtitles == state or not row.content_hash:
            continue
        try:
            lines = read_subtitles(path)
            before = store.timeline(path)
        except (VideoError, OptionError, OSError) as error:  # OptionError: another writer has just removed it
            failed[path] = str(error)
            continue
        after = with_subtitles(before, lines)
        if after == before:
            noted[path] = state
            continue
        file = FileState(row.size_bytes, row.modified_ns, row.content_hash, state)
        additions.append((_with_looks(store, row, after), file))
        updated.append(path)
        if len(additions) >= VIDEOS_PER_COMMIT:
            store.add_all(additions)
            additions.clear()
    store.add_all(additions)
    store.note_subtitles(noted)
    return updated, failed


def _with_looks(store: Store, row: Row, timeline: Timeline) -> Timeline:
    """The looks too, which the store keeps beside the timeline."""
    from muybridge.search.examples import looks_in_store
    from muybridge.search.looks import segment_of

    looks = map(segment_of, looks_in_store(store, row.record))
    return replace(timeline, segments=(*timeline.segments, *looks))
