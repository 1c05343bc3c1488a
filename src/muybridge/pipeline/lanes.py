"""Observers side by side: each sees its pictures in order, and on several cores several of them look at once.

    pictures ─┬─► waiting for scenes  x x x x ─┐
              ├─► waiting for motion  x x      ├─► threads: each takes up the observer that is farthest behind
              └─► waiting for text    x x x x ─┘

No observer is ever in two threads at a time, and none knows of the others: what they find is what they would find one
after the other. Few pictures wait, so memory is bounded, and whoever shows them waits for the slowest.
"""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Self

from muybridge.video.picture import MomentPicture

if TYPE_CHECKING:
    from muybridge.pipeline.passes import Pass, Watcher

__all__ = ["Lanes"]

MAX_WAITING = 24
MIN_WAITING = 4
MAX_WAITING_BYTES = 48e6
AT_ONCE = 8  # pictures of one observer in a row, while its code and its arrays are in the processor's cache
WORTH_A_THREAD = 4  # pictures of one observer: to wake a thread for each costs as much as many a look


class _Lane:
    """One observer, and the pictures that it has not seen yet."""

    __slots__ = ("is_busy", "waiting", "watcher")

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher
        self.waiting: deque[MomentPicture] = deque()
        self.is_busy = False


class Lanes:
    """Shows pictures to the observers of a pass, which look at them in threads; a context manager.

    Args:
        run: whose observers look.
        num_threads: how many look at the same time.
    """

    def __init__(self, run: Pass, *, num_threads: int) -> None:
        self._run = run
        self._lanes = [_Lane(watcher) for watcher in run.watchers]
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._is_over = False
        self._is_settling = False
        self._worth = 1
        self._threads = [
            threading.Thread(target=self._work, name="muybridge-look", daemon=True)
            for _ in range(max(1, min(num_threads, len(self._lanes))))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def show(self, picture: MomentPicture) -> None:
        """Hand a picture to all whose turn it is; wait first where one is too far behind.

        What goes wrong in an observer is raised here or in `settle`, some pictures later.
        """
        width, height = picture.size
        most = max(MIN_WAITING, min(MAX_WAITING, int(MAX_WAITING_BYTES / (1.5 * width * height))))
        with self._changed:
            self._changed.wait_for(
                lambda: self._error or all(len(lane.waiting) < most for lane in self._lanes)
            )
            self._raise()
            for lane in self._lanes:
                if lane.watcher.pace.wants_picture(picture):
                    lane.waiting.append(picture)
            self._run.note(picture)
            # A lane that is full is always worth a thread, so nobody waits for ever.
            self._worth = min(WORTH_A_THREAD, most)
            if self._ready():
                self._changed.notify_all()

    def settle(self) -> None:
        """Wait until all that was shown has been seen: now the pass stands at one moment, and can be saved."""
        with self._changed:
            self._is_settling = True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._error or not any(lane.waiting or lane.is_busy for lane in self._lanes)
            )
            self._is_settling = False
            self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (lane := self._take_up()) is not None:
            try:
                for _ in range(AT_ONCE):
                    if self._is_over or not lane.waiting:
                        break
                    # It stays in line while it is looked at, so that it counts as waiting.
                    lane.watcher.see(lane.waiting[0])
                    lane.waiting.popleft()
            except BaseException as error:
                with self._changed:
                    self._error = self._error or error
                    self._is_over = True
            with self._changed:
                lane.is_busy = False
                self._changed.notify_all()

    def _take_up(self) -> _Lane | None:
        """The lane that is farthest behind, as soon as there is one to work on; None when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or self._ready())
            if self._is_over:
                return None
            lane = min(self._ready(), key=lambda lane: lane.waiting[0].pts_seconds)
            lane.is_busy = True
            return lane

    def _ready(self) -> list[_Lane]:
        """The lanes that a thread may take up."""
        least = 1 if self._is_settling else self._worth
        return [lane for lane in self._lanes if len(lane.waiting) >= least and not lane.is_busy]
