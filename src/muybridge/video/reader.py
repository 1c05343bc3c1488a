"""Reading a video: every frame with its time, in order, or just the frames that are asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from muybridge.errors import OptionError, VideoDecodeError
from muybridge.observer import View
from muybridge.values import Clip, Frame, VideoMetadata
from muybridge.video.clock import Clock
from muybridge.video.container import (
    DEFAULT_LIMITS,
    Limits,
    demux,
    open_container,
    reopen_container,
    video_stream,
)
from muybridge.video.decoder import Damage, PictureDecoder
from muybridge.video.entering import OpenDecoder, keyframe_before, pictures_from
from muybridge.video.metadata import probe_with_packets
from muybridge.video.packets import PacketTable
from muybridge.video.picture import FULL, Converter, DecodedPicture, MomentPicture
from muybridge.video.rounding import places_shown, slot_leeway
from muybridge.video.spare import LeftOutPictures, spare_places

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

__all__ = ["Video", "open_video"]


def open_video(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> Video:
    """Open a local video file.

    Args:
        path: the file. URLs are refused here: live and remote sources are streamed.
        limits: the largest picture and the longest video that are accepted.

    Returns:
        A context manager that iterates over `Frame`s: (H, W, 3) uint8 RGB, upright, with their seconds.

    Raises:
        VideoOpenError: missing, a folder, not a video, no video stream, or refused by a limit.
        EmptyVideoError: there is no frame in it.

    >>> import numpy as np
    >>> from muybridge.video.writer import VideoWriter
    >>> path = getfixture("tmp_path") / "gray.mp4"
    >>> with VideoWriter(path, width=64, height=48, frames_per_second=10) as writer:
    ...     for level in range(5):
    ...         writer.write(np.full((48, 64, 3), 50 * level, np.uint8))
    >>> with open_video(path) as video:
    ...     print(video.metadata.width, [round(frame.pts_seconds, 1) for frame in video])
    64 [0.0, 0.1, 0.2, 0.3, 0.4]
    """
    return Video(path, limits=limits)


class Video:
    """An opened video file; make one with `open_video`.

    Each iteration decodes anew with a decoder of its own, so that two may run side by side.

    Args:
        path: the file.
        limits: the largest picture and the longest video that are accepted.
        also: each of these sees the file's packets as they are read, while it asks for more.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        limits: Limits = DEFAULT_LIMITS,
        also: Iterable[Callable[[Packet[VideoStream]], bool]] = (),
    ) -> None:
        self.path = str(path)
        self.limits = limits
        self.metadata: VideoMetadata
        self.packets: PacketTable
        self.metadata, self.packets = probe_with_packets(path, limits=limits, also=also)
        self.damage = Damage(self.path)
        self._is_closed = False
        self._iterators: list[Generator[DecodedPicture, None, None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End running iterations and let go of the file."""
        self._is_closed = True
        for iterator in self._iterators:
            # One that runs in another thread cannot be closed from here; it ends with its current picture.
            with contextlib.suppress(ValueError):
                iterator.close()
        self._iterators.clear()

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def __len__(self) -> int:
        return len(self.packets)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was found to be damaged so far, in words."""
        return tuple(self.damage.messages)

    @cached_property
    def places(self) -> Mapping[int, int]:
        """The place of the first frame whose packet carries that time, in ticks; empty where they must be counted."""
        ticks = self.packets.packet_pts.tolist() if self.packets.is_exact else []
        return {tick: place for place, tick in reversed(list(enumerate(ticks)))}

    @cached_property
    def spare(self) -> frozenset[int]:
        """The places of pictures that need not be decoded to see what happens; see `muybridge.video.spare`."""
        return frozenset(np.flatnonzero(spare_places(self.packets)).tolist())

    @cached_property
    def left_out(self) -> LeftOutPictures | None:
        """The pictures at these places, for who must know after all; None where there are none."""
        return LeftOutPictures(self, np.array(sorted(self.spare))) if self.spare else None

    @cached_property
    def converter(self) -> Converter:
        """Turns this video's pictures into upright pixels."""
        return Converter(self.metadata.rotation_degrees, self.metadata.is_mirrored)

    def frames(self, view: View | None = None) -> Iterator[Frame]:
        """All frames in order of presentation.

        Args:
            view: the size, format and rate that are wanted; None for every frame at full size in RGB.

        Yields:
            Frames with pixels (H, W, 3) uint8, or (H, W) for a gray view.

        Raises:
            VideoDecodeError: not one frame could be decoded, from the first on.

        Warns:
            DamagedVideoWarning: a stretch could not be decoded; the message names its seconds.
        """
        wanted = view or FULL
        pace = Pace(wanted.frames_per_second)
        quick = 2 * wanted.fit(self.metadata.width, self.metadata.height)[0] <= self.metadata.width
        return (
            picture.frame(wanted) for picture in self.pictures(quick=quick) if pace.wants(picture.pts_seconds)
        )

    def pictures(
        self,
        *,
        start_seconds: float | None = None,
        quick: bool = False,
        short_side_px: int | None = None,
        max_threads: int | None = None,
        sparing: bool = False,
    ) -> Iterator[DecodedPicture]:
        """All pictures as decoded, for who wants several sizes of one; see `frames` for the rest.

        Args:
            start_seconds: leave out frames that appear before; decoding begins at the keyframe before it.
            quick: whether pictures between others (B pictures) may keep rough block borders, which is hardly to be seen
                and never at half size: a fifth less work. `frames` does so for views of half size or less.
            short_side_px: pictures this small are enough; codecs that can decode at a fraction of the size do so.
            max_threads: the decoder's own, at most; None for one on each core.
            sparing: leave out pictures that no other is made from, as long as 15 a second remain.
        """
        iterator = self._decode(start_seconds, quick, short_side_px, max_threads, sparing)
        self._iterators.append(iterator)
        return iterator

    def frames_at(
        self,
        *,
        indices: Sequence[int] | None = None,
        seconds: Sequence[float] | None = None,
        size_px: int | tuple[int, int] | None = None,
        resize: Literal["crop", "squash"] = "crop",
    ) -> Clip:
        """Just these frames, exactly, whatever their order; each decoded once.

        Args:
            indices: 0-based places in the order of presentation, or
            seconds: moments; each gives the frame that is shown then.
            size_px: the side of a square result, or its (width, height); None for full size: that in the metadata, also
                of pictures that change their size on the way. Up to half of the full size, block borders may stay
                rough where that is not to be seen.
            resize: `"crop"` keeps the proportions and cuts the middle out, `"squash"` distorts.

        Returns:
            The frames, in the order in which they were asked for.

        Raises:
            OptionError: outside the video, or both or neither of `indices` and `seconds`.
            VideoDecodeError: no frame could be decoded.

        Warns:
            DamagedVideoWarning: a frame was broken and a sound one before it stands in, or where there is none, one
                after it; the clip's times tell which.
        """
        from muybridge.video.seeking import read_clip

        if (indices is None) == (seconds is None):
            raise OptionError("frames_at takes indices or seconds, and one of them only")
        places = self.indices_at(seconds) if seconds is not None else [int(i) for i in indices or ()]
        for place in places:
            if not 0 <= place < len(self.packets):
                raise OptionError(
                    f"frame {place} is asked for; {self.path} has frames 0 to {len(self.packets) - 1}"
                )
        return read_clip(self, places, size_px=size_px, resize=resize)

    def indices_at(self, seconds: Sequence[float]) -> list[int]:
        """The frames that are shown at these moments.

        Raises:
            OptionError: a moment before the first frame or after the last.
        """
        start, end = self.packets.start_seconds, self.packets.end_seconds
        # Half a frame of leeway: a duration that was rounded somewhere else must not be an error here.
        leeway = 0.5 * float(self.packets.duration_seconds.max(initial=0.0)) + 1e-6
        for moment in seconds:
            if not start - leeway <= moment <= end + leeway:
                raise OptionError(
                    f"the frame at {moment} s is asked for; {self.path} shows frames from {start:.3f} s"
                    f" to {end:.3f} s"
                )
        places: list[int] = places_shown(self.packets.pts_seconds, seconds).tolist()
        return places

    def reopen(self) -> InputContainer:
        """The file opened once more, for one more decoder."""
        if self.metadata.codec == "h264":
            depth = self.packets.reorder_depth
            return reopen_container(self.path, limits=self.limits, reorder_depth=depth)
        return open_container(self.path, limits=self.limits)

    def _decode(
        self,
        start_seconds: float | None,
        quick: bool,
        short_side_px: int | None,
        max_threads: int | None,
        sparing: bool,
    ) -> Generator[DecodedPicture, None, None]:
        if self.packets.damage:
            self.damage.report(self.packets.damage)

        def open_decoder(
            stream: VideoStream, damage: Damage, threading: Literal["frame", "slice"]
        ) -> PictureDecoder:
            return PictureDecoder(
                stream,
                damage,
                threading=threading,
                quick=quick,
                short_side_px=short_side_px,
                max_threads=max_threads,
            )

        num_decoded = 0
        key = self._entry(start_seconds)
        for decoded in self._entered(key, open_decoder, self.spare if sparing else frozenset()):
            if self._is_closed:
                return
            num_decoded += 1
            decoded.is_spare, decoded.left_out = decoded.index in self.spare, self.left_out
            if start_seconds is None or decoded.pts_seconds >= start_seconds - 1e-6:
                yield decoded
        if num_decoded == 0 and key > 0:
            # Of what lies before, nothing is known.
            self.damage.report(f"nothing can be decoded from {self.packets.pts_seconds[key]:.2f} s on")
        elif num_decoded == 0:
            raise VideoDecodeError(
                "not one of its frames can be decoded; the file is damaged beyond use", path=self.path
            )

    def _packets(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        """All packets from the start, with `is_corrupt` where the table says that they are lost."""
        lost = set(self.packets.decode_order[self.packets.is_lost].tolist())
        place = 0
        for packet in demux(container, stream):
            packet.is_corrupt = place in lost and not packet.is_discard
            place += packet.size > 0 and not packet.is_discard
            yield packet

    def _entry(self, start_seconds: float | None) -> int:
        """The place of the keyframe from which to decode what is shown from that second on."""
        if start_seconds is None or not self.packets.is_exact:
            return 0
        return keyframe_before(self.packets, self.packets.index_at(start_seconds))

    def _entered(
        self, key: int, open_decoder: OpenDecoder, left_out: frozenset[int]
    ) -> Iterator[DecodedPicture]:
        """The pictures from that keyframe on."""
        place = 0
        if key > 0:
            place = yield from pictures_from(self, key, open_decoder, left_out=left_out)
            if place >= len(self.packets):
                return
        with self.reopen() as container:
            stream = video_stream(container, self.path)
            decoder = open_decoder(stream, self.damage, "frame")
            clock = Clock(self.packets, self.places, float(stream.time_base or 1), self.damage)
            packets = self._packets(container, stream)
            if left_out:
                ticks = {int(self.packets.packet_pts[spare]) for spare in left_out}
                # What an edit list hides may carry the same times, and others may be made from it.
                packets = (packet for packet in packets if packet.is_discard or packet.pts not in ticks)
            is_new = False
            for decoded in clock.in_order(decoder.decode(packets), self.converter):
                # Damage may let pictures come late.
                is_new = is_new or decoded.index >= place
                if is_new:
                    yield decoded


class Pace:
    """Picks frames so that at most so many per second remain, evenly in time.

    The clock is cut into slots of 1 / rate seconds, and the first frame of each slot is taken: the choice depends
    on the times alone, not on where one began to read. A frame just before a slot counts to it, as its time may have
    been rounded: by 0.6 ms or a quarter of a slot, whichever is less (`muybridge.video.rounding`).

    Args:
        frames_per_second: None takes every frame.
        sparing: whether pictures are passed over that need not be decoded, whether they were or not: so one finds the
            same whoever else watches.

    >>> pace = Pace(2.0)
    >>> [seconds for seconds in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0) if pace.wants(seconds)]
    [0.0, 0.6, 1.0]
    """

    def __init__(self, frames_per_second: float | None, *, sparing: bool = False) -> None:
        self.frames_per_second = frames_per_second
        self.sparing = sparing
        self._leeway = 0.0 if frames_per_second is None else slot_leeway(frames_per_second)
        self.last_slot: int | None = None

    @classmethod
    def of(cls, view: View) -> Pace:
        """The pace of a view."""
        return cls(view.frames_per_second, sparing=view.sparing)

    def wants_picture(self, picture: MomentPicture) -> bool:
        """Whether that picture is one of them; to be asked in order."""
        return not (self.sparing and picture.is_spare) and self.wants(picture.pts_seconds)

    def wants(self, pts_seconds: float) -> bool:
        """Whether the frame at that moment is one of them; to be asked in order."""
        if self.frames_per_second is None:
            return True
        slot = int((pts_seconds + self._leeway) * self.frames_per_second // 1)
        if self.last_slot is not None and slot <= self.last_slot:
            return False
        self.last_slot = slot
        return True
