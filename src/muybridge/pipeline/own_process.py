"""An observer in a process of its own, where the others leave it a core but not the interpreter.

    lane of "motion" ──► 8 frames at a time ──► its process ──► findings, one batch later

Threads of one process take turns at Python itself. The observer of motion is Python more than the others, needs small
gray frames and nothing closer, so it is the one that is worth sending away. What it finds is the same.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from muybridge.cores import num_threads
from muybridge.errors import MuybridgeError
from muybridge.motion.readings import MotionObserver
from muybridge.observer import Finding, Observer
from muybridge.values import Frame, VideoMetadata

__all__ = ["InOwnProcess", "spread"]

SECONDS_WORTH_A_PROCESS = 60.0
"""Of video: a new process imports NumPy and OpenCV anew, which takes as long as looking at ten seconds."""
FRAMES_AT_ONCE = 8
# The folders of modules come as arguments, so that the process finds what this one has found, and nothing else.
_START = (
    "import sys; sys.path[:] = sys.argv[1:]; from muybridge.pipeline import own_process; own_process.serve()"
)


class InOwnProcess:
    """Has a resumable observer look in a process of its own; implements `Observer` and `Resumable`.

    Findings come up to 16 frames later than the observer itself would report them, all of them before `finish` ends.

    Args:
        observer: looks at its frames alone, neither closer nor at what was left out; can be pickled.

    Raises:
        OSError: a process cannot be started.
    """

    def __init__(self, observer: Observer) -> None:
        self.name, self.view = observer.name, observer.view
        self._observer = observer
        self._frames: list[Frame] = []
        self._is_asked = False  # a batch is there whose findings were not fetched yet
        self._findings: list[Finding] = []
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the process that the user started; this one ends with it
        )
        self._to, self._fro = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        try:
            self._ask("take", observer)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def close(self) -> None:
        """End the process; it forgets what it has not told."""
        with contextlib.suppress(OSError):
            self._to.close()
        self._process.kill()
        self._process.wait()
        self._fro.close()

    def settings(self) -> Mapping[str, Any]:
        """Those of the observer."""
        return self._observer.settings()

    def start(self, source: VideoMetadata) -> None:
        """A new source begins."""
        self._drain()
        self._frames, self._findings = [], []
        self._ask("start", source)

    def observe(self, frame: Frame) -> Iterable[Finding]:
        """See the next frame; return what became certain some frames ago."""
        # The picture that could be looked at closer stays here.
        self._frames.append(replace(frame, closer=None, left_out=None))
        if len(self._frames) >= FRAMES_AT_ONCE:
            self._send_frames()
        found, self._findings = self._findings, []
        return found

    def finish(self, end_seconds: float) -> Iterable[Finding]:
        """The source ended; return the rest."""
        return [*self.fetch(), *self._ask("finish", end_seconds)]

    def fetch(self) -> list[Finding]:
        """What became certain with the frames so far; `observe` gives no more of it."""
        self._drain()
        found, self._findings = self._findings, []
        return found

    def state(self) -> Mapping[str, Any]:
        """All that `restore` needs, here or of the observer itself; what `fetch` gives is not in it."""
        self._drain()
        return cast(Mapping[str, Any], self._ask("state"))

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._drain()
        self._frames, self._findings = [], []
        self._ask("restore", state)

    def _send_frames(self) -> None:
        """Hand the batch over; the one before must be done by then, so that neither side waits while it writes."""
        self._fetch()
        frames, self._frames = self._frames, []
        self._send("observe", frames)
        self._is_asked = True

    def _fetch(self) -> None:
        if self._is_asked:
            self._is_asked = False
            self._findings += self._receive()

    def _drain(self) -> None:
        if self._frames:
            self._send_frames()
        self._fetch()

    def _ask(self, what: str, *values: Any) -> Any:
        self._send(what, *values)
        return self._receive()

    def _send(self, what: str, *values: Any) -> None:
        try:
            _write(self._to, (what, values))
        except OSError:
            raise self._ended() from None

    def _receive(self) -> Any:
        try:
            is_right, reply = pickle.load(self._fro)
        except (EOFError, OSError, pickle.UnpicklingError):
            raise self._ended() from None
        if not is_right:
            raise reply
        return reply

    def _ended(self) -> MuybridgeError:
        self._process.kill()
        code = self._process.wait()
        how = f"by signal {-code}" if code < 0 else f"with exit status {code}"
        return MuybridgeError(
            f"the process that looks for {self.name} ended {how}; is memory short? Run it again to go on, "
            "or set OMP_NUM_THREADS=1 to look in one process"
        )


@contextmanager
def spread(observers: Sequence[Observer], video_seconds: float) -> Iterator[list[Observer]]:
    """The same observers, the one that is worth it in a process of its own, which ends with the context.

    Args:
        observers: of one pass.
        video_seconds: how much they will watch.

    >>> with spread([MotionObserver()], 10.0) as watchers:
    ...     [type(watcher).__name__ for watcher in watchers]
    ['MotionObserver']
    """
    is_worth_it = len(observers) > 1 and num_threads() > 1 and video_seconds >= SECONDS_WORTH_A_PROCESS
    # Where Python is a part of another program, that one would be started, and never reply.
    is_python = Path(sys.executable or "").name.lower().startswith(("python", "pypy"))
    watchers = list(observers)
    with ExitStack() as stack:
        for place, observer in enumerate(observers):
            if is_worth_it and is_python and type(observer) is MotionObserver:
                # Where no process can be had, it looks here, as it would on one core.
                with contextlib.suppress(OSError, MuybridgeError):
                    watchers[place] = stack.enter_context(closing(InOwnProcess(observer)))
        yield watchers


def serve() -> None:
    """What the process does: it takes an observer, and does what it is told until nobody is left to tell it."""
    import cv2

    cv2.setNumThreads(1)
    told = sys.stdin.buffer
    # What a library prints must not come between the replies.
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    observer: Any = None
    reply: Any
    while True:
        try:
            what, values = pickle.load(told)
        except (EOFError, OSError):
            return
        try:
            if what == "take":
                (observer,), reply = values, None
            elif what == "observe":
                reply = [finding for frame in values[0] for finding in observer.observe(frame)]
            else:
                reply = getattr(observer, what)(*values)
                reply = list(reply) if what == "finish" else reply
        except Exception as error:
            reply = error
        try:
            _write(replies, (not isinstance(reply, Exception), reply))
        except BrokenPipeError:
            return


def _write(pipe: BinaryIO, message: Any) -> None:
    pipe.write(pickle.dumps(message, protocol=5))
    pipe.flush()
