"""Pictures that need not be decoded to see what happens: no other is made from them, and their neighbors tell.

    packets   K b B b P b B b P b P     b: a B picture that no other picture refers to
    decoded   K   B   P   B   P   P     15 a second remain at least

Encoders put such pictures between others: half of all, with x264's defaults. The others are decoded to the last bit as
they are among them. Some are decoded all the same: the first and the last of the file, and those before a picture that
takes as many bytes as a new scene does. Where one must know after all what such a picture shows, such as whether a line
of text stands in it already, it is decoded by itself (`LeftOutPictures`).
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from muybridge.observer import View
from muybridge.values import Frame
from muybridge.video.rounding import slot_leeway

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

    from muybridge.video.packets import PacketTable
    from muybridge.video.picture import DecodedPicture
    from muybridge.video.reader import Video

__all__ = ["LeftOutPictures", "spare_places"]

LEAST_PER_SECOND = 15.0
"""As often as motion is looked at."""
NEW_SCENE_SHARE = 0.5  # of the last keyframe's bytes
NEW_SCENE_TIMES = 2.5  # the bytes of a usual picture
USUAL_PICTURES = 31
MAX_KEPT = 64
_SLICES = range(1, 6)  # H.264's types of units that hold parts of a picture
_MOMENT = 1e-6


def spare_places(packets: PacketTable) -> NDArray[np.bool_]:
    """Which pictures may be left out, as (N,) bool.

    >>> import numpy as np
    >>> from muybridge.video.packets import PacketTable
    >>> table = PacketTable.from_columns(pts=range(8), dts=range(8), size_bytes=[9, 1, 2, 1, 2, 1, 2, 1],
    ...                                  is_keyframe=np.arange(8) == 0, is_disposable=np.arange(8) % 2 == 1,
    ...                                  seconds_per_tick=1 / 30)
    >>> spare_places(table).astype(int).tolist()
    [0, 1, 0, 1, 0, 1, 0, 0]
    """
    num = len(packets)
    spare = packets.is_disposable.copy()
    if not spare.any() or not packets.is_exact or packets.damage:
        return np.zeros(num, np.bool_)
    spare[[0, -1]] = False
    for place in np.flatnonzero(_is_large(packets)).tolist():
        # Back to the picture that was decoded before it: a new scene may begin anywhere in between.
        before = place - 1
        while before >= 0 and (spare[before] or packets.decode_order[before] > packets.decode_order[place]):
            spare[before] = False
            before -= 1
    # Of the pictures of each fifteenth of a second, one at least remains; the slots are those of `Pace`.
    slots = ((packets.pts_seconds + slot_leeway(LEAST_PER_SECOND)) * LEAST_PER_SECOND // 1).astype(np.int64)
    firsts = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
    spare[firsts[np.logical_and.reduceat(spare, firsts)]] = False
    return np.asarray(spare)


def _is_large(packets: PacketTable) -> NDArray[np.bool_]:
    """Keyframes, and pictures that others are made from with as many bytes as a new scene takes."""
    sizes = packets.size_bytes.astype(np.float64)
    large = packets.is_keyframe.copy()
    others = np.flatnonzero(~packets.is_disposable & ~packets.is_keyframe)
    keys = np.flatnonzero(packets.is_keyframe)
    if not len(others) or not len(keys):
        return np.asarray(large)
    padded = np.pad(
        sizes[others], USUAL_PICTURES // 2, mode="reflect" if len(others) > USUAL_PICTURES else "edge"
    )
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, USUAL_PICTURES), axis=1)
    key_sizes = sizes[keys[np.maximum(0, np.searchsorted(keys, others) - 1)]]
    large[others] = sizes[others] > np.maximum(NEW_SCENE_SHARE * key_sizes, NEW_SCENE_TIMES * usual)
    return np.asarray(large)


def disposability_of(stream: VideoStream) -> Callable[[Packet[VideoStream]], bool]:
    """Says of the packets of a stream whether their pictures are made use of by others; False where it cannot tell."""
    context = stream.codec_context
    if context is None or context.name != "h264":
        return lambda packet: bool(packet.is_disposable)
    extra = context.extradata
    if not extra or len(extra) < 7 or extra[0] != 1:
        return lambda packet: False  # units that are parted by start codes: transport streams and the like
    length_bytes = (extra[4] & 3) + 1

    def tells(packet: Packet[VideoStream]) -> bool:
        data: Any = memoryview(packet)
        return _is_unreferenced(data, length_bytes)

    return tells


def _is_unreferenced(data: memoryview | bytes, length_bytes: int) -> bool:
    """Whether the first slice of an H.264 picture says that no other picture refers to it (`nal_ref_idc` is 0).

    >>> _is_unreferenced(bytes([0, 1, 0x06, 0, 2, 0x01, 0x9E]), 2), _is_unreferenced(bytes([0, 2, 0x41, 0x9A]), 2)
    (True, False)
    """
    place = 0
    while place + length_bytes < len(data):
        header = data[place + length_bytes]
        if header & 31 in _SLICES:
            return header >> 5 & 3 == 0
        place += length_bytes + int.from_bytes(data[place : place + length_bytes], "big")
    return False


class LeftOutPictures:
    """The spare pictures of an opened file, decoded when asked for; implements `muybridge.values.LeftOut`.

    May be asked by several threads. The last few are kept.

    Args:
        video: the file.
        places: of the spare pictures, sorted.
    """

    def __init__(self, video: Video, places: NDArray[np.int64]) -> None:
        self._video = video
        self._places = places.tolist()
        self._seconds: list[float] = video.packets.pts_seconds[places].tolist()
        self._kept: OrderedDict[tuple[int, View], Frame] = OrderedDict()
        self._lock = threading.Lock()
        self.num_decoded = 0

    def seconds(self, after: float, before: float) -> list[float]:
        """When those between the two moments appear."""
        return self._seconds[self._between(after, before)]

    def frames(self, after: float, before: float, view: View) -> list[Frame]:
        """Those between the two moments; one that is broken is missing."""
        from muybridge.video.seeking import read_pictures

        def take(picture: DecodedPicture) -> Frame:
            frame = picture.frame(view)
            return Frame(frame.pixels, frame.pts_seconds, frame.duration_seconds, frame.index)

        between = self._between(after, before)
        places, seconds = self._places[between], self._seconds[between]
        with self._lock:
            new = [place for place in places if (place, view) not in self._kept]
            if new:
                self.num_decoded += len(new)
                for place, (frame, _) in read_pictures(self._video, new, take, quick=True).items():
                    self._kept[place, view] = frame
            found = [self._kept.get((place, view)) for place in places]
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return [
            frame
            for frame, moment in zip(found, seconds, strict=True)
            if frame is not None and abs(frame.pts_seconds - moment) < _MOMENT
        ]

    def _between(self, after: float, before: float) -> slice:
        return slice(
            bisect_right(self._seconds, after + _MOMENT), bisect_left(self._seconds, before - _MOMENT)
        )
