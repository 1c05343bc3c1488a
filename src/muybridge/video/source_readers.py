"""Pictures of this machine as sources: each reader opens, gives pictures with the source's own times, and closes.

    CameraReader    a camera
    FolderReader    images that another program writes one after the other
    FileReader      a video file, as if it were live

Those of FFmpeg's streams are in `stream_readers.py`. A reader neither retries nor mends times; `sources.py` does, once
for all of them.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import av.error
import numpy as np

from muybridge.errors import EmptyVideoError, VideoError, VideoOpenError
from muybridge.values import VideoMetadata
from muybridge.video.container import Limits, open_container, video_stream
from muybridge.video.decoder import Damage
from muybridge.video.orientation import Orientation, orientation_of
from muybridge.video.picture import ArrayPicture, Converter, DecodedPicture
from muybridge.video.reader import Video

__all__ = ["CameraReader", "DamageNotes", "FileReader", "FolderReader", "SourceReader"]

IMAGE_ENDINGS = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"))
STRICT_DECODERS = frozenset(("tiff",))
"""They show no half of a file as it is; asked to be strict, FFmpeg's refuses each tag that it does not know."""
SECONDS_BETWEEN_LOOKS = 0.05
LONGEST_WRITE_SECONDS = 1.0
AnyPicture = DecodedPicture | ArrayPicture
SortKey = tuple[tuple[int, int, str], ...]


class SourceReader(Protocol):
    """Opens a source and gives its pictures, whose `pts_seconds` are the source's own."""

    address: str
    """What the source is called in messages, without any password."""
    is_live: bool
    """Whether pictures arrive when they happen; known once it is open."""
    comes_in_bursts: bool
    """Whether pictures of some seconds arrive at once, and must be paced."""
    may_come_back: bool
    """Whether it is worth trying again when it is lost."""
    is_endless: bool
    """Whether an end that nothing announced is a loss too."""
    last_arrival: float
    """`time.monotonic()` when the newest bytes came."""
    damage: DamageNotes
    """What could not be decoded."""

    def open(self) -> VideoMetadata:
        """Open it, within the time limit."""
        ...

    def pictures(self) -> Iterator[AnyPicture]:
        """The pictures as they come, until the source ends; raises a `VideoError` where it breaks off."""
        ...

    def stop(self) -> None:
        """Called from another thread: end soon."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class DamageNotes(Damage):
    """Damage of a source without end: counted and passed on, not collected.

    Args:
        address: for the message.
    """

    def __init__(self, address: str) -> None:
        super().__init__(address, warn=False)
        self.pass_on: Callable[[str], None] = lambda message: None
        self.count = 0

    def report(self, message: str, *, kind: str = "") -> None:
        """Count a stretch that was lost, and tell of it."""
        self.count += 1
        self.pass_on(message)


class CameraReader:
    """A camera of this machine, through OpenCV.

    Args:
        device: its index, or the path of the device.
        read_timeout_seconds: the longest time without a picture.
    """

    is_live = True
    comes_in_bursts = False
    may_come_back = True
    is_endless = True

    def __init__(self, device: int | str, *, read_timeout_seconds: float) -> None:
        self.device = device
        self.address = f"camera {device}"
        self.damage = DamageNotes(self.address)
        self.read_timeout_seconds = read_timeout_seconds
        self.last_arrival = time.monotonic()
        self._capture: Any = None
        self._is_stopped = False

    def open(self) -> VideoMetadata:
        """Open the camera.

        Raises:
            VideoOpenError: there is none, or another program has it.
        """
        import cv2

        level = cv2.utils.logging.setLogLevel(0)  # what is wrong is said by the error
        try:
            self._capture = cv2.VideoCapture(self.device)
        finally:
            cv2.utils.logging.setLogLevel(level)
        if not self._capture.isOpened():
            self.close()
            raise VideoOpenError(
                "no such camera, or another program has it; the first camera is number 0", path=self.address
            )
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        return VideoMetadata(
            path=self.address,
            container="camera",
            codec="rawvideo",
            width=int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height=int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            frames_per_second=rate if 0 < rate < 1000 else None,
        )

    def pictures(self) -> Iterator[ArrayPicture]:
        """Pictures as they come, timed by their arrival.

        Raises:
            VideoError: the camera is gone.
        """
        last = time.monotonic()
        while not self._is_stopped:
            got, pixels = self._capture.read()
            self.last_arrival = time.monotonic()
            if not got:
                if self.last_arrival - last > min(1.0, self.read_timeout_seconds):
                    raise VideoError(
                        "the camera gives no more pictures; was it unplugged?", path=self.address
                    )
                time.sleep(SECONDS_BETWEEN_LOOKS)
                continue
            last = self.last_arrival
            if pixels.ndim == 2:
                pixels = np.repeat(pixels[:, :, None], 3, axis=2)
            yield ArrayPicture(np.ascontiguousarray(pixels[:, :, ::-1]), pts_seconds=self.last_arrival)

    def stop(self) -> None:
        """End with the next picture."""
        self._is_stopped = True

    def close(self) -> None:
        """Give the camera back."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None


