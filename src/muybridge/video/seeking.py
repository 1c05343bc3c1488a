"""Frame-exact random access: just the frames that are asked for, in one pass over the sorted targets.

The packets say which keyframe each target needs, so the whole way is planned before anything is decoded:

    packets   K . . . . . . K . . . . . . K . . . . . .      targets at x
                    x   x                         x
    run 1     K─────►───►                                     decode on inside a group of pictures
    run 2                                 K───────►           seek over what nobody asked for

Within a run, pictures that no other picture is made from are not decoded unless they are targets. Runs do not
depend on each other, so two decoders share them where there are two cores.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, VideoDecodeError
from muybridge.observer import View
from muybridge.values import Clip
from muybridge.video.container import video_stream
from muybridge.video.decoder import Damage, PictureDecoder
from muybridge.video.packets import PacketTable
from muybridge.video.picture import Converter, DecodedPicture
from muybridge.video.reader import Clock, keyframe_before

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

    from muybridge.video.reader import Video

__all__ = ["read_clip", "read_pictures"]

MAX_DECODERS = 4
# Opening a decoder costs about as much as decoding so many frames; seeking, as a few.
FRAMES_PER_DECODER = 24
FRAMES_PER_SEEK = 4
# A keyframe takes about as long as so many others.
FRAMES_PER_KEYFRAME = 4
STAND_IN = "some of the frames that are asked for cannot be decoded; their neighbors stand in"
Resize = Literal["crop", "squash"]


@dataclass(frozen=True, slots=True)
class Run:
    """Decode from one keyframe through these targets; all in places of the packet table."""

    keyframe: int
    targets: tuple[int, ...]

    @property
    def work(self) -> int:
        """What it takes, in frames that are no keyframes."""
        return self.targets[-1] - self.keyframe + FRAMES_PER_KEYFRAME


def plan_runs(packets: PacketTable, targets: Sequence[int]) -> list[Run]:
    """Group sorted targets by the keyframe that each needs; near groups are joined.

    >>> import numpy as np
    >>> table = PacketTable.from_columns(pts=range(100), dts=range(100), size_bytes=[1] * 100,
    ...                                  is_keyframe=np.arange(100) % 20 == 0, seconds_per_tick=1.0)
    >>> plan_runs(table, [3, 5, 47, 61])
    [Run(keyframe=0, targets=(3, 5)), Run(keyframe=40, targets=(47,)), Run(keyframe=60, targets=(61,))]
    """
    runs: list[Run] = []
    for target in targets:
        key = keyframe_before(packets, target)
        if runs and key - runs[-1].targets[-1] <= FRAMES_PER_SEEK:
            runs[-1] = Run(runs[-1].keyframe, (*runs[-1].targets, target))
        else:
            runs.append(Run(key, (target,)))
    return runs


def read_clip(
    video: Video, places: Sequence[int], *, size_px: int | tuple[int, int] | None, resize: Resize
) -> Clip:
    """`Video.frames_at` for places that are known to lie inside the video."""
    if resize not in ("crop", "squash"):
        raise OptionError(f"resize is {resize!r}; it is 'crop' or 'squash'")
    targets = sorted(set(places))
    if not targets:
        raise OptionError("no frame is asked for; give at least one index or second")
    fit = Fit(size_px, resize)
    if video.packets.is_exact:
        found = read_pictures(video, targets, fit.pixels, quick=fit.is_small(video))
    else:
        # Without a time on every packet the targets cannot be recognised by their times: count instead.
        found = _read_counting(video, targets, fit)
    if not found:
        raise VideoDecodeError("none of the frames that are asked for can be decoded", path=video.path)
    return _assemble(video, places, found)


class Fit:
    """How a picture becomes pixels of the size that is asked for."""

    def __init__(self, size_px: int | tuple[int, int] | None, resize: Resize) -> None:
        self.size = (size_px, size_px) if isinstance(size_px, int) else size_px
        self.resize = resize
        if self.size is not None and not min(self.size) > 0:
            raise OptionError(f"size_px is {size_px}; it must be positive, or None for full size")

    def is_small(self, video: Video) -> bool:
        """Whether the result has at most half of the video's size, where rough block borders cannot be seen."""
        if self.size is None:
            return False
        width, height = video.metadata.width, video.metadata.height
        return 2 * self.size[0] <= width and 2 * self.size[1] <= height

    def pixels(self, picture: DecodedPicture) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        if self.size is None:
            return picture.frame(View()).pixels
        width, height = self.size
        if self.resize == "squash":
            return picture.frame_of_size(width, height).pixels
        scale = max(width / picture.size[0], height / picture.size[1])
        scaled = max(width, round(picture.size[0] * scale)), max(height, round(picture.size[1] * scale))
        pixels = picture.frame_of_size(*scaled).pixels
        left, top = (scaled[0] - width) // 2, (scaled[1] - height) // 2
        return pixels[top : top + height, left : left + width]


