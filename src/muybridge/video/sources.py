"""Live sources: cameras, network streams, pipes, growing folders; one loop for all of them.

    reader ──► clock ──► waiting pictures ──► who watches
      │          times        │                 at its own pace
      │          ascend       └ too many? the named policy: "newest" drops the oldest and counts it,
      │                         "every" makes the source wait
      └ lost? tried again after 0.5, 1, 2, … seconds; the clock goes on meanwhile

A thread reads, so that a slow model does not make a camera's pictures old. What may be opened is named: `rtsp`,
`rtsps`, `http`, `https`; nothing else, and no file on behalf of a playlist from the network. Opening and reading have
time limits, so that a stream that never starts is an error and not a hang.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from muybridge.counts import check_count
from muybridge.errors import OptionError, VideoOpenError
from muybridge.video.container import DEFAULT_LIMITS, Limits
from muybridge.video.live_source import DropPolicy, LivePicture, LiveSource, SourceCounts
from muybridge.video.source_readers import CameraReader, FileReader, FolderReader, SourceReader
from muybridge.video.stream_readers import PipeReader, StreamReader, is_named_pipe, without_password

__all__ = ["LivePicture", "LiveSource", "SourceCounts", "open_source"]


def open_source(
    address: str | int | Path,
    *,
    policy: DropPolicy | None = None,
    max_waiting: int = 8,
    real_time: bool = False,
    frames_per_second: float | None = None,
    open_timeout_seconds: float = 10.0,
    read_timeout_seconds: float = 10.0,
    give_up_seconds: float = 300.0,
    limits: Limits = DEFAULT_LIMITS,
    note: Callable[[str], None] | None = None,
) -> LiveSource:
    """Open a live source.

    Args:
        address: a camera's number (`0`) or device (`/dev/video0`); an address that begins with `rtsp://`, `rtsps://`,
            `http://` or `https://` (HLS playlists too); `"-"` for standard input; a named pipe; a folder into which
            images are written; or a video file.
        policy: when pictures come faster than they are watched: `"newest"` drops the oldest that wait, and counts them;
            `"every"` makes the source wait. None takes `"newest"` for what happens now, `"every"` for recordings.
        max_waiting: how many pictures may wait.
        real_time: give the pictures of a recording at the pace at which they were taken.
        frames_per_second: of a folder of images, and of nothing else; None takes the dates of its files.
        open_timeout_seconds: how long to wait for the start.
        read_timeout_seconds: the longest time without a picture; a folder has ended then, anything else is lost.
        give_up_seconds: how long a lost camera or stream is tried again, with growing waits; 0 for not at all.
        limits: the largest picture that is accepted.
        note: called, from another thread, with one line for each thing that happens to the source.

    Returns:
        A context manager; `pictures()` gives them in order with times that ascend, `counts` says what became of them.

    Raises:
        VideoOpenError: nothing there, nothing came in time, not a video, or a protocol that is not allowed.
        EmptyVideoError: it ended at once.
        OptionError: an option outside what is allowed.

    >>> with open_source(getfixture("sample_video")) as source:
    ...     seconds = [round(picture.pts_seconds, 1) for picture in source.pictures()]
    >>> seconds[:3], source.counts.num_read, source.counts.num_dropped
    ([0.0, 0.1, 0.2], 20, 0)
    """
    _check_options(policy, max_waiting, give_up_seconds, frames_per_second)
    for name, value in (
        ("open_timeout_seconds", open_timeout_seconds),
        ("read_timeout_seconds", read_timeout_seconds),
    ):
        if not 0 < value < float("inf"):
            raise OptionError(f"{name} is {value}; it must be positive seconds")
    reader = _reader_for(
        address,
        limits=limits,
        open_timeout_seconds=open_timeout_seconds,
        read_timeout_seconds=read_timeout_seconds,
        frames_per_second=frames_per_second,
    )
    if frames_per_second is not None and not isinstance(reader, FolderReader):
        raise OptionError(
            f"frames_per_second is {frames_per_second}; it is for a folder of images, and {reader.address} has"
            " times of its own: leave it out"
        )
    return LiveSource(
        reader,
        policy=policy,
        max_waiting=max_waiting,
        real_time=real_time,
        give_up_seconds=give_up_seconds,
        note=note,
    )


def _check_options(
    policy: str | None, max_waiting: int, give_up_seconds: float, frames_per_second: float | None
) -> None:
    if policy not in (None, "newest", "every"):
        raise OptionError(f"policy is {policy!r}; it is 'newest' or 'every'")
    check_count("max_waiting", max_waiting)
    if not give_up_seconds >= 0:
        raise OptionError(f"give_up_seconds is {give_up_seconds}; it must be 0 or more")
    if frames_per_second is not None and not 0 < frames_per_second < float("inf"):
        raise OptionError(f"frames_per_second is {frames_per_second}; it must be positive")


def _reader_for(
    address: str | int | Path,
    *,
    limits: Limits,
    open_timeout_seconds: float,
    read_timeout_seconds: float,
    frames_per_second: float | None,
) -> SourceReader:
    text = str(address)
    timeouts: dict[str, Any] = {
        "limits": limits,
        "open_timeout_seconds": open_timeout_seconds,
        "read_timeout_seconds": read_timeout_seconds,
    }
    if "\0" in text or not text:
        raise VideoOpenError("an address must not be empty nor contain a null character", path=repr(text))
    if text.isdecimal() and not Path(text).exists():
        return CameraReader(int(text), read_timeout_seconds=read_timeout_seconds)
    if "://" in text and not isinstance(address, Path):
        return StreamReader(text, **timeouts)
    if text == "-" or is_named_pipe(text):
        return PipeReader(text, **timeouts)
    path = Path(text)
    if path.is_char_device():
        return CameraReader(text, read_timeout_seconds=read_timeout_seconds)
    if path.is_dir():
        return FolderReader(
            path,
            limits=limits,
            frames_per_second=frames_per_second,
            idle_seconds=read_timeout_seconds,
        )
    if not path.exists():
        raise VideoOpenError(
            "no such file, folder or pipe; a camera is a number, a network stream begins with rtsp:// or http://",
            path=without_password(text),
        )
    return FileReader(path, limits=limits)
