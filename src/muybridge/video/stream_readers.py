"""Streams that FFmpeg reads: over the network, and from another program through a pipe.

StreamReader    rtsp, rtsps, http, https: with time limits, and no other protocol
PipeReader      standard input or a named pipe
"""

from __future__ import annotations

import os
import select
import stat
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import av
import av.error

from muybridge.errors import EmptyVideoError, VideoDecodeError, VideoError, VideoOpenError
from muybridge.values import VideoMetadata
from muybridge.video.container import Limits, average_rate, check_limits, demux, video_stream
from muybridge.video.decoder import PictureDecoder
from muybridge.video.losses import with_losses
from muybridge.video.orientation import orientation_of
from muybridge.video.picture import Converter, DecodedPicture
from muybridge.video.source_readers import SECONDS_BETWEEN_LOOKS, DamageNotes

if TYPE_CHECKING:
    from av.container import InputContainer

__all__ = ["PROTOCOLS", "PipeReader", "StreamReader", "is_named_pipe", "without_password"]

EARLY_END_SECONDS = 2.0
PROTOCOLS = {
    # What FFmpeg may open on behalf of an address: a hostile playlist must reach neither files nor other protocols.
    "rtsp": "rtsp,rtp,tcp,udp,srtp",
    "rtsps": "rtsp,rtsps,rtp,tcp,udp,tls,srtp",
    "http": "http,https,tcp,tls,crypto,httpproxy",
    "https": "https,http,tcp,tls,crypto,httpproxy",
}


