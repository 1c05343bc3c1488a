"""A running source: one thread reads, the pictures wait, and who watches takes them at its own pace."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Any, Literal, Self

from muybridge.errors import EmptyVideoError, VideoError
from muybridge.observer import View
from muybridge.values import Frame, VideoMetadata
from muybridge.video.picture import FULL, ArrayPicture, DecodedPicture
from muybridge.video.source_clock import SourceClock
from muybridge.video.source_readers import SourceReader

__all__ = ["DropPolicy", "LivePicture", "LiveSource", "SourceCounts"]

DropPolicy = Literal["newest", "every"]
SourceState = Literal["connecting", "running", "reconnecting", "ended"]
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0


@dataclass(slots=True)
class SourceCounts:
    """What a source has given so far.

    Args:
        num_read: pictures that came, with those that were dropped.
        num_dropped: pictures that were dropped because the watcher was slower.
        num_left_out: pictures whose timestamp repeated or stepped back.
        num_jumps: times at which the source's clock jumped, and was set anew.
        num_reconnects: times at which the source was lost and came back.
        num_damaged: stretches that could not be decoded.
    """

    num_read: int = 0
    num_dropped: int = 0
    num_left_out: int = 0
    num_jumps: int = 0
    num_reconnects: int = 0
    num_damaged: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


class LivePicture:
    """A picture of a live source, at its true moment.

    Args:
        picture: as the reader gave it.
        pts_seconds: when it appears, on the source's clock.
        index: its place in the source; dropped pictures are counted too.
        arrived_seconds: `time.monotonic()` when its bytes came.
    """

    __slots__ = ("_picture", "arrived_seconds", "duration_seconds", "index", "is_spare", "pts_seconds")

    def __init__(
        self,
        picture: DecodedPicture | ArrayPicture,
        *,
        pts_seconds: float,
        index: int,
        arrived_seconds: float,
    ) -> None:
        picture.pts_seconds, picture.index = pts_seconds, index
        self._picture = picture
        self.pts_seconds = pts_seconds
        self.duration_seconds = picture.duration_seconds
        self.index = index
        self.is_spare = picture.is_spare
        self.arrived_seconds = arrived_seconds

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels of the upright picture."""
        return self._picture.size

    def frame(self, view: View = FULL) -> Frame:
        """The picture as a view shows it."""
        return self._picture.frame(view)


