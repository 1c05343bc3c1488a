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
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, VideoDecodeError
from muybridge.observer import MAX_ASPECT, View
from muybridge.values import Clip
from muybridge.video.clock import Clock
from muybridge.video.container import video_stream
from muybridge.video.decoder import Damage, PictureDecoder
from muybridge.video.entering import Entrance, keyframe_before, places_to_enter, ticks_of
from muybridge.video.packets import PacketTable
from muybridge.video.picture import Converter, DecodedPicture
from muybridge.video.rounding import places_shown

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
# After so many runs in a row that do not get where the table says, the file is taken for one where no seek does.
MAX_LOST_RUNS = 2
# So many groups of pictures are looked through for a picture that can stand in.
MAX_GROUPS_BACK = 8
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
    fit = Fit(size_px, resize, (video.metadata.width, video.metadata.height))
    if video.packets.is_exact:
        found = read_pictures(video, targets, fit.pixels, quick=fit.is_small(video))
    else:
        # Without a time on every packet the targets cannot be recognised by their times: count instead.
        found = _read_through(video, targets, fit.pixels)
    found.update(_earlier(video, targets[0], fit.pixels) if targets[0] not in found else {})
    if not found:
        raise VideoDecodeError("none of the frames that are asked for can be decoded", path=video.path)
    return _assemble(video, places, found)


def _earlier(video: Video, target: int, take: Take[Taken]) -> Found[Taken]:
    """The last sound picture before a target whose whole group of pictures is broken; nothing where there is none."""
    found: Found[Taken] = {}
    place = target
    for _ in range(MAX_GROUPS_BACK):
        place = keyframe_before(video.packets, place) - 1
        if found or place < 0 or not video.packets.is_exact:
            break
        found = read_pictures(video, [place], take)
    return found


class Fit:
    """How a picture becomes pixels of the size that is asked for.

    Args:
        size_px: as for `Video.frames_at`.
        resize: as for `Video.frames_at`.
        full_size: (width, height) of the video, which None stands for: its pictures may change their size on the way,
            but those of a clip have one.
    """

    def __init__(
        self, size_px: int | tuple[int, int] | None, resize: Resize, full_size: tuple[int, int]
    ) -> None:
        wanted = full_size if size_px is None else size_px
        self.size = (wanted, wanted) if isinstance(wanted, int) else wanted
        self.resize = resize
        if not min(self.size) > 0:
            raise OptionError(f"size_px is {size_px}; it must be positive, or None for full size")

    def is_small(self, video: Video) -> bool:
        """Whether the result has at most half of the video's size, where rough block borders cannot be seen."""
        width, height = video.metadata.width, video.metadata.height
        return 2 * self.size[0] <= width and 2 * self.size[1] <= height

    def pixels(self, picture: DecodedPicture) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        width, height = self.size
        if self.resize == "squash":
            return picture.frame_of_size(width, height).pixels
        across, down = width / picture.size[0], height / picture.size[1]
        scale = max(across, down)
        if scale > max(1, MAX_ASPECT * min(across, down)):
            # Of a strip nearly all would be enlarged for nothing: its middle is cut out first.
            import cv2

            part = max(1, round(width / scale)), max(1, round(height / scale))
            pixels = _middle(picture.frame(View()).pixels, *part)
            return np.asarray(cv2.resize(pixels, self.size, interpolation=cv2.INTER_LINEAR), np.uint8)
        scaled = max(width, round(picture.size[0] * scale)), max(height, round(picture.size[1] * scale))
        return _middle(picture.frame_of_size(*scaled).pixels, width, height)