class _FFmpegReader(ABC):
    """What streams and pipes share: a container, one decoder, a limit on the time without a picture."""

    is_live = True
    comes_in_bursts = False
    may_come_back = True
    is_endless = True

    def __init__(
        self,
        address: str,
        *,
        limits: Limits,
        open_timeout_seconds: float,
        read_timeout_seconds: float,
    ) -> None:
        self.address = without_password(address)
        self.limits = limits
        self.open_timeout_seconds = open_timeout_seconds
        self.read_timeout_seconds = read_timeout_seconds
        self.damage = DamageNotes(self.address)
        self.last_arrival = time.monotonic()
        self._container: InputContainer | None = None
        self._failure: Exception | None = None
        self._is_stopped = False

    def open(self) -> VideoMetadata:
        """Open the container and find its video stream.

        Raises:
            VideoOpenError: nothing came in time, it is no video, or it is refused by a limit.
        """
        self._failure = None
        began = time.monotonic()
        try:
            self._container = self._open_apart()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            is_late = time.monotonic() - began >= 0.95 * self.open_timeout_seconds
            if is_late or isinstance(error, av.error.ExitError):
                reason = f"no video came within {self.open_timeout_seconds:g} s; is anything sending there?"
            elif isinstance(error, av.error.InvalidDataError):
                reason = self._not_a_video()
            else:
                reason = f"cannot be opened: {_reason(error)}"
            raise VideoOpenError(reason, path=self.address) from error
        try:
            check_limits(self._container, self.address, self.limits)
            stream = video_stream(self._container, self.address)
        except BaseException:
            self.close()
            raise
        self.is_live = self.is_endless = self._has_no_end(self._container)
        context, rate = stream.codec_context, average_rate(stream)
        return VideoMetadata(
            path=self.address,
            container=self._container.format.name,
            codec=context.codec.canonical_name,
            width=context.width,
            height=context.height,
            duration_seconds=None,
            frames_per_second=float(rate) if rate else None,
            pixel_format=context.format.name if context.format is not None else "",
            stream_index=stream.index,
        )

    def _open_apart(self) -> InputContainer:
        """Open in another thread: FFmpeg waits deaf to Ctrl-C, and PyAV swallows what is raised while it reads."""
        opening: Future[InputContainer] = Future()

        def work() -> None:
            try:
                opening.set_result(self._open_container())
            except BaseException as error:
                opening.set_exception(error)

        thread = threading.Thread(target=work, name="muybridge-opening", daemon=True)
        thread.start()
        try:
            # With a time limit, so that Ctrl-C is heard on every platform.
            while thread.is_alive():
                thread.join(0.2)
        except BaseException:
            self.stop()
            thread.join(0.5)  # a pipe ends by then; a network stream ends with its time limit
            raise
        return opening.result()

    def pictures(self) -> Iterator[DecodedPicture]:
        """The sound pictures.

        Raises:
            VideoError: it broke off, or nothing that can be decoded came in time.
        """
        assert self._container is not None
        stream = video_stream(self._container, self.address)
        # One thread: a decoder of frame threads holds pictures back, which a live source has no time for.
        decoder = PictureDecoder(stream, self.damage, threading="slice")
        tick = float(stream.time_base or 0)
        converter: Converter | None = None
        first: float | None = None
        raw = float("nan")
        self._last_picture = time.monotonic()
        for picture in decoder.decode(self._packets(stream)):
            if converter is None:
                converter = Converter(*orientation_of(picture))
            raw = picture.pts * tick if picture.pts is not None else float("nan")
            length = float(picture.duration or 0) * tick
            first = raw if first is None else first
            yield DecodedPicture(picture, converter, pts_seconds=raw, duration_seconds=length, index=0)
            # Only now: how long a watcher takes is no fault of the source.
            self._last_picture = time.monotonic()
        if self._is_stopped:
            return
        if self._failure is not None:
            raise VideoError(self._why_it_ended(self._failure), path=self.address)
        missing = (self._container.duration or 0) / av.time_base - (raw - (first or 0.0))
        if not self.is_endless and missing > EARLY_END_SECONDS:
            raise VideoError(f"it broke off {missing:.1f} s before its end", path=self.address)

    def _packets(self, stream: Any) -> Iterator[Any]:
        assert self._container is not None
        packets = with_losses(demux(self._container, stream), doubts=True)
        while (packet := self._next_of(packets)) is not None and not self._is_stopped:
            if self.last_arrival - self._last_picture > self.read_timeout_seconds:
                self._failure = VideoDecodeError("garbage", path=self.address)
                return
            yield packet

    def _next_of(self, packets: Iterator[Any]) -> Any:
        """The next packet; None at the end, or where `_failure` says why there is none."""
        asked = time.monotonic()
        packet = None
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            self._failure = error
        now = time.monotonic()
        if now - asked >= self.read_timeout_seconds:
            # Some formats make an end, or a last half packet, of a time limit: the time tells what it was.
            self._failure = TimeoutError()
            return None
        if packet is not None:
            self.last_arrival = now
        return packet

    def _why_it_ended(self, error: Exception) -> str:
        limit = f"{self.read_timeout_seconds:g} s"
        if isinstance(error, VideoDecodeError):
            return f"what came for {limit} could not be decoded"
        if isinstance(error, av.error.ExitError | TimeoutError):
            return f"nothing came for {limit}"
        return f"it broke off: {_reason(error)}"

    def stop(self) -> None:
        """End with the next packet."""
        self._is_stopped = True

    def close(self) -> None:
        """Close the container."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _has_no_end(self, container: InputContainer) -> bool:
        return container.duration is None or container.duration <= 0

    def _not_a_video(self) -> str:
        return "what it sends is not a video that FFmpeg can read"

    @abstractmethod
    def _open_container(self) -> InputContainer:
        """Open what the address names."""


class StreamReader(_FFmpegReader):
    """A network stream: RTSP over TCP, HTTP, HLS.

    Args:
        address: of one of the named protocols.
        limits: the largest picture that is accepted.
        open_timeout_seconds: until the first packets are known.
        read_timeout_seconds: the longest time without a picture.

    Raises:
        VideoOpenError: another protocol, or no host.
    """

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__(address, **options)
        try:
            parts = urlsplit(address)
            is_address = parts.port is None or parts.port > 0
        except ValueError:  # a port that is no number or too large, half of an IPv6 address
            is_address = False
        if not is_address:
            raise VideoOpenError(
                "this is no address; expected such as rtsp://host:554/path or http://[::1]:8080/path",
                path=self.address,
            )
        self._scheme = parts.scheme.lower()
        # FFmpeg knows its protocols in small letters only.
        self._url = f"{self._scheme}://{address.partition('://')[2]}"
        if self._scheme not in PROTOCOLS:
            raise VideoOpenError(
                f"the protocol {parts.scheme!r} is not allowed; sources come by {', '.join(PROTOCOLS)}",
                path=self.address,
            )
        if not parts.hostname:
            raise VideoOpenError("this address names no host", path=self.address)

    def _open_container(self) -> InputContainer:
        options = {"protocol_whitelist": PROTOCOLS[self._scheme]}
        if self._scheme.startswith("rtsp"):
            # Over TCP no packet is lost, and it passes every firewall that lets the connection through.
            options |= {"rtsp_transport": "tcp", "timeout": str(round(self.read_timeout_seconds * 1e6))}
            # What is looked at before the first picture is shown makes that picture old.
            options |= {"analyzeduration": "500000"}
        else:
            options |= {"rw_timeout": str(round(self.read_timeout_seconds * 1e6))}
        container = av.open(
            self._url,
            mode="r",
            options=options,
            metadata_errors="replace",
            timeout=(self.open_timeout_seconds, self.read_timeout_seconds),
        )
        self.comes_in_bursts = container.format.name == "hls"
        return container

    def _has_no_end(self, container: InputContainer) -> bool:
        if not super()._has_no_end(container):
            return False
        # A file of a format that does not tell its duration has a length, a stream has none.
        return self._scheme.startswith("rtsp") or container.format.name == "hls" or container.size <= 0

    def open(self) -> VideoMetadata:
        """Open the stream; see the base."""
        metadata = super().open()
        # RTSP sends at the pace at which things happen, recordings too.
        self.is_live = self.is_live or self._scheme.startswith("rtsp")
        self.may_come_back = self.is_live
        self.comes_in_bursts = self.comes_in_bursts and self.is_live
        return metadata


class PipeReader(_FFmpegReader):
    """Bytes of a video that another program writes.

    Args:
        address: `"-"` for standard input, or a named pipe.
    """

    may_come_back = False

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__(address, **options)
        self.address = "standard input" if address == "-" else address
        self._path = address
        self._descriptor: int | None = None
        self._limit = self.open_timeout_seconds
        self._timed_out = False
        self._is_fifo = address != "-"
        self._has_begun = False

    def read(self, count: int) -> bytes:
        """The next bytes for FFmpeg; none at the end, when stopped, or when nothing comes in time."""
        assert self._descriptor is not None
        until = time.monotonic() + self._limit
        while not self._is_stopped:
            # On Windows only sockets can be waited for; there the read itself waits.
            if sys.platform == "win32" or select.select([self._descriptor], [], [], 0.1)[0]:
                data = os.read(self._descriptor, count)
                # A named pipe without a writer reads as ended until the first one comes.
                if data or self._has_begun or not self._is_fifo:
                    self._has_begun = self._has_begun or bool(data)
                    return data
                time.sleep(SECONDS_BETWEEN_LOOKS)
            if time.monotonic() > until:
                self._timed_out = True
                break
        return b""

    def _open_container(self) -> InputContainer:
        if self._is_fifo:
            self._descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        elif sys.stdin is None:
            raise VideoOpenError("it is closed; pipe a video into it", path=self.address)
        else:
            self._descriptor = os.dup(sys.stdin.fileno())
        self._limit = self.open_timeout_seconds
        try:
            container = av.open(_ReadOnly(self.read), mode="r", metadata_errors="replace")
        except (av.error.FFmpegError, ValueError) as error:
            if self._timed_out:
                raise VideoOpenError(
                    f"no video came within {self._limit:g} s; is anything writing to it?", path=self.address
                ) from error
            if not self._has_begun:
                raise EmptyVideoError("it ended before the first byte", path=self.address) from error
            raise
        self._limit = self.read_timeout_seconds
        return container

    def open(self) -> VideoMetadata:
        """Open the pipe; see the base."""
        metadata = super().open()
        # The writer waits for the reader, so no frame needs to be dropped; who pipes a camera asks for the newest.
        self.is_live = self.is_endless = False
        return metadata

    def close(self) -> None:
        """Close the container and the pipe."""
        super().close()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _not_a_video(self) -> str:
        return (
            "what comes is not a video that can be read from a pipe; send MPEG-TS, Matroska or fragmented MP4"
        )


class _ReadOnly:
    """A file object that can only be read, so that FFmpeg does not try to seek."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.read = read


def without_password(address: str) -> str:
    """An address that may be shown.

    >>> without_password("rtsp://admin:secret@camera.local:554/1")
    'rtsp://admin:***@camera.local:554/1'
    """
    try:
        parts = urlsplit(address)
    except ValueError:  # half of an IPv6 address
        scheme, mark, rest = address.partition("://")
        return f"{scheme}{mark}***@{rest.rpartition('@')[2]}" if "@" in rest else address
    if parts.password is None:
        return address
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:***@{host}"))


def is_named_pipe(path: str) -> bool:
    """Whether a path names a pipe (FIFO) or another stream of bytes that is no regular file."""
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
