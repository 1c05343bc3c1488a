"""Folders of videos → a store that can be searched.

What is new is watched, what moved is renamed, what changed is watched again, subtitles beside it that changed are read
again; the rest costs a look at its date.

    files ──► new? changed? moved? ──► watch, several at a time ──► store, a few at a time
                 └──► read the subtitles ──────────────────────────────┘

A run may be killed at any moment: what the store has, it has whole; what was watched but not stored yet lies in the
cache of findings; a video that was being watched goes on where it stood.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muybridge.cores import num_cores
from muybridge.errors import DamagedVideoWarning, MuybridgeError, OptionError, VideoOpenError
from muybridge.observer import Observer
from muybridge.pipeline.analyze import analyze, default_observers
from muybridge.pipeline.cache import content_hash
from muybridge.pipeline.moved_videos import gone_names, settle_gone, where_it_was
from muybridge.pipeline.subtitle_refresh import SubtitleStates, refresh_subtitles, with_subtitles
from muybridge.printable import as_unicode
from muybridge.search.paths import key_of
from muybridge.search.tables import FileState
from muybridge.values import Timeline
from muybridge.video.file_names import VIDEO_ENDINGS
from muybridge.video.metadata import probe
from muybridge.video.subtitles import read_subtitles

if TYPE_CHECKING:
    from muybridge.search.store import Store

__all__ = ["IndexReport", "find_videos", "index_folder", "observe_for_search"]

SECONDS_BETWEEN_COMMITS = 5.0
VIDEOS_PER_COMMIT = 32
SECONDS_BETWEEN_REPORTS = 0.25
_SECONDS_WORTH_A_PROCESS = 20.0
"""Of video: less is watched before another process has started."""
Progress = Callable[[float, float], None]
Crew = Callable[[], Sequence[Observer]]


@dataclass(slots=True)
class IndexReport:
    """What an indexing run did, by paths."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    num_unchanged: int = 0
    video_seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class _Job:
    path: str
    file: FileState
    duration_seconds: float
    is_update: bool


@dataclass(frozen=True, slots=True)
class _Seen:
    timeline: Timeline
    content_hash: str
    subtitles: str


def find_videos(folders: Iterable[str | Path]) -> list[Path]:
    """The video files in folders and all that lies in them, by their endings; files are taken as they are.

    Raises:
        VideoOpenError: a folder or a file that does not exist, or folders without any video.
    """
    found: list[Path] = []
    names = [Path(key_of(folder)) for folder in folders]
    for name in names:
        if name.is_dir():
            for root, inner, files in os.walk(name):
                inner[:] = sorted(one for one in inner if not one.startswith("."))
                found += [
                    Path(root) / file
                    for file in sorted(files)
                    if Path(file).suffix.lower() in VIDEO_ENDINGS and not file.startswith(".")
                ]
        elif name.is_file():
            found.append(name)
        else:
            raise VideoOpenError("no such file or folder", path=name)
    if not found:
        raise VideoOpenError("no video found there", path=", ".join(map(str, names)) or "nothing given")
    return list(dict.fromkeys(found))