class LiveSource:
    """An opened source; make one with `open_source`.

    Args:
        reader: gives the pictures.
        policy: what to do when pictures come faster than they are watched; None takes the one that suits the source.
        max_waiting: how many pictures may wait.
        real_time: pace a recording as if it happened now.
        give_up_seconds: how long a lost source is tried again; 0 ends with the loss.
        note: called, from another thread, with what happens to the source.
    """

    def __init__(
        self,
        reader: SourceReader,
        *,
        policy: DropPolicy | None,
        max_waiting: int,
        real_time: bool,
        give_up_seconds: float,
        note: Callable[[str], None] | None,
    ) -> None:
        self._reader = reader
        self._max_waiting = max_waiting
        self._real_time = real_time
        self._lost_at = time.monotonic()
        self._wait_seconds = FIRST_WAIT_SECONDS
        self._give_up_seconds = give_up_seconds
        self._note_to = note
        self.address = reader.address
        self.counts = SourceCounts()
        reader.damage.pass_on = self._say
        self.notes: deque[str] = deque(maxlen=100)
        self.state: SourceState = "connecting"
        self._waiting: deque[LivePicture] = deque()
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._error: VideoError | BaseException | None = None
        self._is_done = False
        # Opened in the caller's thread: what cannot be opened is an error of `open_source` itself.
        self._connected_at: float | None = time.monotonic()
        try:
            self.metadata: VideoMetadata = reader.open()
        except BaseException:
            reader.close()
            raise
        self.is_live = reader.is_live or real_time
        self.policy: DropPolicy = policy or ("newest" if self.is_live else "every")
        self._clock = SourceClock(is_live=reader.is_live)
        self._thread = threading.Thread(target=self._work, name="muybridge-source", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        return (picture.frame() for picture in self.pictures())

    def pictures(self) -> Iterator[LivePicture]:
        """The pictures in order, until the source ends, or `stop` is called.

        Raises:
            EmptyVideoError: it ended before its first picture.
            VideoError: it was lost and did not come back in time, or what came could not be decoded.
        """
        while True:
            with self._changed:
                # With a time limit, so that Ctrl-C is heard on every platform.
                while not self._waiting and not self._is_done:
                    self._changed.wait(0.2)
                if not self._waiting or self._stop.is_set():
                    break
                picture = self._waiting.popleft()
                self._changed.notify_all()
            yield picture
        if self._error is not None and not self._stop.is_set():
            raise self._error

    def stop(self) -> None:
        """End soon; may be called from any thread or from a signal handler."""
        self._stop.set()
        self._reader.stop()

    def close(self) -> None:
        """Stop, and let go of the source."""
        self.stop()
        # A thread that waits inside FFmpeg ends with its time limit, and does not keep the program alive.
        self._thread.join(timeout=2.0)

    def _say(self, message: str) -> None:
        self.notes.append(message)
        if self._note_to is not None:
            self._note_to(message)

    def _work(self) -> None:
        try:
            self._read_until_the_end()
        except BaseException as error:
            self._error = error
        finally:
            self.counts.num_damaged = self._reader.damage.count
            self._reader.close()
            self.state = "ended"
            with self._changed:
                self._is_done = True
                self._changed.notify_all()

    def _read_until_the_end(self) -> None:
        while not self._stop.is_set():
            failure = self._read_connection()
            if self._stop.is_set():
                return
            if self.counts.num_read == 0:
                raise failure or EmptyVideoError("it ended before its first picture", path=self.address)
            if failure is None and not self._reader.is_endless:
                return
            if failure is not None and not self._reader.may_come_back:
                raise failure
            at = f"{self._clock.last_seconds or 0.0:.1f} s"
            self._say(f"lost at {at}: {failure.reason if failure is not None else 'it ended'}")
            if self._give_up_seconds == 0:
                return
            self._reconnect(failure)

    def _read_connection(self) -> VideoError | None:
        """Hand over the pictures of one connection; why it broke off, or None where it just ended."""
        self._clock.begin(frames_per_second=self.metadata.frames_per_second)
        is_paced = self._reader.comes_in_bursts or (self._real_time and not self._reader.is_live)
        pace = _RealTime() if is_paced else None
        try:
            for picture in self._reader.pictures():
                if self._stop.is_set():
                    return None
                self.state = "running"
                self._lost_at, self._wait_seconds = time.monotonic(), FIRST_WAIT_SECONDS
                self._hand_over(picture, pace)
        except VideoError as error:
            return error
        return None

    def _hand_over(self, picture: DecodedPicture | ArrayPicture, pace: _RealTime | None) -> None:
        arrived = self._reader.last_arrival
        index = self.counts.num_read
        self.counts.num_read += 1
        # What FFmpeg looked at while opening came long before it is handed out: the first picture is as old as that.
        came = arrived if self._connected_at is None else self._connected_at
        self._connected_at = None
        seconds = self._clock.stamp(picture.pts_seconds, arrived_seconds=came)
        self.counts.num_left_out, self.counts.num_jumps = self._clock.num_left_out, self._clock.num_jumps
        self.counts.num_damaged = self._reader.damage.count
        if seconds is None:
            return
        if pace is not None:
            arrived = pace.wait(seconds, self._stop)
        live = LivePicture(picture, pts_seconds=seconds, index=index, arrived_seconds=arrived)
        with self._changed:
            if self.policy == "newest":
                while len(self._waiting) >= self._max_waiting:
                    self._waiting.popleft()
                    self.counts.num_dropped += 1
            while len(self._waiting) >= self._max_waiting and not self._stop.is_set():
                self._changed.wait(0.2)
            self._waiting.append(live)
            self._changed.notify_all()

    def _reconnect(self, failure: VideoError | None) -> None:
        """Open the source again, waiting longer after each failure.

        Raises:
            VideoError: it did not come back in time.
        """
        self.state = "reconnecting"
        while True:
            remaining = self._lost_at + self._give_up_seconds - time.monotonic()
            if remaining <= 0:
                reason = f" ({failure.reason})" if failure is not None else ""
                raise VideoError(
                    f"lost, and not back within {self._give_up_seconds:g} s{reason}", path=self.address
                )
            self._reader.close()
            if self._stop.wait(min(self._wait_seconds, remaining)):
                return
            self._wait_seconds = min(2 * self._wait_seconds, LONGEST_WAIT_SECONDS)
            self._connected_at = time.monotonic()
            try:
                self.metadata = replace(self._reader.open(), start_seconds=self.metadata.start_seconds)
            except VideoError as error:
                failure = error
                self._say(f"not back yet: {error.reason}; next try in {self._wait_seconds:g} s")
                continue
            self.counts.num_reconnects += 1
            self._say(f"back after {time.monotonic() - self._lost_at:.1f} s")
            return


class _RealTime:
    """Holds pictures back until their moment has come."""

    def __init__(self) -> None:
        self._zero: float | None = None

    def wait(self, seconds: float, stop: threading.Event) -> float:
        """Wait for the moment; returns it on the monotonic clock."""
        now = time.monotonic()
        if self._zero is None:
            self._zero = now - seconds
        due = self._zero + seconds
        if due > now:
            stop.wait(due - now)
        return max(due, now)
