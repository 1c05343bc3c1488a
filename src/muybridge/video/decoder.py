"""Packets → pictures, past damage: everything that can be decoded comes out, nothing that is broken does.

A decoder goes on after an error by inventing what it misses, which looks like a picture and is none. So after an
error, or where bytes of a packet were lost, everything is left out until the next keyframe, and the lost stretch is
reported by its seconds:

    packets   K p p p ! p p K p p
    pictures  K p p p . . . K p p      "could not be decoded from 1.6 s to 2.8 s"
"""

from __future__ import annotations

import contextlib
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import av
import av.error

from muybridge.cores import num_threads
from muybridge.errors import DamagedVideoWarning

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    VideoPacket = Packet[VideoStream]

__all__ = ["Damage", "PictureDecoder"]

# More packets than that without a keyframe are not kept for a second try.
MAX_GROUP = 1000
# So many packets late, at most, does a picture come, or is an error reported: H.264 holds back 16, and so may threads.
MAX_DELAY = 32
# Decoders that can give pictures of a fourth or an eighth of the size for half of the work (FFmpeg's `lowres`), and how
# often they halve at most: where pictures are made from others, an eighth is too coarse to follow their movement.
MAX_HALVINGS = {
    "mjpeg": 3,
    "mpeg1video": 2,
    "mpeg2video": 2,
    "mpeg4": 2,
    "msmpeg4v1": 2,
    "msmpeg4v2": 2,
    "msmpeg4v3": 2,
}
# Decoders that ask before each packet what they may leave out, and do so. libdav1d asks when it is opened only.
SKIPPING_DECODERS = {"h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4"}
# Decoders that go on after an error by themselves, and mark the pictures that they have patched.
CONCEALING_DECODERS = {
    "flv1", "h263", "h264", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "vc1", "wmv1",
    "wmv2", "wmv3",
}  # fmt: skip
DECODE_ERRORS = (av.error.FFmpegError, ValueError, OSError, MemoryError)


class Damage:
    """Collects the stretches of one video that could not be decoded, and warns of each once.

    Args:
        path: for the message.
        warn: whether to warn at once, or only collect.
        heir: is told everything as well, at once.
    """

    def __init__(self, path: str, *, warn: bool = True, heir: Damage | None = None) -> None:
        self.path = path
        self.warn = warn
        self.heir = heir
        # By their kinds.
        self._told: dict[str, str] = {}
        self._since: float | None = None

    def begin(self, seconds: float | None) -> None:
        """Decoding failed at that second."""
        if self._since is None:
            self._since = seconds if seconds is not None else 0.0

    def end(self, seconds: float | None) -> None:
        """Decoding works again at that second; None for the end of the video."""
        if self._since is not None:
            # A keyframe may be shown before pictures that were decoded before it.
            until = f"{max(seconds, self._since):.2f} s" if seconds is not None else "the end"
            self.report(f"could not be decoded from {self._since:.2f} s to {until}")
            self._since = None

    def report(self, message: str, *, kind: str = "") -> None:
        """Warn of something, the first time that it is said; of what has a kind, the first time of that kind."""
        if (kind or message) not in self._told:
            self._told[kind or message] = message
            if self.warn:
                warnings.warn(f"{self.path}: {message}", DamagedVideoWarning, stacklevel=3)
            if self.heir is not None:
                self.heir.report(message, kind=kind)

    @property
    def messages(self) -> list[str]:
        """What was wrong so far."""
        return list(self._told.values())

    @property
    def is_any(self) -> bool:
        """Whether anything has been wrong so far."""
        return bool(self._told) or self._since is not None

    def take(self) -> list[str]:
        """What was wrong so far, and begin anew."""
        messages, self._told, self._since = self.messages, {}, None
        return messages

    def hand_to(self, heir: Damage) -> None:
        """Tell another what was wrong so far and what will be."""
        if self.heir is None:
            self.heir = heir
            for kind, message in self._told.items():
                heir.report(message, kind=kind)