Quick = bool | Literal["keyframes"]
Taken = TypeVar("Taken")
Found = dict[int, tuple[Taken, float]]
Take = Callable[[DecodedPicture], Taken]


def read_pictures(
    video: Video, targets: Sequence[int], take: Take[Taken], *, quick: Quick = False
) -> Found[Taken]:
    """What `take` makes of these pictures, by their places, with their seconds; each picture decoded once.

    Args:
        video: an opened file whose packets are exact.
        targets: places, sorted, none twice.
        take: is called in the threads of the decoders.
        quick: as for `PictureDecoder`; `"keyframes"` where all targets are some.
    """
    runs = plan_runs(video.packets, targets)
    work = sum(run.work for run in runs)
    num_decoders = max(1, min(os.cpu_count() or 1, MAX_DECODERS, len(runs), work // FRAMES_PER_DECODER))
    # The longest first, each to whoever is free: so all end at about the same time.
    waiting = deque(sorted(runs, key=lambda run: -_num_bytes(video.packets, run)))
    # Each decoder has a damage list of its own: warnings are raised in the caller's thread, in order.
    damages = [Damage(video.path, warn=False) for _ in range(num_decoders)]
    with ThreadPoolExecutor(num_decoders) as pool:
        results = list(pool.map(lambda damage: _follow(video, waiting, take, damage, quick), damages))
    for damage in damages:
        for message in damage.messages:
            video.damage.report(message)
    return {place: value for result in results for place, value in result.items()}


def _num_bytes(packets: PacketTable, run: Run) -> int:
    return int(packets.size_bytes[run.keyframe : run.targets[-1] + 1].sum())


def _follow(
    video: Video, waiting: deque[Run], take: Take[Taken], damage: Damage, quick: Quick
) -> Found[Taken]:
    """Take one run after the other until none is left."""
    found: Found[Taken] = {}
    with video.reopen() as container:
        stream = video_stream(container, video.path)
        decoder = PictureDecoder(stream, damage, threading="slice", quick=quick)
        # swscale's tables are not to be shared between threads.
        converter = Converter(video.metadata.rotation_degrees)
        while True:
            try:
                run = waiting.popleft()
            except IndexError:
                return found
            _follow_run(video, container, stream, decoder, converter, run, take, found, damage)


def _follow_run(
    video: Video,
    container: InputContainer,
    stream: VideoStream,
    decoder: PictureDecoder,
    converter: Converter,
    run: Run,
    take: Take[Taken],
    found: Found[Taken],
    damage: Damage,
) -> None:
    packets = video.packets
    first, last = run.keyframe, run.targets[-1]
    clock = Clock(packets, video.places, float(stream.time_base or 1), damage, first=first)
    packets_of_run = _packets_of_run(container, stream, decoder, packets, run)
    latest: DecodedPicture | None = None
    lost: set[int] = set()
    waiting = deque(run.targets)

    def let_stand_in(target: int) -> None:
        # A broken target: the last picture that was decoded before it stands in, under its own time.
        if latest is not None and target not in found:
            found[target] = (take(latest), latest.pts_seconds)
            lost.add(target)

    for decoded in chain(decoder.decode(packets_of_run, flush=False), decoder.drain()):
        picture = clock.stamp(decoded, converter)
        while waiting and waiting[0] < picture.index:
            let_stand_in(waiting.popleft())
        if picture.index in run.targets:
            found[picture.index] = (take(picture), picture.pts_seconds)
            lost.discard(picture.index)
        latest = picture
    for target in waiting:
        let_stand_in(target)
    damage.end(None if last == len(packets) - 1 else float(packets.pts_seconds[last]))
    if lost:
        damage.report(STAND_IN)


def _packets_of_run(
    container: InputContainer,
    stream: VideoStream,
    decoder: PictureDecoder,
    packets: PacketTable,
    run: Run,
) -> Iterable[Packet[VideoStream]]:
    wanted = {int(packets.packet_pts[target]) for target in run.targets}
    num_left = _num_packets(packets, sorted(wanted), run.keyframe)
    key_pts = int(packets.packet_pts[run.keyframe])
    starts_with_keyframe = bool(packets.is_keyframe[run.keyframe])
    start = min(int(packets.dts[run.keyframe]), key_pts)
    reached = False
    if packets.lead_in_dts is not None and not starts_with_keyframe:
        # The first frames of a trimmed file may be made from a keyframe that its edit list hides.
        start, reached = packets.lead_in_dts, True
    container.seek(start, stream=stream)
    for packet in container.demux(stream):
        if packet.size == 0 or (packet.pts is None and packet.dts is None):
            continue
        # Hidden packets are decoded like others, but give no pictures; their times may be those of other packets.
        ticks = packet.pts if packet.pts is not None else packet.dts
        # Some containers land on an earlier keyframe; what lies before ours is not needed.
        reached = reached or (
            ticks == key_pts and not packet.is_discard and packet.is_keyframe >= starts_with_keyframe
        )
        if not reached and ticks is not None and ticks <= key_pts:
            continue
        is_wanted = ticks in wanted and not packet.is_discard
        decoder.skip_unreferenced(not is_wanted)
        yield packet
        num_left -= is_wanted
        if num_left <= 0:
            break
    decoder.skip_unreferenced(False)


def _num_packets(packets: PacketTable, ticks: list[int], first: int) -> int:
    """How many packets from that place on carry one of these times."""
    starts = np.maximum(np.searchsorted(packets.packet_pts, ticks), first)
    return int((np.searchsorted(packets.packet_pts, ticks, side="right") - starts).sum())


def _read_counting(video: Video, targets: list[int], fit: Fit) -> Found[NDArray[np.uint8]]:
    found: Found[NDArray[np.uint8]] = {}
    wanted = set(targets)
    last: DecodedPicture | None = None
    for place, picture in enumerate(video.pictures()):
        last = picture
        if place in wanted:
            found[place] = (fit.pixels(picture), picture.pts_seconds)
        if place >= targets[-1]:
            return found
    if last is not None:
        stand_in = (fit.pixels(last), last.pts_seconds)
        video.damage.report(STAND_IN)
        found.update({target: stand_in for target in targets if target not in found})
    return found


def _assemble(video: Video, places: Sequence[int], found: Found[NDArray[np.uint8]]) -> Clip:
    known = sorted(found)
    # A run whose keyframe is broken gives nothing at all; its nearest earlier neighbour stands in.
    sources = [
        place if place in found else max((k for k in known if k < place), default=known[0])
        for place in places
    ]
    if sources != list(places):
        video.damage.report(STAND_IN)
    seconds = np.array([found[source][1] for source in sources], np.float64)
    return Clip(
        np.stack([found[source][0] for source in sources]),
        seconds,
        np.array([video.packets.index_at(moment + 1e-6) for moment in seconds], np.int64),
        video.path,
    )
