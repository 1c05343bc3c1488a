"""The moment and the place of each decoded picture, by what the container says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from muybridge.video.decoder import Damage
from muybridge.video.packets import PacketTable
from muybridge.video.picture import Converter, DecodedPicture

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

__all__ = ["Clock"]


class Clock:
    """Gives each decoded picture its seconds, its length and its place.

    Args:
        packets: what the container said; supplies lengths.
        places: `Video.places`.
        seconds_per_tick: the stream's clock.
        damage: where times that run backwards are reported.
        first: the place from which on pictures are decoded.
    """

    def __init__(
        self,
        packets: PacketTable,
        places: Mapping[int, int],
        seconds_per_tick: float,
        damage: Damage,
        *,
        first: int = 0,
    ) -> None:
        self._packets = packets
        self._seconds_per_tick = seconds_per_tick
        self._damage = damage
        self._places = places
        self._last_place = first - 1
        self._last_seconds: float | None = None

    def in_order(self, pictures: Iterable[VideoFrame], converter: Converter) -> Iterator[DecodedPicture]:
        """The pictures with their moments, in order; what comes too late is left out, which is reported once.

        Where a picture seems to be missing, the next one waits until another has come: where edit lists overlap, or one
        is lost, two neighbors may come the wrong way round.
        """
        last: int | None = None
        waiting: list[DecodedPicture] = []
        for picture in pictures:
            decoded, is_known = self._stamp(picture, converter)
            if not is_known:
                last = decoded.index
                yield from (*waiting, decoded)
                waiting = []
                continue
            waiting = sorted((*waiting, decoded), key=lambda some: some.index)
            while waiting and (len(waiting) > 1 or last is None or waiting[0].index <= last + 1):
                first = waiting.pop(0)
                if last is not None and first.index <= last:
                    moment = f"the first at {first.pts_seconds:.2f} s"
                    self._damage.report(
                        f"pictures that come after later ones are left out, {moment}", kind="late"
                    )
                    continue
                last = first.index
                yield first
        yield from waiting

    def stamp(self, picture: VideoFrame, converter: Converter) -> DecodedPicture:
        """The picture with its moment, whenever it comes."""
        return self._stamp(picture, converter)[0]

    def _stamp(self, picture: VideoFrame, converter: Converter) -> tuple[DecodedPicture, bool]:
        place, is_known = self._place_of(picture.pts)
        length = float(self._packets.duration_seconds[place]) if len(self._packets) else 0.0
        if self._packets.is_exact and picture.pts is not None and not is_known:
            seconds = picture.pts * self._seconds_per_tick
        else:
            seconds = float(self._packets.pts_seconds[place])
        if not is_known and self._last_seconds is not None and seconds <= self._last_seconds:
            self._damage.report(
                f"its timestamps run backwards at {self._last_seconds:.2f} s", kind="backwards"
            )
            # A length may be that of a gap; but where pictures are counted, this one comes after the last of the table.
            seconds = self._last_seconds + max(0.0 if self._packets.is_exact else length, 1e-3)
        self._last_seconds = max(seconds, seconds if self._last_seconds is None else self._last_seconds)
        self._last_place = max(place, self._last_place)
        stamped = DecodedPicture(
            picture, converter, pts_seconds=seconds, duration_seconds=length, index=place
        )
        return stamped, is_known

    def _place_of(self, pts: int | None) -> tuple[int, bool]:
        """The picture's place, and whether it is recognized by its time."""
        place = self._places.get(pts) if pts is not None else None
        if place is None:
            return max(0, min(self._last_place + 1, len(self._packets) - 1)), False
        # Of pictures that carry the same time, each takes the next place.
        ticks = self._packets.packet_pts
        while place <= self._last_place and place + 1 < len(ticks) and ticks[place + 1] == pts:
            place += 1
        return place, True
