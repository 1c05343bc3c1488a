"""Packets → pictures, past damage: everything that can be decoded comes out, nothing that is broken does.

A decoder goes on after an error by inventing what it misses, which looks like a picture and is none. So after an
error everything is left out until the next keyframe, and the lost stretch is reported by its seconds:

    packets   K p p p ! p p K p p
    pictures  K p p p . . . K p p      "could not be decoded from 1.6 s to 2.8 s"
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import av.error

from muybridge.errors import DamagedVideoWarning

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["Damage", "PictureDecoder"]

DECODE_ERRORS = (av.error.FFmpegError, ValueError, OSError, MemoryError)


class Damage:
    """Collects the stretches of one video that could not be decoded, and warns of each once.

    Args:
        path: for the message.
        warn: whether to warn at once, or only collect.
    """

    def __init__(self, path: str, *, warn: bool = True) -> None:
        self.path = path
        self.warn = warn
        self.messages: list[str] = []
        self._since: float | None = None

    def begin(self, seconds: float | None) -> None:
        """Decoding failed at that second."""
        if self._since is None:
            self._since = seconds if seconds is not None else 0.0

    def end(self, seconds: float | None) -> None:
        """Decoding works again at that second; None for the end of the video."""
        if self._since is not None:
            until = f"{seconds:.2f} s" if seconds is not None else "the end"
            self.report(f"could not be decoded from {self._since:.2f} s to {until}")
            self._since = None

    def report(self, message: str) -> None:
        """Warn of something, the first time that it is said."""
        if message not in self.messages:
            self.messages.append(message)
            if self.warn:
                warnings.warn(f"{self.path}: {message}", DamagedVideoWarning, stacklevel=3)


class PictureDecoder:
    """Decodes the packets of one stream.

    Args:
        stream: an opened stream whose decoder has not been used yet.
        damage: where broken stretches are reported.
        threading: `"frame"` is fastest for a long run; `"slice"` for many short ones, since frame threads refill
            at each start.
    """

    def __init__(
        self, stream: VideoStream, damage: Damage, *, threading: Literal["frame", "slice"] = "frame"
    ) -> None:
        self._context = stream.codec_context
        self._context.thread_type = "AUTO" if threading == "frame" else "SLICE"
        if threading == "slice":
            self._context.thread_count = 1
        else:
            self._context.thread_count = os.cpu_count() or 1
        # A broken picture is an error, not something to paint over.
        self._context.options = {**self._context.options, "err_detect": "explode"}
        self._seconds_per_tick = float(stream.time_base or 0)
        self._damage = damage
        self._waits_for_keyframe = False
        self._last_ticks: int | None = None

    def decode(self, packets: Iterable[Packet[VideoStream]], *, flush: bool = True) -> Iterator[VideoFrame]:
        """The sound pictures of these packets, in order of presentation.

        Args:
            packets: in the order of the file.
            flush: whether the stream ends with them.
        """
        source = iter(packets)
        while True:
            try:
                packet = next(source, None)
            except (av.error.FFmpegError, OSError) as error:
                self._damage.report(f"the container breaks off ({error.strerror or error})")
                packet = None
            if packet is None:
                break
            if packet.size == 0:
                continue
            yield from self._decode_packet(packet)
        if flush:
            yield from self.drain()
            self._damage.end(None)

    def drain(self) -> Iterator[VideoFrame]:
        """The pictures that the decoder still holds back; it is ready for another run afterwards."""
        pictures: list[Any] = []
        try:
            pictures = self._context.decode(None)
        except DECODE_ERRORS:
            self._lose()
        for picture in pictures:
            if picture.is_corrupt:
                self._lose()
                break
            self._last_ticks = picture.pts
            yield picture
        self._context.flush_buffers()

    def skip_unreferenced(self, skip: bool) -> None:
        """Leave out, from the next packet on, pictures that no other picture is made from."""
        self._context.skip_frame = "NONREF" if skip else "DEFAULT"

    def _decode_packet(self, packet: Packet[VideoStream]) -> Iterator[VideoFrame]:
        if self._waits_for_keyframe:
            if not packet.is_keyframe:
                return
            self._waits_for_keyframe = False
            self._damage.end(packet.pts * self._seconds_per_tick if packet.pts is not None else None)
        pictures: list[Any]
        try:
            pictures = self._context.decode(packet)
        except DECODE_ERRORS:
            # Pictures before the broken one are still inside; they are sound.
            yield from self.drain()
            self._lose()
            return
        for picture in pictures:
            if picture.is_corrupt:
                self._lose()
                return
            self._last_ticks = picture.pts
            yield picture

    def _lose(self) -> None:
        # Since the last sound picture; the packet that failed may lie anywhere in the order of presentation.
        self._waits_for_keyframe = True
        self._damage.begin(
            self._last_ticks * self._seconds_per_tick if self._last_ticks is not None else None
        )
        self._context.flush_buffers()
