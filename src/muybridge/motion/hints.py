"""Shots from what the encoder saw: most of a file is never decoded.

An encoder with scene-cut detection (x264 and x265 by default) puts a keyframe at each cut, off its regular grid. So
the keyframes are decoded, and nothing else where they explain everything:

    packets    K . . . . . . K . . . . K . . . . . . . . K . . .
    keyframes  A             A         B                 C
               └── alike ────┘└ unlike ┘└──── unlike ────┘
               no cut          cut at B   a run of large packets: a dissolve? → this group is decoded

A group of pictures is decoded

- where its keyframe and the next are neither clearly alike nor clearly unlike,
- where they are unlike and the next keyframe lies on the regular grid: nobody saw a cut there,
- where a packet shortly after the keyframe stands out among the others: a cut too near for a keyframe of its own,
- where a run of packets is large: that is what dissolves, fades and fast movement look like.

Where decoding finds a gradual transition, the video has such transitions, and as many of them leave no trace in the
sizes, the whole of it is scanned. The same goes for a file without hints: a fixed distance of keyframes, keyframes
only, or a single one. (Finding cuts in the compressed domain: Yeo and Liu, 1995; Meng, Juan and Chang, Scene change
detection in an MPEG-compressed video sequence, SPIE 1995.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from muybridge.motion.appearance import ANALYSIS_SIDE_PX, Appearance, describe_planes, dissimilarity
from muybridge.motion.scanning import scan
from muybridge.motion.shots import Boundary
from muybridge.video.early import EarlyKeyframes
from muybridge.video.seeking import read_pictures

if TYPE_CHECKING:
    from muybridge.video.packets import PacketTable
    from muybridge.video.picture import DecodedPicture
    from muybridge.video.reader import Video

__all__ = ["Group", "boundaries_from_hints", "groups_of", "has_hints", "is_doubtful"]

ALIKE = 0.25
UNLIKE = 0.60
DEFAULT_LIMIT = 250
NEAR_FRAMES = 30  # encoders put no keyframe so soon after another
RUN_FRAMES = 8
REGULAR_SHARE = 0.6  # of all groups that are equally long: more of them come by the clock
MAX_DOUBTFUL = 0.3  # of all frames: beyond that, a scan of the whole is as quick
_AFTER_FRAMES = 14  # what the detector wants to see after a cut


@dataclass(frozen=True, slots=True)
class Group:
    """A group of pictures: the places of its keyframe and of the next group's."""

    first: int
    end: int
    is_regular: bool
    """Whether it is as long as the encoder lets one be: the next keyframe is there by the clock."""

    def __len__(self) -> int:
        return self.end - self.first


def groups_of(packets: PacketTable) -> list[Group]:
    """The groups of pictures of a file, in order.

    >>> from muybridge.video.packets import PacketTable
    >>> table = PacketTable.from_columns(pts=range(9), dts=range(9), size_bytes=[1] * 9, seconds_per_tick=1.0,
    ...                                  is_keyframe=[1, 0, 0, 0, 1, 0, 0, 0, 1])
    >>> [(group.first, group.end, group.is_regular) for group in groups_of(table)]
    [(0, 4, True), (4, 8, True), (8, 9, False)]
    """
    keys = np.flatnonzero(packets.is_keyframe).tolist()
    lengths = [b - a for a, b in pairwise(keys)]
    longest = max(lengths, default=0)
    # A longest group is the encoder's limit only where it occurs again, or is the limit of x264 and x265.
    regular = longest if lengths.count(longest) > 1 or longest == DEFAULT_LIMIT else -1
    ends = [*keys[1:], len(packets)]
    return [
        Group(first, end, end - first == regular and end < len(packets))
        for first, end in zip(keys, ends, strict=True)
    ]


def has_hints(packets: PacketTable) -> bool:
    """Whether the keyframes lie where something happens, not only by the clock.

    >>> from muybridge.video.packets import PacketTable
    >>> def table(keys: set[int]) -> PacketTable:
    ...     return PacketTable.from_columns(pts=range(99), dts=range(99), size_bytes=[1] * 99, seconds_per_tick=1.0,
    ...                                     is_keyframe=[place in keys for place in range(99)])
    >>> has_hints(table({0, 31, 44, 80})), has_hints(table(set(range(0, 99, 10)))), has_hints(table(set(range(99))))
    (True, False, False)
    """
    if not packets.is_exact or packets.damage:
        return False
    keys = np.flatnonzero(packets.is_keyframe)
    if len(keys) < 3 or keys[0] != 0 or len(keys) > len(packets) // 4:
        return False
    lengths = np.diff(keys)
    common = int(np.bincount(lengths).max())
    return common <= REGULAR_SHARE * len(lengths)


