"""Packets of which bytes were lost on the way, such as those of a broadcast in bad weather.

Transport streams count their pieces, and where one is missing FFmpeg marks the packet that is then under way. Cut anew
into pictures, that is the packet before the one with the hole. What follows is made from it:

    packets   K p p p p p K p p          x   a hole, which the decoder may not notice
    hole            x
    marked        !
    lost          ! ! - - K              up to the next keyframe

Where files were put one after the other the counts do not go on, though nothing is missing: there the mark stands two
packets before a keyframe, and is not believed. Where the packet between the two is a keyframe as well, such as in
streams of nothing else, that would be so of any mark; then the clock must go back, too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

    from muybridge.video.packets import _Row

    VideoPacket = Packet[VideoStream]

__all__ = ["believed", "shortfall", "with_losses"]

ALWAYS_SHARE = 0.5
"""Where more packets than that are marked, it is the counting that is wrong."""
FIRST_PACKETS = 8
AnyPacket = TypeVar("AnyPacket", bound="VideoPacket")


def with_losses(packets: Iterable[AnyPacket], *, doubts: bool = False) -> Iterator[AnyPacket]:
    """The same packets, with `is_corrupt` where bytes may be missing, and nowhere else.

    Args:
        packets: as FFmpeg gives them, in the order of the file.
        doubts: whether to believe no mark from where on more than half of the packets have been marked.
    """
    source, ahead = iter(packets), deque[AnyPacket]()
    num_seen = num_marked = 0
    was_marked = False
    while (packet := ahead.popleft() if ahead else next(source, None)) is not None:
        num_seen += 1
        num_marked += packet.is_corrupt
        is_marked = packet.is_corrupt
        if is_marked:
            ahead.extend(islice(source, 2 - len(ahead)))
            is_join = len(ahead) == 2 and _begins_anew(*ahead)
            is_always = doubts and num_seen > FIRST_PACKETS and num_marked > ALWAYS_SHARE * num_seen
            is_marked = not (is_join or is_always)
        packet.is_corrupt = is_marked or was_marked
        was_marked = is_marked
        yield packet


def _begins_anew(last: VideoPacket, first: VideoPacket) -> bool:
    """Whether another file may begin with the second of two packets."""
    if not first.is_keyframe or not last.is_keyframe:
        return first.is_keyframe
    return first.dts is not None and last.dts is not None and first.dts <= last.dts


def believed(is_lost: Sequence[bool]) -> tuple[list[bool], str]:
    """Which packets of a whole file are lost, and in words why that is not believed, where it is not.

    >>> sum(believed([False, True] * 10)[0]), sum(believed([True, True, False] * 10)[0])
    (10, 0)
    """
    if sum(is_lost) <= max(FIRST_PACKETS, ALWAYS_SHARE * len(is_lost)):
        return list(is_lost), ""
    marked = f"{sum(is_lost)} of {len(is_lost)} packets are marked as incomplete"
    return [False] * len(is_lost), f"{marked}; what they give is shown, and may be broken"


def shortfall(rows: Sequence[_Row], num_hidden: int, stream: VideoStream) -> str:
    """Says so where the file holds fewer frames than its header promises.

    Args:
        rows: the packets that are shown, in the order of the file.
        num_hidden: how many more an edit list hides.
        stream: whose header it is.
    """
    num_held = len(rows) + num_hidden
    if stream.frames <= num_held or not rows:
        return ""
    # FFmpeg keeps whole groups of pictures that an edit list hides to itself; the frames that it shows fill the length
    # that it tells, but for one where the list cuts through it.
    durations = [row.duration for row in rows]
    leeway = max(durations) if num_hidden else 0.5 * min(durations)
    length = sum(durations)
    if rows[0].dts is not None and rows[0].dts > 0:
        # A list may begin with a while without any picture, which counts as well.
        length = max(row.duration + (row.pts if row.pts is not None else 0) for row in rows)
    if stream.duration and stream.duration - length < leeway:
        return ""
    return f"the header promises {stream.frames} frames, the file holds {num_held}"
