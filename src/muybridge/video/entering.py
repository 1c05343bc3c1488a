"""Entering a file in its middle: from a keyframe on come the pictures that a run from the start gives there.

Not every keyframe that a container names is enough to begin with:

    open GOP          H.264's commands to drop pictures name some from before: an error, though nothing is wrong
    intra refresh     pictures are renewed stripe by stripe, and the first few from there on are not whole
    program streams   after a seek, FFmpeg gives packets that share their bytes with others the times of their neighbors

Each shows: by an error, by a picture that does not come, by a packet that is not the one in the table. Then the file is
entered anew at an earlier keyframe, and decoded up to the one that is wanted without a look at the pictures. Where
nothing is missed, that costs nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Set
from itertools import count
from typing import TYPE_CHECKING, Literal, TypeAlias

import av.error
import numpy as np

from muybridge.video.clock import Clock
from muybridge.video.container import demux, video_stream
from muybridge.video.decoder import Damage, PictureDecoder
from muybridge.video.packets import PacketTable
from muybridge.video.picture import DecodedPicture

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

    from muybridge.video.reader import Video

    VideoPacket = Packet[VideoStream]

__all__ = ["Entrance", "OpenDecoder", "keyframe_before", "pictures_from", "places_to_enter", "ticks_of"]

OpenDecoder: TypeAlias = "Callable[[VideoStream, Damage, Literal['frame', 'slice']], PictureDecoder]"
LEADS = (16, 300)
"""How many pictures earlier the second and the third try begin: H.264 keeps 16 at most to make others from, and
encoders renew their pictures at least every 250."""


def keyframe_before(packets: PacketTable, index: int) -> int:
    """The last keyframe that is shown at or before that frame; 0 where there is none."""
    while index > 0 and not packets.is_keyframe[index]:
        index -= 1
    return index


def places_to_enter(packets: PacketTable, keyframe: int) -> list[int]:
    """The keyframe, and those from which to try again where that is not enough; each once.

    >>> import numpy as np
    >>> table = PacketTable.from_columns(pts=range(100), dts=range(100), size_bytes=[1] * 100,
    ...                                  is_keyframe=np.arange(100) % 10 == 0, seconds_per_tick=1.0)
    >>> places_to_enter(table, 60), places_to_enter(table, 10), places_to_enter(table, 0)
    ([60, 40, 0], [10, 0], [0])
    """
    earlier = [keyframe_before(packets, max(0, keyframe - lead)) for lead in LEADS]
    return list(dict.fromkeys([keyframe, *earlier]))


class Entrance:
    """One try to enter a file at a keyframe.

    Args:
        video: the file, whose packets are exact.
        container: the same file, opened once more; is sought in.
        stream: of that container.
        keyframe: its place; the packets from it on are wanted.
        start: the place of the keyframe where reading begins: the same, or an earlier one.

    Iterating gives the packets from the keyframe on, as long as they are those of the table; `agrees` tells whether
    they were. Those before it come from `before`, which is to be run through first; `run_up_errs` is to be set where
    they could not all be decoded.
    """

    def __init__(
        self, video: Video, container: InputContainer, stream: VideoStream, *, keyframe: int, start: int
    ) -> None:
        self.agrees = True
        self.run_up_errs = False
        self.keyframe, self.start = keyframe, start
        self._table, self._places = video.packets, video.places
        self._first: VideoPacket | None = None
        table = self._table
        self._first_ticks = int(table.packet_pts[np.argmin(table.decode_order)])
        # The first frames of a trimmed file may be made from a keyframe that its edit list hides.
        lead_in = None if table.is_keyframe[start] else table.lead_in_dts
        self._begins_hidden = lead_in is not None and start == keyframe
        ticks = min(int(table.dts[start]), int(table.packet_pts[start])) if lead_in is None else lead_in
        self._source: Iterator[VideoPacket] = iter(())
        # A damaged file may lead to nowhere.
        with contextlib.suppress(av.error.FFmpegError, OSError):
            container.seek(ticks, stream=stream)
            self._source = self._packets(demux(container, stream))

    def _packets(self, packets: Iterable[VideoPacket]) -> Iterator[VideoPacket]:
        """Those that can be recognized, with `is_corrupt` where the table says that they are lost."""
        table = self._table
        lost = set(
            zip(
                table.packet_pts[table.is_lost].tolist(),
                table.size_bytes[table.is_lost].tolist(),
                strict=True,
            )
        )
        for packet in packets:
            if packet.size and (packet.pts, packet.dts) != (None, None):
                packet.is_corrupt = (ticks_of(packet), packet.size) in lost
                yield packet

    def before(self) -> Iterator[VideoPacket]:
        """The packets up to the keyframe; none where reading begins with it, wherever the container lands."""
        key_ticks = int(self._table.packet_pts[self.keyframe])
        for packet in self._source:
            is_late = self._is_late(packet)
            if self._begins_hidden or is_late or self._is_keyframe(packet, key_ticks):
                self._first, self.agrees = packet, self._begins_hidden or not is_late
                return
            if self.start < self.keyframe:
                yield packet
        self.agrees = False

    def __iter__(self) -> Iterator[VideoPacket]:
        packet = self._first if self.agrees else None
        is_unchecked = self._begins_hidden
        while packet is not None:
            # Hidden packets give no pictures; their times may be those of other packets.
            if not packet.is_discard and not self._is_in_table(packet):
                self.agrees = False
                return
            if is_unchecked and not packet.is_discard:
                is_unchecked = False
                # A later part of the edit list may hide a keyframe whose time is earlier, and the seek have led to it.
                if ticks_of(packet) != self._first_ticks:
                    self.agrees = False
                    return
            yield packet
            packet = next(self._source, None)

    def may_be_mended(self, *, is_damaged: bool, misses: bool) -> bool:
        """Whether an earlier start may give what this one does not.

        An error that comes again after a sound run-up is damage; pictures that do not come may take a longer one.
        """
        may_be_misled = self.start == self.keyframe or (self.run_up_errs and misses)
        return not self.agrees or (may_be_misled if is_damaged else misses)

    def _is_keyframe(self, packet: VideoPacket, key_ticks: int) -> bool:
        is_key = packet.is_keyframe or not self._table.is_keyframe[self.keyframe]
        return is_key and ticks_of(packet) == key_ticks and not packet.is_discard

    def _is_late(self, packet: VideoPacket) -> bool:
        """Whether it is shown after the keyframe. A time that is wrong says nothing of that, but its place does."""
        ticks = ticks_of(packet)
        key_ticks = int(self._table.packet_pts[self.keyframe])
        place = self._places.get(ticks)
        is_after = ticks > key_ticks if place is None else place > self.keyframe and ticks != key_ticks
        return is_after and not packet.is_discard

    def _is_in_table(self, packet: VideoPacket) -> bool:
        ticks = ticks_of(packet)
        place = self._places.get(ticks, len(self._table))
        table = self._table
        while place < len(table) and table.packet_pts[place] == ticks:
            if table.size_bytes[place] == packet.size:
                return True
            place += 1
        return False


def ticks_of(packet: VideoPacket) -> int:
    """When it is shown, or decoded where the container says nothing else."""
    return packet.pts if packet.pts is not None else packet.dts or 0


def pictures_from(
    video: Video,
    keyframe: int,
    open_decoder: OpenDecoder,
    *,
    left_out: Set[int] = frozenset(),
) -> Generator[DecodedPicture, None, int]:
    """All pictures from a keyframe on but those that are left out.

    Args:
        video: the file, whose packets are exact.
        keyframe: its place.
        open_decoder: is called for each try.
        left_out: places of pictures that need not be decoded.

    Returns:
        The place from which on the file can be read from its start only; its length where nothing is left.
    """
    packets, spare_ticks = video.packets, {int(video.packets.packet_pts[place]) for place in left_out}
    starts = places_to_enter(packets, keyframe)
    # A keyframe so far on needs nothing of what lies before the first.
    settled = keyframe + LEADS[0]
    settled += int(np.argmax(np.append(packets.is_keyframe[settled:], True)))
    place, forgives = _next_place(keyframe, left_out), False
    for start in starts:
        # Damage may let pictures come late: within one try, that is no reason to leave them out.
        first = place
        damage = Damage(video.path, heir=video.damage if start == starts[-1] else None, warn=False)
        with video.reopen() as container:
            stream = video_stream(container, video.path)
            # The threads of several pictures would tell of an error in the run-up only after it.
            decoder = open_decoder(stream, damage, "frame" if start == keyframe else "slice")
            entrance = Entrance(video, container, stream, keyframe=keyframe, start=start)
            entrance.run_up_errs = decoder.lead_in(entrance.before(), forgives=forgives)
            clock = Clock(packets, video.places, float(stream.time_base or 1), damage, first=start)
            wanted = (packet for packet in entrance if packet.is_discard or packet.pts not in spare_ticks)
            for decoded in clock.in_order(decoder.decode(wanted), video.converter):
                if decoded.index < first:
                    continue
                misses = decoded.index > place
                if damage.heir is None and entrance.may_be_mended(is_damaged=damage.is_any, misses=misses):
                    break
                if decoded.index >= settled:
                    damage.hand_to(video.damage)
                forgives = forgives or decoded.index == keyframe
                place = max(place, _next_place(decoded.index + 1, left_out))
                yield decoded
            else:
                is_done = damage.heir is not None or not entrance.may_be_mended(
                    is_damaged=damage.is_any, misses=place < len(packets)
                )
                if entrance.agrees and is_done:
                    damage.hand_to(video.damage)
                    return len(packets)
    return place


def _next_place(place: int, left_out: Set[int]) -> int:
    return next(spot for spot in count(place) if spot not in left_out)
