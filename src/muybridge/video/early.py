"""Keyframes that are decoded while the packets of their file are still being read.

Reading all packets takes one core for about as long as decoding the keyframes takes two, so who wants both gets the
keyframes in the meantime:

    packets   K . . . . . K . . . . K . . . .      read by the thread that opens the file
              └───────────┴─────────┴──────────►   decoded by others

What is not decoded in time, or not sound, is left to `muybridge.video.seeking`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from muybridge.cores import num_threads
from muybridge.errors import VideoError
from muybridge.video.container import DEFAULT_LIMITS, Limits, open_container, video_stream
from muybridge.video.decoder import Damage, PictureDecoder
from muybridge.video.orientation import orientation_of
from muybridge.video.picture import Converter, DecodedPicture

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

__all__ = ["EarlyKeyframes"]

MAX_DECODERS = 4
MAX_WAITING_BYTES = 32 * 2**20
"""Compressed keyframes that may wait for a decoder; those that come when it is full are left out."""
MOST_TO_DECIDE = 8  # keyframes
Taken = TypeVar("Taken")


class EarlyKeyframes(Generic[Taken]):
    """Sees all packets of a file in order, and decodes keyframes in threads of its own.

    Args:
        path: the file.
        take: what to make of a picture; is called in those threads.
        is_worth_it: whether keyframes are wanted, given the places, in the order of the file, of those so far. After
            the first eight without a yes it is not asked again, and after a yes only when they have doubled.
        limits: as for the file.
    """

    def __init__(
        self,
        path: str | Path,
        take: Callable[[DecodedPicture], Taken],
        *,
        is_worth_it: Callable[[Sequence[int]], bool],
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._path = str(path)
        self._limits = limits
        self._take = take
        self._is_worth_it = is_worth_it
        self._places: list[int] = []
        self._num_packets = 0
        self._undecided: list[Packet[VideoStream]] = []
        self._pool: ThreadPoolExecutor | None = None
        self._begun: dict[int, Future[Taken | None]] = {}
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._containers: list[InputContainer] = []
        self._free: list[PictureDecoder] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def offer(self, packet: Packet[VideoStream]) -> bool:
        """See the next packet of the file; whether more are wanted."""
        place, self._num_packets = self._num_packets, self._num_packets + 1
        if not packet.is_keyframe or not packet.size or packet.is_corrupt:
            return True
        self._places.append(place)
        self._undecided.append(packet)
        number = len(self._places)
        if number <= MOST_TO_DECIDE or number.bit_count() == 1:
            if self._is_worth_it(self._places):
                self._pool = self._pool or ThreadPoolExecutor(min(num_threads(), MAX_DECODERS))
            elif number >= MOST_TO_DECIDE:
                self._undecided.clear()
                return False
        if self._pool is not None:
            for waiting in self._undecided:
                self._begin(self._pool, waiting)
            self._undecided.clear()
        return True

    def _begin(self, pool: ThreadPoolExecutor, packet: Packet[VideoStream]) -> None:
        with self._lock:
            if self._waiting_bytes + packet.size > MAX_WAITING_BYTES:
                return
            self._waiting_bytes += packet.size
        if packet.pts is None or packet.time_base is None:
            return
        self._begun[packet.pts] = pool.submit(self._decode, packet)

    def taken(self) -> dict[int, Taken]:
        """What was made of the pictures, by the presentation times of their packets, in the stream's ticks."""
        found = {pts: future.result() for pts, future in self._begun.items()}
        self.close()
        return {pts: value for pts, value in found.items() if value is not None}

    def close(self) -> None:
        """Let go of what was not begun, and of the decoders."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._free.clear()
        for container in self._containers:
            container.close()
        self._containers.clear()
        self._begun.clear()
        self._undecided.clear()

    def _decode(self, packet: Packet[VideoStream]) -> Taken | None:
        """What was made of a keyframe; None where it is not sound."""
        assert packet.pts is not None
        assert packet.time_base is not None
        with self._lock:
            self._waiting_bytes -= packet.size
            decoder = self._free.pop() if self._free else None
        try:
            decoder = decoder or self._open()
        except VideoError:
            return None
        taken = None
        for picture in (*decoder.decode([packet], flush=False), *decoder.drain()):
            if picture.pts == packet.pts:
                converter = Converter(*orientation_of(picture))
                seconds = float(packet.pts * packet.time_base)
                taken = self._take(
                    DecodedPicture(picture, converter, pts_seconds=seconds, duration_seconds=0.0, index=0)
                )
        with self._lock:
            self._free.append(decoder)
        return taken

    def _open(self) -> PictureDecoder:
        # For keyframes alone it need not be known how pictures are put in order.
        container = open_container(self._path, limits=self._limits, decodes_beginning=False)
        decoder = PictureDecoder(
            video_stream(container, self._path),
            Damage(self._path, warn=False),
            threading="slice",
            quick="keyframes",
        )
        with self._lock:
            self._containers.append(container)
        return decoder