class FolderReader:
    """Images that appear in a folder, in the order of their names.

    A name that sorts before the last one read is not looked at any more; numbers count by their value.

    Args:
        path: the folder.
        limits: the largest picture that is accepted.
        frames_per_second: how far apart the images are, unreadable ones too; None takes the moments at which they were
            written.
        idle_seconds: the folder has ended when nothing new appeared for so long.
    """

    comes_in_bursts = False
    may_come_back = False
    is_endless = False

    def __init__(
        self,
        path: str | Path,
        *,
        limits: Limits,
        frames_per_second: float | None,
        idle_seconds: float,
    ) -> None:
        self.address = str(path)
        self.path = Path(path)
        self.limits = limits
        self.frames_per_second = frames_per_second
        self.idle_seconds = idle_seconds
        self._newest_date = float("-inf")
        self._has_told_of_dates = False
        self.is_live = False
        self.last_arrival = time.monotonic()
        self.damage = DamageNotes(self.address)
        self._is_stopped = False

    def open(self) -> VideoMetadata:
        """Wait for the first image.

        Raises:
            EmptyVideoError: none came in time.
        """
        first = self._wait(None)
        if first is None:
            raise EmptyVideoError(
                f"no image came into this folder within {self.idle_seconds:g} s", path=self.address
            )
        return VideoMetadata(path=self.address, container="images", frames_per_second=self.frames_per_second)

    def pictures(self) -> Iterator[DecodedPicture]:
        """The images as they appear, until nothing new came for `idle_seconds`."""
        last: SortKey | None = None
        converters: dict[Orientation, Converter] = {}
        place = -1
        while (found := self._wait(last)) is not None:
            for key, path in found:
                if self._is_stopped:
                    return
                last = key
                place += 1
                self.last_arrival = time.monotonic()
                picture = self._decode(path)
                if picture is None:
                    continue
                if self.frames_per_second is not None:
                    seconds = place / self.frames_per_second
                else:
                    seconds = self._date(path)
                orientation = orientation_of(picture)
                converter = converters.setdefault(orientation, Converter(*orientation))
                yield DecodedPicture(picture, converter, pts_seconds=seconds, duration_seconds=0.0, index=0)

    def _date(self, path: Path) -> float:
        """When an image was written; told once where that cannot be the time at which it was taken."""
        seconds = path.stat().st_mtime_ns / 1e9
        if seconds <= self._newest_date and not self._has_told_of_dates:
            self._has_told_of_dates = True
            self.damage.pass_on(
                f"{path.name} is dated no later than an image before it, and images are timed by their dates: such"
                " images are left out, or their times are wrong; give their rate (--frames-per-second,"
                " frames_per_second)"
            )
        self._newest_date = max(seconds, self._newest_date)
        return seconds

    def _wait(self, last: SortKey | None) -> list[tuple[SortKey, Path]] | None:
        until = time.monotonic() + self.idle_seconds
        while not self._is_stopped:
            found = self._newer(last)
            if found:
                return found
            if time.monotonic() > until:
                return None
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return None

    def _newer(self, last: SortKey | None) -> list[tuple[SortKey, Path]]:
        found = []
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or Path(entry.name).suffix.lower() not in IMAGE_ENDINGS:
                        continue
                    key = _by_number(entry.name)
                    if last is None or key > last:
                        found.append((key, Path(entry.path)))
        except OSError as error:
            raise VideoError(f"the folder cannot be read: {error.strerror}", path=self.address) from error
        return sorted(found)

    def _decode(self, path: Path) -> Any:
        """The picture of an image; tried again for a second, since its writer may not be done."""
        until = time.monotonic() + LONGEST_WRITE_SECONDS
        while True:
            try:
                with open_container(path, limits=self.limits) as container:
                    stream = video_stream(container, str(path))
                    if stream.codec_context.name not in STRICT_DECODERS:
                        # Of half a file, FFmpeg would show the upper half.
                        options = {**stream.codec_context.options, "err_detect": "explode"}
                        stream.codec_context.options = options
                    for picture in container.decode(stream):
                        return picture
                reason = "it holds no picture"
            except (VideoError, av.error.FFmpegError, OSError, ValueError) as error:
                reason = str(error)
            if time.monotonic() > until or self._is_stopped:
                self.damage.report(f"{path.name} cannot be read and is left out: {reason}")
                return None
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def stop(self) -> None:
        """End with the next image."""
        self._is_stopped = True

    def close(self) -> None:
        """Nothing is held open."""


class FileReader:
    """A video file as a source.

    Args:
        path: the file.
        limits: the largest picture and the longest video that are accepted.
    """

    is_live = False
    comes_in_bursts = False
    may_come_back = False
    is_endless = False

    def __init__(self, path: str | Path, *, limits: Limits) -> None:
        self.address = str(path)
        self.damage = DamageNotes(self.address)
        self.limits = limits
        self.last_arrival = time.monotonic()
        self._video: Video | None = None

    def open(self) -> VideoMetadata:
        """Open the file."""
        self._video = Video(self.address, limits=self.limits)
        return self._video.metadata

    def pictures(self) -> Iterator[DecodedPicture]:
        """Its pictures, as `Video.pictures` gives them."""
        assert self._video is not None
        for picture in self._video.pictures():
            self.last_arrival = time.monotonic()
            yield picture

    def stop(self) -> None:
        """End with the next picture."""
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._video is not None:
            self._video.close()


def _by_number(name: str) -> SortKey:
    """A key that sorts frame-9 before frame-10."""
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"(\d+)", name))