def _middle(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    left, top = (pixels.shape[1] - width) // 2, (pixels.shape[0] - height) // 2
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
    with ThreadPoolExecutor(num_decoders) as pool:
        lost = LostRuns()
        followers = list(pool.map(lambda _: _follow(video, waiting, take, quick, lost), range(num_decoders)))
    # Warnings are raised in the caller's thread, in order.
    for follower in followers:
        for message in follower.messages:
            video.damage.report(message)
    found = {place: value for follower in followers for place, value in follower.found.items()}
    unreached = sorted(place for follower in followers for place in follower.unreached)
    return {**found, **_read_through(video, unreached, take, quick=bool(quick))} if unreached else found


def _num_bytes(packets: PacketTable, run: Run) -> int:
    return int(packets.size_bytes[run.keyframe : run.targets[-1] + 1].sum())


@dataclass(slots=True)
class LostRuns:
    """How many runs in a row did not get where the table says, of all decoders together."""

    number: int = 0


def _follow(
    video: Video, waiting: deque[Run], take: Take[Taken], quick: Quick, lost: LostRuns
) -> _Follower[Taken]:
    """Take one run after the other until none is left."""
    with video.reopen() as container:
        follower = _Follower(video, container, take, quick, lost)
        while True:
            try:
                run = waiting.popleft()
            except IndexError:
                return follower
            follower.follow(run)


class _Follower(Generic[Taken]):
    """One decoder on its way through runs.

    Args:
        video: whose packets are exact.
        container: the same file, for this decoder alone.
        take: as for `read_pictures`.
        quick: as for `read_pictures`.
        lost: shared with the other decoders.

    Gathers what is `found`, the `messages` of what is damaged, and the targets that are `unreached`: only a run from
    the start of the file finds them.
    """

    def __init__(
        self, video: Video, container: InputContainer, take: Take[Taken], quick: Quick, lost: LostRuns
    ) -> None:
        self.found: Found[Taken] = {}
        self.messages: list[str] = []
        self.unreached: list[int] = []
        self._video, self._container, self._take, self._lost = video, container, take, lost
        self._stream = video_stream(container, video.path)
        self._damage = Damage(video.path, warn=False)
        self._decoder = PictureDecoder(self._stream, self._damage, threading="slice", quick=quick)
        # swscale's tables are not to be shared between threads.
        self._converter = Converter(video.metadata.rotation_degrees, video.metadata.is_mirrored)

    def follow(self, run: Run) -> None:
        """Decode a run; where it misses something, anew from earlier keyframes."""
        if self._lost.number >= MAX_LOST_RUNS:
            self.unreached += run.targets
            return
        stand_ins: Found[Taken] = {}
        messages: list[str] = []
        missing: list[int] = []
        forgives = False
        for start in places_to_enter(self._video.packets, run.keyframe):
            entrance = Entrance(
                self._video, self._container, self._stream, keyframe=run.keyframe, start=start
            )
            entrance.run_up_errs = self._decoder.lead_in(entrance.before(), forgives=forgives)
            collected = _collect(self._pictures(run, entrance), run.targets, self._take)
            messages = self._damage.take()
            if entrance.agrees:
                self.found.update(collected.exact)
                stand_ins.update(collected.stand_ins)
            missing = [target for target in run.targets if target not in self.found]
            if not entrance.may_be_mended(is_damaged=bool(messages), misses=bool(missing)):
                break
            # What is made from it alone comes out right whatever is wrong before it.
            forgives = forgives or collected.first == run.keyframe
        if not entrance.agrees:
            self._lost.number += 1
            self.unreached += missing
            return
        self._lost.number = 0
        stand_ins = {target: stand_ins[target] for target in missing if target in stand_ins}
        self.found.update(stand_ins)
        self.messages += [*messages, *([STAND_IN] if stand_ins else [])]

    def _pictures(self, run: Run, entrance: Entrance) -> Iterator[DecodedPicture]:
        packets, last = self._video.packets, run.targets[-1]
        seconds_per_tick = float(self._stream.time_base or 1)
        clock = Clock(packets, self._video.places, seconds_per_tick, self._damage, first=entrance.start)
        decoded = self._decoder.decode(self._packets(run, entrance), flush=False)
        for frame in chain(decoded, self._decoder.drain()):
            picture = clock.stamp(frame, self._converter)
            if picture.index >= run.keyframe:
                yield picture
        self._damage.end(None if last == len(packets) - 1 else float(packets.pts_seconds[last]))

    def _packets(self, run: Run, entrance: Entrance) -> Iterator[Packet[VideoStream]]:
        packets = self._video.packets
        wanted = {int(packets.packet_pts[target]) for target in run.targets}
        firsts = (max(run.keyframe, self._video.places[ticks]) for ticks in wanted)
        num_left = sum(_num_alike(packets, first) for first in firsts)
        for packet in entrance:
            is_wanted = ticks_of(packet) in wanted and not packet.is_discard
            self._decoder.skip_unreferenced(not is_wanted)
            yield packet
            num_left -= is_wanted
            if num_left <= 0:
                break
        self._decoder.skip_unreferenced(False)


def _num_alike(packets: PacketTable, place: int) -> int:
    """How many packets from that place on carry its time."""
    end = place + 1
    while end < len(packets) and packets.packet_pts[end] == packets.packet_pts[place]:
        end += 1
    return end - place


def _read_through(
    video: Video, targets: Sequence[int], take: Take[Taken], *, quick: bool = False
) -> Found[Taken]:
    """What is found by decoding everything up to the last of the targets."""

    def up_to_the_last() -> Iterator[DecodedPicture]:
        for picture in video.pictures(quick=quick):
            yield picture
            if picture.index >= targets[-1]:
                return

    collected = _collect(up_to_the_last(), targets, take)
    if collected.stand_ins:
        video.damage.report(STAND_IN)
    return {**collected.exact, **collected.stand_ins}


class _Collected(NamedTuple, Generic[Taken]):
    """What was taken of the pictures that are wanted, and of the last one before each that is missing."""

    exact: Found[Taken]
    stand_ins: Found[Taken]
    first: int | None


def _collect(
    pictures: Iterable[DecodedPicture], targets: Sequence[int], take: Take[Taken]
) -> _Collected[Taken]:
    exact: Found[Taken] = {}
    stand_ins: Found[Taken] = {}
    first: int | None = None
    latest: DecodedPicture | None = None
    waiting = deque(targets)

    def let_stand_in(target: int) -> None:
        # A broken target: the last picture that was decoded before it stands in.
        if latest is not None and target not in exact:
            stand_ins[target] = (take(latest), latest.pts_seconds)

    for picture in pictures:
        first = picture.index if first is None else first
        while waiting and waiting[0] < picture.index:
            let_stand_in(waiting.popleft())
        if picture.index in targets:
            exact[picture.index] = (take(picture), picture.pts_seconds)
            stand_ins.pop(picture.index, None)
        latest = picture
    for target in waiting:
        let_stand_in(target)
    return _Collected(exact, stand_ins, first)


def _assemble(video: Video, places: Sequence[int], found: Found[NDArray[np.uint8]]) -> Clip:
    known = sorted(found)
    # A run whose keyframe is broken gives nothing at all; its nearest earlier neighbor stands in, or else the next.
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
        places_shown(video.packets.pts_seconds, seconds),
        video.path,
    )
