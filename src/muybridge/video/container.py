"""Opening a container: the only door through which files come in.

A path is hostile until checked: it must name a regular local file, unless a URL is asked for by name; a header
that promises too many pixels or too many hours is refused before any picture is allocated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error
import av.logging
from av.video.stream import VideoStream

from muybridge.errors import EmptyVideoError, OptionError, VideoOpenError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet

__all__ = ["DEFAULT_LIMITS", "Limits", "demux", "open_container", "reopen_container", "video_stream"]

# What is wrong reaches the user as errors and warnings; FFmpeg's own lines on stderr would only repeat it. None, not
# a high level: with a level PyAV takes Python's lock in the decoder's threads for each message, and whoever closes
# a decoder holds that lock and waits for those threads, for ever.
av.logging.set_level(None)

NETWORK_TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a video may be before it is refused.

    Args:
        max_pixels: width × height of one picture; the default is four times 8K.
        max_duration_seconds: the length; the default is two days.

    Raises:
        OptionError: a limit that is not positive.

    >>> Limits(max_pixels=1920 * 1080).max_pixels
    2073600
    """

    max_pixels: int = 4 * 7680 * 4320
    max_duration_seconds: float = 48 * 3600.0

    def __post_init__(self) -> None:
        for name in ("max_pixels", "max_duration_seconds"):
            if not getattr(self, name) > 0:
                raise OptionError(f"Limits.{name} is {getattr(self, name)}; it must be positive")


DEFAULT_LIMITS = Limits()


def open_container(
    path: str | Path,
    *,
    limits: Limits = DEFAULT_LIMITS,
    allow_url: bool = False,
    decodes_beginning: bool = True,
) -> InputContainer:
    """Open a local file, or with `allow_url` a network source, and check it against the limits.

    Args:
        path: the file; a URL such as `"rtsp://…"` only where `allow_url` is true.
        limits: the largest picture and the longest video that are accepted.
        allow_url: whether the network may be used.
        decodes_beginning: whether FFmpeg may decode the first pictures to learn what the headers do not tell.

    Raises:
        VideoOpenError: missing, a folder, empty, not a video, refused by a limit, or a URL without leave.
        EmptyVideoError: the file has no byte.
    """
    text = str(path)
    if "\0" in text:
        raise VideoOpenError("a path must not contain a null character", path=text.replace("\0", "\\0"))
    if "://" in text and not isinstance(path, Path):
        if not allow_url:
            raise VideoOpenError(
                "this is a URL, and only local files are opened; watch it with `muybridge stream`, or download it",
                path=text,
            )
        address, options = text, {}
    else:
        address = f"file:{_checked_file(text)}"
        # A playlist inside a local file must not reach out to the network.
        options = {"protocol_whitelist": "file"}
    if not decodes_beginning:
        options["skip_frame"] = "all"
    try:
        container = av.open(
            address,
            mode="r",
            options=options,
            metadata_errors="replace",
            timeout=NETWORK_TIMEOUT_SECONDS if allow_url else None,
        )
    except av.error.FFmpegError as error:
        raise VideoOpenError(_reason(error), path=text) from error
    except (ValueError, OSError, MemoryError, OverflowError) as error:
        raise VideoOpenError(f"cannot be opened: {error}", path=text) from error
    try:
        check_limits(container, text, limits)
    except BaseException:
        container.close()
        raise
    return container


def reopen_container(
    path: str | Path, *, limits: Limits = DEFAULT_LIMITS, reorder_depth: int
) -> InputContainer:
    """Open an H.264 file once more, in a tenth of the time: what was learned from its first pictures is known.

    Args:
        path: the file.
        limits: as at first.
        reorder_depth: how many pictures its decoder holds back to put them in order (`PacketTable.reorder_depth`).

    Raises:
        VideoOpenError: as `open_container`.
    """
    container = open_container(path, limits=limits, decodes_beginning=False)
    if video_stream(container, str(path)).codec_context.reorder_depth == reorder_depth:
        return container
    # Its headers do not tell; without knowing, the decoder would give the first pictures out of order.
    container.close()
    return open_container(path, limits=limits)


def video_stream(container: InputContainer, path: str) -> VideoStream:
    """The stream that players show: the best one that is not a cover image.

    Raises:
        VideoOpenError: there is none, or no decoder for it.
    """
    stream = container.streams.best("video")
    covers = [s for s in container.streams.video if s.disposition & av.stream.Disposition.attached_pic]
    if stream is None or stream in covers:
        kinds: list[str] = sorted({s.type for s in container.streams if s not in covers})
        kinds += ["a cover image"] * bool(covers)
        listed = " and ".join(filter(None, [", ".join(kinds[:-1]), *kinds[-1:]])) or "nothing"
        raise VideoOpenError(f"holds no video stream, only: {listed}", path=path)
    if not isinstance(stream, VideoStream) or stream.codec_context is None:
        raise VideoOpenError(
            "its codec is unknown to FFmpeg; convert the file, for example to H.264", path=path
        )
    return stream


def _checked_file(text: str) -> Path:
    file = Path(text)
    try:
        if not file.exists():
            raise VideoOpenError("no such file", path=text)
        if file.is_dir():
            raise VideoOpenError("this is a folder; name a video file in it", path=text)
        if not file.is_file():
            raise VideoOpenError("not a regular file; read live sources with `muybridge stream`", path=text)
        if file.stat().st_size == 0:
            raise EmptyVideoError("the file is empty (0 bytes)", path=text)
        with file.open("rb"):
            pass
        return file.resolve()
    except OSError as error:
        raise VideoOpenError(f"cannot be read: {error.strerror or error}", path=text) from error


def check_limits(container: InputContainer, path: str, limits: Limits) -> None:
    """Refuse a container whose pictures are too large or too many.

    Raises:
        VideoOpenError: which limit, and how to raise it.
    """
    for stream in container.streams.video:
        context = stream.codec_context
        pixels = (context.width * context.height) if context is not None else 0
        if pixels > limits.max_pixels:
            raise VideoOpenError(
                f"its pictures are {context.width}×{context.height}, more than the limit of {limits.max_pixels}"
                " pixels; raise Limits.max_pixels if you trust the file",
                path=path,
            )
        if context is not None and not context.is_open:
            # The decoder itself refuses a picture that grows past the limit in the middle of the stream.
            context.options = {**context.options, "max_pixels": str(limits.max_pixels)}
    seconds = (container.duration or 0) / av.time_base
    if seconds > limits.max_duration_seconds:
        raise VideoOpenError(
            f"it says that it lasts {seconds / 3600:.1f} h, more than the limit of"
            f" {limits.max_duration_seconds / 3600:.1f} h; raise Limits.max_duration_seconds if you trust it",
            path=path,
        )


def demux(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """The packets of one stream, in the order of the file.

    Where another stream begins in the middle of the file, be it by damage, PyAV fails at each of its packets: it knows
    those only that were there when the file was opened.
    """
    while True:
        try:
            yield from container.demux(stream)
            return
        except IndexError:
            continue


def _reason(error: av.error.FFmpegError) -> str:
    if isinstance(error, av.error.InvalidDataError):
        return "not a video that FFmpeg can read, or damaged from its first bytes on"
    return f"cannot be opened: {error.strerror or error}"


def average_rate(stream: VideoStream) -> Fraction | None:
    """The stream's average frame rate, or None where the container gives none that makes sense."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate is not None and rate > 0 and math.isfinite(rate):
            return Fraction(rate)
    return None
