"""What a container says of its video."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av.error

from muybridge.errors import EmptyVideoError, VideoOpenError
from muybridge.values import StreamInfo, VideoMetadata
from muybridge.video.container import (
    DEFAULT_LIMITS,
    Limits,
    average_rate,
    check_limits,
    open_container,
    video_stream,
)
from muybridge.video.orientation import UPRIGHT, Orientation, orientation_of
from muybridge.video.packets import PacketTable, scan_packets

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

__all__ = ["probe", "probe_with_packets"]

# FFmpeg's numbers for AVColorSpace and AVColorRange.
COLOR_SPACES = {0: "rgb", 1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020"}
COLOR_RANGES = {1: "limited", 2: "full"}
MAX_WAITING = 16  # packets: a decoder that needs more for its first picture has no picture to give


def probe(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> VideoMetadata:
    """Tell what a video file holds: reads all packets, decodes one frame.

    Args:
        path: the video.
        limits: the largest picture and the longest video that are accepted.

    Returns:
        The metadata; `read_packets` gives the exact time of every frame.

    Raises:
        VideoOpenError: the file cannot be opened.
        EmptyVideoError: there is no frame in it.
    """
    return probe_with_packets(path, limits=limits)[0]


def probe_with_packets(
    path: str | Path,
    *,
    limits: Limits = DEFAULT_LIMITS,
    also: Iterable[Callable[[Packet[VideoStream]], bool]] = (),
) -> tuple[VideoMetadata, PacketTable]:
    """`probe`, together with the packets that it read; each of `also` sees them while it asks for more."""
    with open_container(path, limits=limits) as container:
        stream = video_stream(container, str(path))
        first = FirstPicture(stream)
        packets = scan_packets(container, stream, also=(first.offer, *also))
        first.finish()
        # Some formats tell their size with the first picture only.
        check_limits(container, str(path), limits)
        if min(stream.codec_context.width, stream.codec_context.height) < 1:
            if stream.codec_context.codec.canonical_name == "webp" and _is_animated(path):
                raise VideoOpenError(
                    "an animated WebP, which FFmpeg cannot read; convert it, for example to GIF or MP4",
                    path=str(path),
                )
            raise VideoOpenError(
                "it does not say how large its pictures are: damaged, or larger than FFmpeg allows",
                path=str(path),
            )
        if len(packets) == 0:
            raise EmptyVideoError("its video stream holds no frame", path=str(path))
        return _metadata(str(path), container, stream, packets, first.orientation), packets


def _is_animated(path: str | Path) -> bool:
    """Whether a WebP file says in its extended header that it holds an animation."""
    with Path(path).open("rb") as file:
        header = file.read(21)
    return header[12:16] == b"VP8X" and len(header) == 21 and bool(header[20] & 2)


class FirstPicture:
    """The first picture: the display matrix reaches PyAV with it, not with the container.

    It is decoded in FFmpeg's thread while the packets after it are read.

    Args:
        stream: whose packets will be offered, in the order of the file.
    """

    def __init__(self, stream: VideoStream) -> None:
        self.orientation = UPRIGHT
        self._context = stream.codec_context
        self._context.thread_type = "FRAME"
        self._context.thread_count = 2
        self._is_begun = self._is_done = False
        self._waiting: list[Packet[VideoStream]] = []
        self._num_shown = 0

    def offer(self, packet: Packet[VideoStream]) -> bool:
        """Begin with the first packet; keep the next few, should it not be enough. Whether more are wanted.

        Packets that an edit list hides give no picture, but the first one that is shown may be made from theirs.
        """
        if packet.size and not (self._is_begun or self._waiting or packet.is_discard):
            self._is_begun = True
            self._decode(packet)
        elif packet.size:
            self._waiting.append(packet)
            self._num_shown += not packet.is_discard
        return self._num_shown < MAX_WAITING

    def finish(self) -> None:
        """All packets have been offered: wait for the picture."""
        if self._is_begun and not self._decode(None):
            self._context.flush_buffers()
        if self._waiting and not self._is_done:
            any(self._decode(packet) for packet in (*self._waiting, None))
        self._waiting.clear()

    def _decode(self, packet: Packet[VideoStream] | None) -> bool:
        """Whether the picture is there."""
        if not self._is_done:
            try:
                pictures: list[Any] = self._context.decode(packet)
            except (av.error.FFmpegError, OSError, ValueError):
                return False
            if pictures:
                self.orientation = orientation_of(pictures[0])
                self._is_done = True
        return self._is_done


def _metadata(
    path: str,
    container: InputContainer,
    stream: VideoStream,
    packets: PacketTable | None,
    orientation: Orientation,
) -> VideoMetadata:
    context = stream.codec_context
    width, height = context.width, context.height
    if orientation.rotation_degrees in (90, 270):
        width, height = height, width
    rate = average_rate(stream)
    frames_per_second = float(rate) if rate else None
    if packets is not None and len(packets) > 1:
        frames_per_second = (len(packets) - 1) / max(
            1e-9, float(packets.pts_seconds[-1] - packets.pts_seconds[0])
        )
    pixel_format = context.format
    return VideoMetadata(
        path=path,
        container=container.format.name,
        codec=context.codec.canonical_name,
        width=width,
        height=height,
        duration_seconds=packets.end_seconds - packets.start_seconds if packets is not None else None,
        start_seconds=packets.start_seconds if packets is not None else 0.0,
        num_frames=len(packets) if packets is not None else None,
        frames_per_second=round(frames_per_second, 6) if frames_per_second else None,
        frame_rate_kind=(
            "unknown" if packets is None else "constant" if packets.is_constant_rate() else "variable"
        ),
        rotation_degrees=orientation.rotation_degrees,
        is_mirrored=orientation.is_mirrored,
        pixel_format=pixel_format.name if pixel_format is not None else "",
        bit_depth=max((c.bits for c in pixel_format.components), default=8)
        if pixel_format is not None
        else 8,
        color_space=COLOR_SPACES.get(int(context.colorspace), "unspecified"),
        color_range=COLOR_RANGES.get(int(context.color_range), "unspecified"),
        stream_index=stream.index,
        streams=tuple(
            StreamInfo(
                s.index,
                s.type,
                s.codec_context.codec.canonical_name if s.codec_context is not None else "unknown",
                s.language,
            )
            for s in container.streams
        ),
    )
