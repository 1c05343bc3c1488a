"""At which shift in time two videos run alike: their fingerprints, laid on one clock and slid past each other.

    looks   a           b     c                    when a picture appeared
    slots   | a | a | a | b | c | c | c | c |      what is shown, at a regular pace

A picture stays until the next one appears. With a slot for each tenth of a second, a video of two frames a second, one
of 25, and one whose rate changes are compared at the same moments. Which shift is best is told by the slots in which
both show a new picture: one that has stayed for a while is late.

Fingerprints of a still camera are alike at every shift, and so are those of another take. There, what moves has to move
alike; see `muybridge.analysis.movement`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from muybridge.analysis.descriptors import VideoDescriptor
from muybridge.analysis.movement import Scenes, Windows, find_movement

__all__ = ["FingerprintMatch", "find_match", "match_fingerprints"]

_FAR_BITS = 16
"""Of 64: fingerprints of two pictures differ in about 32, and beyond half of that it does not matter how much."""
_NEARER_BITS, _NEARER_SHARE = 6, 0.4
"""So far below what is usual at other shifts, or at so small a share of it, two looks show one moment."""
_STILL_BITS = 7.9
"""Where looks at other shifts usually differ in no more, the camera stands still, and so does most of the picture."""
_SAME_STILL_BITS = 4.0
"""Compression alone makes as much."""
_NOTHING_MOVES_BITS = 2.0
"""Where looks at other shifts usually differ in no more, no shift stands out."""
_HALF = 0.5
_OF_PLACE_BITS = 16
"""From what a recording mostly shows: beyond, it is another scene, such as a title."""
_LEAST_OVERLAP = 0.25
_STANDS_SECONDS = 1.0
"""So long a picture stands for what happens until the next, as in a copy of few frames a second; then it is still."""
_MOST_SLOTS = 20_000
"""Beyond these, no more than twice the looks: a day of one picture a minute would have nearly a million."""


@dataclass(frozen=True, slots=True)
class _Limits:
    """What the correlation of two recordings' changes says, from so much movement on.

    Args:
        same: from here on, they are one recording.
        other: below, they are not; between the two it cannot be told.
        least_strength: of the movement in both.
    """

    same: float
    other: float
    least_strength: float


_BY_PICTURES = _Limits(same=0.95, other=0.7, least_strength=0.02)
"""Takes of one gesture by one person reach 0.94, other people 0.73; copies that were compressed anew, 0.95 to 1."""
_BY_EVERY_PICTURE = _Limits(same=0.96, other=0.7, least_strength=0.02)
"""Of every frame: the same takes reach 0.953, and the copies are as before, now wherever they begin."""
_BY_FINGERPRINTS = _Limits(same=0.9, other=-1.0, least_strength=0.09)
"""The same takes reach 0.84, and copies that were compressed anew lie anywhere; the same bytes are always 1."""


@dataclass(frozen=True, slots=True)
class FingerprintMatch:
    """Where two videos run alike.

    Args:
        seconds: for how long.
        offset_seconds: what to add to a time in the first to find it in the second; None where none is alike.
        fits_anywhere: alike, but that may be chance: nothing moves, so that other shifts fit as well; or so little that
            another recording of the place would be as much alike.
        stands_out: where that may be chance, the fingerprints are clearly nearer at this shift than at others all the
            same: it is this recording, or another take of what is done in it.
        share: of the shorter one's looks, those that are alike. Unlike in `seconds`, what both hold counts once: a
            slide that stays for a minute shows no more than one that stays for a second.
        share_of_first: the same of the first one's looks, but for those of one color.
        shorter_seconds: how long the shorter one is.
    """

    seconds: float = 0.0
    offset_seconds: float | None = None
    fits_anywhere: bool = False
    stands_out: bool = False
    share: float = 0.0
    share_of_first: float = 0.0
    shorter_seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Slots:
    """What a video shows in each of N slots."""

    seconds: NDArray[np.float64]
    """From when on it shows that."""
    packed: NDArray[np.uint64]
    """The 64 bits of the fingerprint as one number."""
    is_told: NDArray[np.bool_]
    """Not of one color."""
    since: NDArray[np.int64]
    """The slot in which that picture appeared."""
    looks: NDArray[np.int64]
    """The look that it is."""
    number: int
    """Of the first slot, from the time zero."""

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def is_new(self) -> NDArray[np.bool_]:
        """Where a picture appears."""
        appears: NDArray[np.bool_] = self.since == np.arange(len(self))
        return appears


def match_fingerprints(
    a: VideoDescriptor, b: VideoDescriptor, *, frames_per_second: float = 10.0
) -> tuple[float, float | None]:
    """How long two videos run alike at the best shift in time, and what that shift is; see `find_match`.

    Args:
        a: the first video.
        b: the second video.
        frames_per_second: the most at which either was looked at.

    Returns:
        Seconds that are alike, and what to add to a time in `a` to find it in `b` (None where none is alike).
    """
    match = find_match(a, b, frames_per_second=frames_per_second)
    return match.seconds, match.offset_seconds


def find_match(
    a: VideoDescriptor, b: VideoDescriptor, *, frames_per_second: float, has_every_frame: bool = False
) -> FingerprintMatch:
    """Compare two videos at each shift in time, slot by slot.

    The best shift is the one with the nearest fingerprints. A fixed camera's pictures are all alike, so looks count as
    alike only where they are clearly nearer than those at the other shifts are: two recordings of one place are not
    one recording. Where even that says nothing, since hardly anything moves, what does has to move alike. Frames of one
    color count for nothing: they are alike in all videos.

    Args:
        a: the first video.
        b: the second video.
        frames_per_second: the most at which either was looked at; one slot for each.
        has_every_frame: all frames of both were looked at, so that what moves can be compared between slots as well.
    """
    rate = _slots_per_second(a, b, frames_per_second)
    first, second = _slots(a, rate), _slots(b, rate)
    best, usual = _best_overlap(first, second)
    if best is None:
        return FingerprintMatch(shorter_seconds=min(len(first), len(second)) / rate)
    nearer = _match(first, second, best, rate, limit=max(usual - _NEARER_BITS, _NEARER_SHARE * usual))
    if usual > _STILL_BITS:
        return nearer
    limits = _BY_EVERY_PICTURE if has_every_frame else _BY_PICTURES
    if a.pictures is None or b.pictures is None:
        limits = _BY_FINGERPRINTS
    moved = find_movement(_scenes(a, first), _scenes(b, second), slots_per_second=rate)
    tells = moved is not None and moved.strength >= limits.least_strength
    if moved is not None and tells:
        best = _overlap(first, second, round(moved.offset_seconds * rate) - second.number + first.number)
        windows = None if moved.likeness >= limits.same else moved.windows
        some = _match(first, second, best, rate, limit=_STILL_BITS, windows=windows, same=limits.same)
        if has_every_frame and some.seconds:  # that shift may lie between two slots
            some = replace(some, offset_seconds=round(moved.offset_seconds, 3))
        if windows is None or some.share >= _HALF:
            return some
    if usual > _NOTHING_MOVES_BITS and max(nearer.share, nearer.share_of_first) >= _HALF:
        return replace(nearer, fits_anywhere=True, stands_out=True)
    if moved is not None and tells and moved.likeness < limits.other:
        return some
    return replace(_match(first, second, best, rate, limit=_SAME_STILL_BITS), fits_anywhere=True)


_Overlap = tuple[slice, slice, NDArray[np.bool_], NDArray[np.uint8]]
"""Rows of the first, rows of the second, whether both tell something there, and the bits in which they differ."""


def _match(
    first: _Slots,
    second: _Slots,
    overlap: _Overlap,
    rate: float,
    *,
    limit: float,
    windows: Windows | None = None,
    same: float = -1.0,
) -> FingerprintMatch:
    """What is alike in an overlap: looks that differ in no more bits than that, in windows that move as much alike."""
    shorter_seconds = min(len(first), len(second)) / rate
    rows_a, rows_b, told, bits = overlap
    older = np.minimum(first.since[rows_a] - rows_a.start, second.since[rows_b] - rows_b.start).clip(min=0)
    here = np.arange(len(bits))
    looked_at = np.where(here - older < _STANDS_SECONDS * rate, older, here)
    alike = told & (told & (bits <= limit))[looked_at]
    if windows is not None:
        alike &= windows.at(first.seconds[rows_a]) >= same
    if not alike.any():
        return FingerprintMatch(shorter_seconds=shorter_seconds)
    new_a, new_b = first.is_new, second.is_new
    placed = alike & new_a[rows_a] & new_b[rows_b]
    shifts = (second.seconds[rows_b] - first.seconds[rows_a])[placed if placed.any() else alike]
    either_new = new_a[rows_a] | new_b[rows_b]
    either_new[0] = True  # the shift may begin in the midst of a picture
    new_a[rows_a] = new_b[rows_b] = either_new
    num_alike = int(np.count_nonzero(alike & either_new))
    return FingerprintMatch(
        seconds=np.count_nonzero(alike) / rate,
        offset_seconds=round(float(np.median(shifts)), 3),
        share=num_alike / int(np.count_nonzero(new_a if len(first) <= len(second) else new_b)),
        share_of_first=num_alike / int(np.count_nonzero(new_a & first.is_told)),
        shorter_seconds=shorter_seconds,
    )


def _best_overlap(a: _Slots, b: _Slots) -> tuple[_Overlap | None, float]:
    """The overlap with the nearest fingerprints, and how far they usually are at one shift or another."""
    telling_a, telling_b = a.is_told & a.is_new, b.is_told & b.is_new
    # Looks that a short overlap lacks count as unlike, or the last look of one video would match any like it.
    least = max(1.0, _LEAST_OVERLAP * min(telling_a.sum(), telling_b.sum()))
    best: _Overlap | None = None
    best_rank: tuple[float, int, int] = (np.inf, 0, 0)
    usual = []
    for k in range(1 - len(a), len(b)):
        rows_a, rows_b, _, bits = overlap = _overlap(a, b, k)
        telling = telling_a[rows_a] & telling_b[rows_b]
        num_telling = int(np.count_nonzero(telling))
        far = int((np.minimum(bits, _FAR_BITS) * telling).sum()) + _FAR_BITS * max(0.0, least - num_telling)
        mean = far / max(least, num_telling)
        if num_telling >= least:
            usual.append(mean)
        # Of equally near ones, the one with the longest overlap, then the smallest shift.
        rank = (mean, -num_telling, abs(k))
        if num_telling and rank < best_rank:
            best, best_rank = overlap, rank
    return best, float(np.median(usual)) if usual else float(_FAR_BITS)


def _overlap(a: _Slots, b: _Slots, shift: int) -> _Overlap:
    rows_a = slice(max(0, -shift), min(len(a), len(b) - shift))
    rows_b = slice(rows_a.start + shift, rows_a.stop + shift)
    bits = np.bitwise_count(a.packed[rows_a] ^ b.packed[rows_b])
    return rows_a, rows_b, a.is_told[rows_a] & b.is_told[rows_b], bits


def _scenes(descriptor: VideoDescriptor, slots: _Slots) -> Scenes:
    """The pictures, each with the same light and contrast; or where there are none, the bits of the fingerprints."""
    prints = descriptor.fingerprints
    mostly = prints[~descriptor.is_plain].mean(axis=0) > 0.5
    counts = ~descriptor.is_plain & ((prints ^ mostly).sum(axis=1) <= _OF_PLACE_BITS)
    pictures = prints.reshape(-1, 8, 8).astype(np.float32)
    if descriptor.pictures is not None:
        pictures = descriptor.pictures.astype(np.float32)
        pictures -= pictures.mean(axis=(1, 2), keepdims=True)
        pictures /= np.maximum(pictures.std(axis=(1, 2), keepdims=True), 1.0)
    return Scenes(descriptor.pts_seconds, pictures, counts, slots.looks, slots.number)


def _slots_per_second(a: VideoDescriptor, b: VideoDescriptor, frames_per_second: float) -> float:
    """As wanted; fewer where few looks lie far apart, since each slot is compared with each."""
    longest = max(float(one.end_seconds - one.pts_seconds[0]) for one in (a, b))
    most = max(_MOST_SLOTS, 2 * len(a.pts_seconds), 2 * len(b.pts_seconds))
    return frames_per_second if longest * frames_per_second <= most else most / longest


def _slots(descriptor: VideoDescriptor, rate: float) -> _Slots:
    """Lay looks on the clock of which `muybridge.video.reader.Pace` takes the first frame of each slot."""
    appears = descriptor.pts_seconds
    slot_of = np.floor((appears + 1e-6) * rate).astype(np.int64)
    # The last picture counts in a slot that it fills by half.
    stop = max(int(slot_of[-1]) + 1, int(np.ceil(descriptor.end_seconds * rate - 0.5)))
    slots = np.arange(slot_of[0], stop)
    # The first that appears in the slot, else the one that is still there.
    shown = np.searchsorted(slot_of, slots, side="left")
    shown -= slot_of[np.minimum(shown, len(slot_of) - 1)] != slots
    packed = np.packbits(descriptor.fingerprints, axis=1).view(np.uint64)[:, 0]
    is_new = np.diff(shown, prepend=-1) != 0
    return _Slots(
        seconds=np.maximum(appears[shown], slots / rate),
        packed=packed[shown],
        is_told=~descriptor.is_plain[shown],
        since=np.maximum.accumulate(np.where(is_new, np.arange(len(slots)), 0)),
        looks=shown,
        number=int(slot_of[0]),
    )