class PictureDecoder:
    """Decodes the packets of one stream.

    Args:
        stream: an opened stream whose decoder has not been used yet.
        damage: where broken stretches are reported.
        threading: `"frame"` is fastest for a long run; `"slice"` for many short ones, since frame threads refill
            at each start.
        quick: whether to leave block borders unsmoothed in pictures between others (B pictures): a seventh to a fifth
            less work, hardly to be seen, and it ends with them, as the pictures after are hardly made from them;
            `"keyframes"` leaves them so in all, for who decodes nothing but keyframes.
        short_side_px: pictures this small are enough: codecs that can decode a fourth or an eighth of the size do so.
        max_threads: of a long run, at most; None for one on each core.
    """

    def __init__(
        self,
        stream: VideoStream,
        damage: Damage,
        *,
        threading: Literal["frame", "slice"] = "frame",
        quick: bool | Literal["keyframes"] = False,
        short_side_px: int | None = None,
        max_threads: int | None = None,
    ) -> None:
        self._context = self._own_context = stream.codec_context
        self._is_threaded = threading == "frame"
        self._context.thread_type = "AUTO" if self._is_threaded else "SLICE"
        most = num_threads() if max_threads is None else min(max_threads, num_threads())
        self._context.thread_count = most if self._is_threaded else 1
        # A broken picture is an error, not something to paint over.
        self._context.options = {**self._context.options, "err_detect": "explode"}
        if quick:
            skipped = "all" if quick == "keyframes" else "bidir"
            self._context.options = {**self._context.options, "skip_loop_filter": skipped}
        if short_side_px is not None and (halvings := halvings_for(self._context, short_side_px)):
            self._context.options = {**self._context.options, "lowres": str(halvings)}
        # The context's own are gone once it is open.
        self._options = dict(self._context.options)
        self._seconds_per_tick = float(stream.time_base or 0)
        self._damage = damage
        self._waits_for_keyframe = False
        # The first packet of this run, and the last sound picture.
        self._first_ticks: int | None = None
        self._last_ticks: int | None = None
        # The packets of this group of pictures and of those before from which pictures may still be to come.
        self._groups: deque[list[VideoPacket]] = deque([[]])

    def decode(self, packets: Iterable[VideoPacket], *, flush: bool = True) -> Iterator[VideoFrame]:
        """The sound pictures of these packets, in order of presentation.

        Args:
            packets: in the order of the file.
            flush: whether the stream ends with them.
        """
        source = iter(packets)
        again: deque[VideoPacket] = deque()
        while True:
            packet = again.popleft() if again else self._next(source)
            if packet is None:
                break
            if packet.size:
                yield from self._decode_packet(packet, again)
        if flush:
            yield from self.drain()
            self._damage.end(None)

    def lead_in(self, packets: Iterable[VideoPacket], *, forgives: bool) -> bool:
        """Decode the run-up to pictures that are wanted, for their sake only: it gives none and reports no damage.

        Args:
            packets: in the order of the file.
            forgives: whether to go on after an error as if it were none, where the pictures that are wanted are made
                from nothing that lies before; else the next keyframe begins anew.

        Returns:
            Whether there was an error.
        """
        source = iter(packets)
        is_broken = errs = False
        # Nothing is made from what lies before.
        needs_none = self._context.codec.intra_only
        self.skip_unreferenced(True)
        while (packet := self._next(source)) is not None:
            is_broken = is_broken and not (packet.is_keyframe and not packet.is_corrupt)
            if is_broken or needs_none:
                continue
            if packet.is_corrupt or not self._runs_through(packet):
                errs = True
                if not forgives:
                    self._restart()
                    is_broken = True
        self.skip_unreferenced(False)
        return errs

    def _runs_through(self, packet: VideoPacket) -> bool:
        try:
            self._context.decode(packet)
        except DECODE_ERRORS:
            return False
        return True

    def drain(self) -> Iterator[VideoFrame]:
        """The pictures that the decoder still holds back; it is ready for another run afterwards."""
        yield from self._held_back()
        self._context = self._own_context
        self._restart()
        self._first_ticks = self._last_ticks = None
        self._waits_for_keyframe = False

    def _held_back(self) -> Iterator[VideoFrame]:
        pictures: list[Any] = []
        try:
            pictures = self._context.decode(None)
        except DECODE_ERRORS:
            yield from self._recover(deque())
        yield from self._sound(pictures)

    def skip_unreferenced(self, skip: bool) -> None:
        """Leave out, from the next packet on, pictures that no other picture is made from, where the decoder can."""
        if self._context.name in SKIPPING_DECODERS:
            self._context.skip_frame = "NONREF" if skip else "DEFAULT"

    def _next(self, source: Iterator[VideoPacket]) -> VideoPacket | None:
        try:
            return next(source, None)
        except (av.error.FFmpegError, OSError) as error:
            self._damage.report(f"the container breaks off ({error.strerror or error})")
            return None

    def _decode_packet(self, packet: VideoPacket, again: deque[VideoPacket]) -> Iterator[VideoFrame]:
        if self._first_ticks is None:
            self._first_ticks = packet.pts
        if packet.is_corrupt:
            # Bytes were lost on the way, whether the decoder can tell or not.
            if not self._waits_for_keyframe:
                yield from self._held_back()
                self._lose()
        elif packet.is_keyframe:
            self._begin_group()
            if self._waits_for_keyframe:
                self._waits_for_keyframe = False
                self._damage.end(packet.pts * self._seconds_per_tick if packet.pts is not None else None)
        if self._waits_for_keyframe:
            return
        if len(self._groups[-1]) < MAX_GROUP:
            self._groups[-1].append(packet)
        try:
            pictures: list[Any] = self._context.decode(packet)
        except DECODE_ERRORS:
            yield from self._recover(again)
            return
        yield from self._sound(pictures)

    def _begin_group(self) -> None:
        most = 0 if self._own_context.codec.intra_only else MAX_DELAY
        while len(self._groups) > 1 and sum(map(len, self._groups)) - len(self._groups[0]) >= most:
            self._groups.popleft()
        self._groups.append([])

    def _sound(self, pictures: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
        for picture in pictures:
            if picture.is_corrupt:
                self._lose()
                return
            self._last_ticks = picture.pts
            yield picture

    def _recover(self, again: deque[VideoPacket]) -> Iterator[VideoFrame]:
        """Decode the latest packets anew, one at a time, up to the broken one; the rest is left in `again`.

        When a threaded decoder fails, sound pictures that were under way are lost with the broken one, and it
        does not say which packet was at fault.
        """
        packets = [packet for group in self._groups for packet in group]
        self._restart()
        careful = self._careful()
        position, is_broken = 0, False
        while position < len(packets) and not is_broken:
            pictures, is_broken = _decode_carefully(careful, packets[position])
            unseen = self._unseen(pictures)
            yield from self._sound(unseen)
            # What follows would be made from it, and be taken for sound.
            is_broken = is_broken or any(picture.is_corrupt for picture in unseen)
            position += 1
        if not is_broken and self._is_spliced(packets):
            # Goes on, up to the end of this run.
            self._context = careful
            self._groups.append(packets)
            return
        if not is_broken:
            yield from self._sound(self._unseen(_decode_carefully(careful, None)[0]))
        self._lose()
        again.extendleft(reversed(packets[position:]))

    def _careful(self) -> Any:
        context = av.CodecContext.create(self._own_context.codec.name, "r")
        context.extradata = self._own_context.extradata
        context.thread_count = 1
        context.options = dict(self._options)
        if self._own_context.codec.canonical_name in CONCEALING_DECODERS:
            # It marks what is broken and goes on: at an error, what comes out beside the broken picture would be lost.
            del context.options["err_detect"]
        return context

    def _is_spliced(self, packets: list[VideoPacket]) -> bool:
        """Whether these went wrong only because an edit list goes on elsewhere, in an open group of pictures.

        Its commands to drop pictures name some that the edit list has left out: in H.264 an error, though nothing is
        wrong. What the list hides from the last keyframe on gives no pictures to look at, so it is decoded as if shown.
        """
        keys = [place for place, packet in enumerate(packets) if packet.is_discard and packet.is_keyframe]
        if not keys or self._last_ticks is None or self._own_context.codec.canonical_name != "h264":
            return False
        hidden = [_shown(packet) for packet in packets[keys[-1] :] if packet.is_discard]
        careful = self._careful()
        decoded = [_decode_carefully(careful, packet) for packet in (*hidden, None)]
        pictures = [picture for some, _ in decoded for picture in some]
        return not any(errs for _, errs in decoded) and not any(picture.is_corrupt for picture in pictures)

    def _unseen(self, pictures: Iterable[VideoFrame]) -> list[VideoFrame]:
        last = self._last_ticks
        return [p for p in pictures if last is None or p.pts is None or p.pts > last]

    def _lose(self) -> None:
        # Since the last sound picture; the packet that failed may lie anywhere in the order of presentation.
        self._waits_for_keyframe = True
        ticks = self._last_ticks if self._last_ticks is not None else self._first_ticks
        self._damage.begin(ticks * self._seconds_per_tick if ticks is not None else None)
        self._restart()

    def _restart(self) -> None:
        # When FFmpeg's HEVC decoder is flushed it keeps pictures that are ready: they would come after what follows.
        for _ in range(self._context.thread_count + 1):
            with contextlib.suppress(*DECODE_ERRORS):
                self._context.decode(None)
                break
        self._context.flush_buffers()
        self._groups.clear()
        self._groups.append([])


def halvings_for(context: VideoCodecContext, short_side_px: int) -> int:
    """How often the decoder may halve the size of its pictures so that this many pixels remain; 0 where it cannot.

    Its transform blocks are then decoded to 2×2 pixels or to one. To 4×4 saves nothing.
    """
    most = MAX_HALVINGS.get(context.codec.canonical_name, 0)
    short_side = min(context.width, context.height)
    return next((n for n in (3, 2) if n <= most and short_side >> n >= short_side_px), 0)


def _shown(packet: VideoPacket) -> Any:
    """The same packet, but not hidden by an edit list."""
    copy = av.Packet(bytes(packet))
    copy.pts, copy.dts, copy.is_keyframe = packet.pts, packet.dts, packet.is_keyframe
    if packet.time_base is not None:
        copy.time_base = packet.time_base
    return copy


def _decode_carefully(context: Any, packet: VideoPacket | None) -> tuple[list[VideoFrame], bool]:
    """The pictures that become ready with a packet, and whether it is broken; then, all others that are left."""
    try:
        return context.decode(packet), False
    except DECODE_ERRORS:
        try:
            left: list[VideoFrame] = context.decode(None)
        except DECODE_ERRORS:
            return [], True
        # Some decoders give the broken one with them.
        return [picture for picture in left if packet is None or picture.pts != packet.pts], True
