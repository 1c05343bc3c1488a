"""The one pass: every frame decoded once, resized once for each size, and handed to all observers.

     pictures ──► view A ──► shots
         │    └─► view A ──► energy        the same view is made once
         ├──────► view B ──► text
         └──────► view C ──► actions

Observers neither know of each other nor of where the pictures come from. Memory is bounded: a picture is let go
as soon as all have seen it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import cv2

from muybridge.cores import num_threads
from muybridge.errors import OptionError
from muybridge.heap import limit_arenas
from muybridge.observer import Finding, Observer, Resumable
from muybridge.values import VideoMetadata
from muybridge.video.ahead import read_ahead
from muybridge.video.picture import DecodedPicture, MomentPicture
from muybridge.video.reader import Pace, Video

__all__ = ["Pass", "pictures_for", "prefetch", "shared_cores", "watch"]


@runtime_checkable
class Late(Protocol):
    """An observer that tells what it finds some frames later, such as one in another process."""

    def fetch(self) -> list[Finding]:
        """What became certain with the frames so far and was not told yet."""
        ...


@dataclass(slots=True)
class Watcher:
    """One observer in a pass: what it wants to see, and what it has found."""

    observer: Observer
    pace: Pace
    findings: list[Finding]

    def see(self, picture: MomentPicture) -> list[Finding]:
        """Show it a picture whose turn it is; what it reports is kept, and given back."""
        found = list(self.observer.observe(picture.frame(self.observer.view)))
        self.findings += found
        return found


class Pass:
    """Hands pictures to observers; may be stopped after any picture, saved, and gone on with.

    Args:
        observers: with different names.
        source: what is watched.

    Raises:
        OptionError: two observers of one name.
    """

    def __init__(self, observers: Sequence[Observer], source: VideoMetadata) -> None:
        names = [observer.name for observer in observers]
        if len(set(names)) != len(names):
            raise OptionError(f"two observers have one name: {sorted(names)}; give each its own")
        self.watchers = [Watcher(o, Pace.of(o.view), []) for o in observers]
        self.last_seconds: float | None = None
        self.end_seconds = source.start_seconds
        for observer in observers:
            observer.start(source)

    def see(self, picture: MomentPicture) -> list[Finding]:
        """Show a picture to all whose turn it is; what they report is kept, and given back."""
        new: list[Finding] = []
        for watcher in self.watchers:
            if watcher.pace.wants_picture(picture):
                new += watcher.see(picture)
        self.note(picture)
        return new

    def note(self, picture: MomentPicture) -> None:
        """The pass stands after that picture now."""
        self.last_seconds = picture.pts_seconds
        self.end_seconds = picture.pts_seconds + picture.duration_seconds

    def finish(self) -> list[Finding]:
        """The source has ended; collect what observers held back."""
        new: list[Finding] = []
        for watcher in self.watchers:
            found = list(watcher.observer.finish(self.end_seconds))
            watcher.findings += found
            new += found
        return new

    def findings(self, name: str) -> list[Finding]:
        """All that one observer has reported so far."""
        return next(watcher.findings for watcher in self.watchers if watcher.observer.name == name)

    @property
    def is_resumable(self) -> bool:
        """Whether every observer can save its state."""
        return all(isinstance(watcher.observer, Resumable) for watcher in self.watchers)

    def state(self) -> dict[str, Any]:
        """Where the pass stands, without the findings so far; they are complete from then on."""
        for watcher in self.watchers:
            if isinstance(watcher.observer, Late):
                watcher.findings += watcher.observer.fetch()
        return {
            "last_seconds": self.last_seconds,
            "end_seconds": self.end_seconds,
            "observers": {
                watcher.observer.name: {
                    "last_slot": watcher.pace.last_slot,
                    "state": watcher.observer.state() if isinstance(watcher.observer, Resumable) else {},
                }
                for watcher in self.watchers
            },
        }

    def restore(self, state: Mapping[str, Any], findings: Mapping[str, list[Finding]]) -> None:
        """Stand where an earlier pass stood; all observers must be resumable."""
        self.last_seconds = state["last_seconds"]
        self.end_seconds = state["end_seconds"]
        for watcher in self.watchers:
            saved = state["observers"][watcher.observer.name]
            watcher.pace.last_slot = saved["last_slot"]
            watcher.findings = list(findings[watcher.observer.name])
            if isinstance(watcher.observer, Resumable):
                watcher.observer.restore(saved["state"])


@contextmanager
def shared_cores() -> Iterator[None]:
    """Few threads for each computation: the decoder and the observers share the cores as it is.

    OpenCV gets one, for on small pictures its threads cost more than they save. Networks get half of the cores: torch's
    threads spin while they wait for each other, and on two cores took more from the others than they gave. The numbers
    are the whole process's: where several passes run, the last to end puts them back. Their memory is shared, too, see
    `muybridge.heap`; that stays.
    """
    global _num_passes
    with _lock:
        _num_passes += 1
        if _num_passes == 1:
            limit_arenas()
            _set_threads()
    try:
        yield
    finally:
        with _lock:
            _num_passes -= 1
            if _num_passes == 0:
                _put_back.close()


_lock = threading.Lock()
_num_passes = 0
_put_back = ExitStack()


def _set_threads() -> None:
    _put_back.callback(cv2.setNumThreads, cv2.getNumThreads())
    cv2.setNumThreads(1)
    torch = sys.modules.get("torch")  # no observer that is there needs it where it was not imported
    if torch is not None:
        before = torch.get_num_threads()
        _put_back.callback(torch.set_num_threads, before)
        torch.set_num_threads(min(before, max(1, num_threads() // 2)))


def pictures_for(
    video: Video, observers: Sequence[Observer], *, start_seconds: float | None = None
) -> Iterator[DecodedPicture]:
    """The pictures of a file that a pass needs, decoded no better than its observers can see.

    The decoder's own threads get half of the cores, as networks do: more of them cost more in meeting each other than
    they give, where observers are busy, too.

    Args:
        video: an opened file.
        observers: who will look.
        start_seconds: leave out pictures that appear before.
    """
    return video.pictures(
        start_seconds=start_seconds,
        quick=True,
        max_threads=max(1, num_threads() // 2),
        sparing=all(observer.view.sparing for observer in observers),
    )


def prefetch(
    pictures: Iterable[MomentPicture], observers: Sequence[Observer], *, last_seconds: float | None = None
) -> Iterator[MomentPicture]:
    """The same pictures, decoded and converted ahead in a thread, while observers are busy with earlier ones.

    Args:
        pictures: what to read ahead of.
        observers: whose views are made ready.
        last_seconds: leave out pictures up to this moment: an earlier pass has seen them.
    """
    return read_ahead(pictures, [observer.view for observer in observers], last_seconds=last_seconds)


def watch(
    pictures: Iterable[MomentPicture], observers: Sequence[Observer], source: VideoMetadata
) -> list[Finding]:
    """Let observers watch a source to its end.

    Args:
        pictures: `Video.pictures()`, or `ArrayPicture`s from anywhere.
        observers: with different names.
        source: what is watched.

    Returns:
        All findings, in the order in which they became certain; `Timeline.of_findings` sorts them.

    >>> from muybridge.video import open_video
    >>> with open_video(getfixture("sample_video")) as video:
    ...     watch(video.pictures(), [], video.metadata)
    []
    """
    run = Pass(observers, source)
    found: list[Finding] = []
    with shared_cores():
        for picture in prefetch(pictures, observers):
            found += run.see(picture)
        return found + run.finish()