def index_folder(
    *folders: str | Path,
    store: Store | str | Path | None = None,
    observers: Sequence[Observer] | None = None,
    num_processes: int | None = None,
    prune: bool = False,
    progress: Progress | None = None,
) -> IndexReport:
    """Put all videos of some folders into a store, or bring the store up to date with them.

    Args:
        folders: folders, with all folders in them, or files.
        store: an open store, or where one is or shall be; None for the user's own.
        observers: who watches; None for `default_observers()` and what finds a video by example.
        num_processes: how many videos are watched at the same time; None decides by the cores and the videos.
        prune: whether videos of these folders that are gone are removed from the store.
        progress: called with (seconds of video done, seconds in all).

    Returns:
        What was added, updated, renamed, removed, is missing, or could not be read and why. A video beside which
        subtitles came, changed or went is updated, without watching it. One bad file costs nothing but itself.

    Raises:
        VideoOpenError: nothing to index.
        StoreError: the store cannot be used.

    >>> folder = getfixture("sample_video").parent
    >>> report = index_folder(folder, store=getfixture("tmp_path") / "store")
    >>> len(report.added), report.failed
    (1, {})
    """
    from muybridge.search.store import Store, open_store

    if num_processes is not None and num_processes < 1:
        raise OptionError(f"num_processes={num_processes} must be at least 1")
    paths = find_videos(folders)
    opened = store if isinstance(store, Store) else open_store(store)
    report = IndexReport()
    gone = gone_names(opened)
    jobs, watched = _plan(opened, paths, gone, report)
    settle_gone(opened, gone, [Path(key_of(folder)) for folder in folders], report, prune=prune)
    _refresh(opened, watched, report)
    ready: list[tuple[_Job, _Seen]] = []
    last_commit = time.monotonic()
    for job, result in _watch_all(jobs, observers, num_processes, progress):
        if isinstance(result, str):
            report.failed[job.path] = result
        else:
            ready.append((job, result))
        if len(ready) >= VIDEOS_PER_COMMIT or time.monotonic() - last_commit > SECONDS_BETWEEN_COMMITS:
            _commit(opened, ready, report)
            last_commit = time.monotonic()
    _commit(opened, ready, report)
    for changed in (report.added, report.updated):
        changed.sort()  # several processes end in any order
    if report.added or report.updated or report.removed:
        opened.optimize()
    return report


def observe_for_search() -> list[Observer]:
    """The default observers, and the one that makes a video findable by example."""
    from muybridge.search.looks import LooksObserver

    return [*default_observers(), LooksObserver()]


def _plan(
    store: Store, paths: list[Path], gone: set[str], report: IndexReport
) -> tuple[list[_Job], list[Path]]:
    """What there is to watch, and what was watched already; renames at once."""
    known = store.rows()
    incomplete = set(store.incomplete())
    jobs, watched = [], []
    for path in paths:
        name = str(path)
        readable = as_unicode(path)
        if name != readable:
            report.failed[readable] = "its path is not UTF-8, in which the store keeps it; rename it"
            continue
        try:
            stat = path.stat()
            before = known.get(name)
            is_whole = before is not None and name not in incomplete
            unchanged = (stat.st_size, stat.st_mtime_ns)
            if before is not None and is_whole and (before.size_bytes, before.modified_ns) == unchanged:
                watched.append(path)
                continue
            moved = where_it_was(path, gone, known) if before is None else None
            if moved is not None and moved not in incomplete:
                store.rename(moved, name)
                gone.discard(moved)
                report.renamed.append((moved, name))
                watched.append(path)
                continue
            file = FileState(*unchanged)
            jobs.append(_Job(name, file, probe(path).duration_seconds or 0.0, before is not None))
        except FileNotFoundError:
            report.failed[name] = "no such file, or a link to one that is not there"
        except (MuybridgeError, OSError) as error:
            report.failed[name] = str(error)
    return jobs, watched


def _refresh(store: Store, watched: list[Path], report: IndexReport) -> None:
    updated, failed = refresh_subtitles(store, watched)
    report.updated += updated
    report.failed |= failed
    told = {*updated, *failed, *(new for _, new in report.renamed)}
    report.num_unchanged = sum(str(path) not in told for path in watched)


def _commit(store: Store, ready: list[tuple[_Job, _Seen]], report: IndexReport) -> None:
    store.add_all(
        (seen.timeline, replace(job.file, content_hash=seen.content_hash, subtitles=seen.subtitles))
        for job, seen in ready
    )
    for job, seen in ready:
        (report.updated if job.is_update else report.added).append(job.path)
        report.video_seconds += seen.timeline.duration_seconds
    ready.clear()