def is_doubtful(packets: PacketTable, group: Group, next_size: int, unlike: float) -> bool:
    """Whether a group must be decoded to know what happens in it; see the module's text.

    Args:
        packets: of the file.
        group: which one.
        next_size: bytes of the next keyframe.
        unlike: dissimilarity of its keyframe and the next one.
    """
    if unlike < ALIKE:
        return False
    if unlike < UNLIKE or group.is_regular:
        return True
    sizes = packets.size_bytes[group.first + 1 : group.end].astype(np.float64)
    if len(sizes) < 2:
        return False
    key_size = float(packets.size_bytes[group.first])
    # A share of a keyframe is enough: a new picture that is plain, or like the last one, takes few bytes.
    if sizes.max() > 0.2 * min(key_size, next_size) and _stands_out(sizes):
        return True
    if len(sizes) <= RUN_FRAMES:
        return False
    runs = np.convolve(sizes, np.ones(RUN_FRAMES), "valid")
    largest = float(runs.max())
    return largest > 2.5 * float(np.median(runs)) and largest > 0.7 * max(key_size, next_size)


def _stands_out(sizes: NDArray[np.float64]) -> bool:
    """Whether one of the first packets is larger than the group's movement explains.

    In lively pictures, each frame that others are made from is as large as a plain picture's keyframe; but then there
    are many of them. A few others may be as large: further cuts.
    """
    place = int(sizes.argmax())
    others = np.sort(np.delete(sizes, place))
    fourth, most = float(others[-min(4, len(others))]), float(np.percentile(others, 80))
    return bool(place < NEAR_FRAMES and (sizes[place] > 1.7 * fourth or sizes[place] > 4 * most))


def look_irregular(places: Sequence[int]) -> bool:
    """Whether keyframes at these places may be hints, as far as can be said before the whole file is known.

    >>> look_irregular([0, 31, 44]), look_irregular([0, 50, 100]), look_irregular([0, 1, 2])
    (True, False, False)
    """
    if len(places) < 3 or len(places) > places[-1] // 4:
        return False
    lengths = np.diff(places)
    return int(np.bincount(lengths).max()) <= REGULAR_SHARE * len(lengths)


def early_looks(path: str | Path) -> EarlyKeyframes[Appearance]:
    """Describes the keyframes of a file while it is being opened, where they may be hints."""
    return EarlyKeyframes(path, _look, is_worth_it=look_irregular)


def boundaries_from_hints(
    video: Video, early: EarlyKeyframes[Appearance] | None = None
) -> list[Boundary] | None:
    """The shot boundaries of a file whose keyframes tell, or None where the whole must be scanned.

    Args:
        video: an opened file.
        early: what has seen its packets, if anything has.
    """
    packets = video.packets
    if not has_hints(packets):
        return None
    groups = groups_of(packets)
    described = early.taken() if early is not None else {}
    known = {group.first: described.get(int(packets.pts[group.first])) for group in groups}
    left = [place for place, look in known.items() if look is None]
    if left:
        known |= {
            place: look for place, (look, _) in read_pictures(video, left, _look, quick="keyframes").items()
        }
    looks = [look for look in known.values() if look is not None]
    if video.warnings or len(looks) < len(groups):
        return None
    found: list[Boundary] = []
    doubtful: list[Group] = []
    for (group, following), (a, b) in zip(pairwise(groups), pairwise(looks), strict=True):
        unlike = dissimilarity(a, b)
        if is_doubtful(packets, group, int(packets.size_bytes[following.first]), unlike):
            doubtful.append(group)
        elif unlike >= UNLIKE:
            seconds = float(packets.pts_seconds[following.first])
            found.append(Boundary(seconds, "cut", seconds, seconds, unlike))
    doubtful += _last_if_large(packets, groups[-1])
    if sum(len(group) for group in doubtful) > MAX_DOUBTFUL * len(packets):
        return None
    for group in doubtful:
        inside = scan(video, first=group.first, end=group.end + _AFTER_FRAMES + 1, sparing=True)
        if any(boundary.transition != "cut" for boundary in inside):
            return None
        found += inside
    return _without_twins(found)


def _last_if_large(packets: PacketTable, group: Group) -> list[Group]:
    # The last group has no next keyframe to be compared with: only its sizes can speak.
    return [group] if is_doubtful(packets, group, int(packets.size_bytes[group.first]), 1.0) else []


def _look(picture: DecodedPicture) -> Appearance:
    return describe_planes(*picture.sample(ANALYSIS_SIDE_PX))


def _without_twins(found: list[Boundary]) -> list[Boundary]:
    # The cut at a keyframe may be found by both groups that touch it.
    ordered = sorted(found, key=lambda boundary: boundary.seconds)
    return [
        boundary
        for before, boundary in zip([None, *ordered], ordered, strict=False)
        if before is None or boundary.seconds - before.seconds > 1e-6
    ]
