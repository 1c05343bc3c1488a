"""Videos are watched one after the other, in a thread of its own, while the server answers.

    asked ─► waiting ─► running, with its progress ─► done, or failed with a message

What was found lies in the cache of `analyze`, so a timeline that is let go of here is back in a moment, and a run that
was stopped goes on where it stood.
"""

from __future__ import annotations

import queue
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any, Literal

from muybridge.errors import MuybridgeError, VideoError
from muybridge.pipeline.analyze import analyze
from muybridge.server.library import ListedVideo
from muybridge.values import Timeline

__all__ = ["Analyses", "State"]

MAX_TIMELINES = 32
Stage = Literal["new", "waiting", "running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class State:
    """How far a video is.

    Args:
        stage: `"new"`, `"waiting"`, `"running"`, `"done"` or `"failed"`.
        progress: the share that has been watched, in [0, 1].
        message: what went wrong.
    """

    stage: Stage = "new"
    progress: float = 0.0
    message: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"stage": self.stage, "progress": round(self.progress, 3), "message": self.message}


class _Stopped(Exception):  # noqa: N818  (no error: nobody waits for it any more)
    """Raised in the pass, to end it."""


class Analyses:
    """Watches the videos that are asked for; a context manager, which stops at its end.

    >>> from muybridge.server.library import Library
    >>> [video] = Library(getfixture("sample_video").parent).videos()
    >>> with Analyses() as analyses:
    ...     before = analyses.state(video).stage
    ...     _ = analyses.begin(video)
    ...     analyses.wait()
    ...     before, analyses.state(video).stage, len(analyses.timeline(video).of("shot"))
    ('new', 'done', 1)
    """

    def __init__(self) -> None:
        self._states: dict[ListedVideo, State] = {}
        self._latest: dict[str, ListedVideo] = {}  # what was begun last under each key
        self._timelines: OrderedDict[ListedVideo, Timeline] = OrderedDict()
        self._loading = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: queue.Queue[ListedVideo | None] = queue.Queue()
        self._stop = threading.Event()
        self._worker = threading.Thread(target=self._work, name="muybridge-analyses", daemon=True)

    def __enter__(self) -> Analyses:
        self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._waiting.put(None)
        self._worker.join()

    def state(self, video: ListedVideo) -> State:
        """How far a video is; one that has changed since is new."""
        with self._lock:
            return self._states.get(video, State())

    def begin(self, video: ListedVideo) -> State:
        """Have a video watched, unless it is already; one that failed is tried again."""
        with self._lock:
            self._latest[video.key] = video
            state = self._states.get(video, State())
            if state.stage in ("new", "failed"):
                state = self._states[video] = State("waiting")
                self._waiting.put(video)
            return state

    def wait(self) -> None:
        """Until all that was begun has ended."""
        self._waiting.join()

    def timeline(self, video: ListedVideo) -> Timeline | None:
        """What was found in a video; None while it is not done.

        One that was let go of comes from the cache. Where that has let go of it too, the video is new again: who asks
        does not watch it.
        """
        kept = self._kept(video)
        return self._load(video) if kept is None and self.state(video).stage == "done" else kept

    def _kept(self, video: ListedVideo) -> Timeline | None:
        with self._lock:
            if self._states.get(video, State()).stage != "done" or video not in self._timelines:
                return None
            self._timelines.move_to_end(video)
            return self._timelines[video]

    def _load(self, video: ListedVideo) -> Timeline | None:
        with self._loading:  # one at a time: whoever asked meanwhile finds what the first has found
            kept = self._kept(video)
            if kept is not None or self.state(video).stage != "done":
                return kept
            try:
                return self._keep(video, analyze(video.path, progress=_stop_watching))
            except _Stopped:
                self._note(video, State())
                return None

    def _keep(self, video: ListedVideo, timeline: Timeline) -> Timeline:
        # Where the folder lies is told to nobody.
        timeline = replace(timeline, metadata=replace(timeline.metadata, path=video.title))
        with self._lock:
            self._timelines[video] = timeline
            while len(self._timelines) > MAX_TIMELINES:
                self._timelines.popitem(last=False)
        return timeline

    def _work(self) -> None:
        while (video := self._waiting.get()) is not None:
            try:
                self._watch(video)
            finally:
                self._waiting.task_done()

    def _is_wanted(self, video: ListedVideo) -> bool:
        """Not where it has changed since, and was begun anew."""
        return self._latest[video.key] == video and not self._stop.is_set()

    def _watch(self, video: ListedVideo) -> None:
        with self._lock:
            if not self._is_wanted(video):
                self._states.pop(video)
                return
            self._states[video] = State("running")

        def watched(done_seconds: float, all_seconds: float) -> None:
            share = min(1.0, max(0.0, done_seconds / all_seconds)) if all_seconds > 0 else 0.0
            with self._lock:
                if not self._is_wanted(video):
                    raise _Stopped
                self._states[video] = State("running", share)

        try:
            self._keep(video, analyze(video.path, progress=watched))
            self._note(video, State("done", 1.0))
        except _Stopped:
            self._note(video, State())
        except VideoError as error:
            self._note(video, State("failed", message=error.reason))
        except MuybridgeError as error:
            self._note(video, State("failed", message=str(error)))
        except Exception as error:  # a defect of ours must not end the thread, and with it all that waits
            self._note(video, State("failed", message=f"{type(error).__name__}: {error}"))

    def _note(self, video: ListedVideo, state: State) -> None:
        with self._lock:
            self._states[video] = state


def _stop_watching(done_seconds: float, all_seconds: float) -> None:
    """Told by a pass that it goes on: so not everything was in the cache."""
    raise _Stopped