def _watch_all(
    jobs: list[_Job],
    observers: Sequence[Observer] | None,
    num_processes: int | None,
    progress: Progress | None,
) -> Iterator[tuple[_Job, _Seen | str]]:
    """Each job with its timeline, or with what went wrong, in the order in which they are done."""
    total = sum(job.duration_seconds for job in jobs)
    num = num_processes or _num_processes(jobs)
    # Observers that were given may hold what cannot go to another process.
    if num == 1 or len(jobs) < 2 or observers is not None:
        yield from _watch_in_turn(jobs, observers, total, progress)
        return
    # The longest first, so that no process is left alone with it at the end.
    waiting = sorted(range(len(jobs)), key=lambda index: -jobs[index].duration_seconds)
    while waiting:
        try:
            for index, result in _watch_in_pool(jobs, list(waiting), num, total, progress):
                waiting.remove(index)
                yield jobs[index], result
        except BrokenProcessPool:
            # A codec crashed, or memory ran out: one at a time, the video that does it is the first one left.
            if num == 1:
                yield jobs[waiting.pop(0)], "the process that watched it died; is the file damaged?"
            num = 1


def _watch_in_pool(
    jobs: list[_Job], order: list[int], num: int, total: float, progress: Progress | None
) -> Iterator[tuple[int, _Seen | str]]:
    # Forking would copy the threads and the locks of decoders and of the store.
    context = multiprocessing.get_context("spawn")
    done: Any = context.Array(
        "d", [0.0 if i in order else job.duration_seconds for i, job in enumerate(jobs)]
    )
    with _one_thread_each(), ProcessPoolExecutor(num, context, _start_process, (done,)) as pool:
        try:
            running: dict[Future[_Seen | str], int] = {
                pool.submit(_watch_there, jobs[index].path, index): index for index in order
            }
            while running:
                finished, _ = wait(running, SECONDS_BETWEEN_REPORTS, FIRST_COMPLETED)
                for future in finished:
                    result, index = future.result(), running.pop(future)
                    done[index] = jobs[index].duration_seconds
                    yield index, result
                if progress is not None:
                    progress(sum(done), total)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _watch_in_turn(
    jobs: list[_Job], observers: Sequence[Observer] | None, total: float, progress: Progress | None
) -> Iterator[tuple[_Job, _Seen | str]]:
    crew = _crew_of(observers)
    before = 0.0
    for job in jobs:

        def report(seconds: float, _: float, before: float = before) -> None:
            if progress is not None:
                progress(before + seconds, total)

        yield job, _watch_one(job.path, crew, report)
        before += job.duration_seconds
    if progress is not None:
        progress(total, total)


def _crew_of(observers: Sequence[Observer] | None) -> Crew:
    """Who watches, made when first asked for: loading their networks takes as long as watching a short video."""
    return cache(observe_for_search) if observers is None else lambda: observers


def _watch_one(path: str, crew: Crew, progress: Progress | None) -> _Seen | str:
    try:
        with warnings.catch_warnings():
            # The timeline keeps what was damaged; a folder's worth of it would drown the rest.
            warnings.simplefilter("ignore", DamagedVideoWarning)
            content = content_hash(path)
            timeline = analyze(path, observers=crew(), progress=progress)
            # Noted before they are read: what changes meanwhile is another one the next time.
            subtitles = SubtitleStates().of(Path(path))
            spoken = read_subtitles(path)
    except (MuybridgeError, OSError) as error:
        return str(error)
    return _Seen(replace(with_subtitles(timeline, spoken), pictures=()), content, subtitles)


_done: Any = None
_crew: Crew = _crew_of(None)


def _start_process(done: Any) -> None:
    global _done
    _done = done
    parent = multiprocessing.parent_process()
    if parent is not None:
        # A parent that is killed cannot end its children: they watch it and go themselves.
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _watch_there(path: str, index: int) -> _Seen | str:
    last = 0.0

    def report(seconds: float, _: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > SECONDS_BETWEEN_REPORTS:
            last, _done[index] = now, seconds

    return _watch_one(path, _crew, report)


def _num_processes(jobs: list[_Job]) -> int:
    seconds = sum(job.duration_seconds for job in jobs)
    return max(1, min(num_cores(), len(jobs), int(seconds / _SECONDS_WORTH_A_PROCESS)))


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Numeric libraries of the processes started here use one thread: the cores are shared out by videos."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
