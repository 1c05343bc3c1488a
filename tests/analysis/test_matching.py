"""Fingerprints on one clock: what each slot shows, and what a picture that stays is evidence of."""

import numpy as np
import pytest
from numpy.typing import NDArray

from muybridge.analysis import matching
from muybridge.analysis.descriptors import VideoDescriptor
from muybridge.analysis.matching import _slots, _slots_per_second, find_match


def prints(seed: int, count: int) -> NDArray[np.bool_]:
    """Of unlike pictures: two of them differ in about 32 bits."""
    return np.random.default_rng(seed).integers(0, 2, (count, 64)).astype(np.bool_)


def described(seconds: list[float], pictures: NDArray[np.bool_], end_seconds: float) -> VideoDescriptor:
    nothing = np.zeros(0)
    return VideoDescriptor(
        np.array(seconds), pictures, np.zeros(len(seconds), np.bool_), nothing, nothing, end_seconds
    )


def test_each_slot_shows_what_is_seen_then() -> None:
    pictures = prints(0, 3)
    slots = _slots(described([0.0, 0.33, 0.4], pictures, 0.7), rate=10.0)
    packed = np.packbits(pictures, axis=1).view(np.uint64)[:, 0]
    assert slots.packed.tolist() == packed[[0, 0, 0, 1, 2, 2, 2]].tolist()
    assert slots.since.tolist() == [0, 0, 0, 3, 4, 4, 4]
    assert slots.seconds == pytest.approx([0.0, 0.1, 0.2, 0.33, 0.4, 0.5, 0.6])
    assert slots.is_new.tolist() == [True, False, False, True, True, False, False]


def test_the_last_picture_counts_in_a_slot_that_it_fills_by_half() -> None:
    lengths = [len(_slots(described([3.0], prints(0, 1), end), rate=10.0)) for end in (3.0, 3.14, 3.16, 3.2)]
    assert lengths == [1, 1, 2, 2]


def test_a_picture_stands_for_a_second_and_no_longer() -> None:
    # One shows a picture for three seconds, the other the same and then 29 more.
    more = prints(1, 30)
    still = described([0.0], more[:1], 3.0)
    moving = described([i / 10 for i in range(30)], more, 3.0)
    found = find_match(still, moving, frames_per_second=10.0)
    assert (found.seconds, found.offset_seconds) == (1.0, 0.0)


def test_a_slide_that_both_hold_is_no_evidence() -> None:
    title = prints(1, 1)
    seconds = [0.0, *(30 + i / 10 for i in range(100))]
    a, b = (described(seconds, np.concatenate([title, prints(seed, 100)]), 40.0) for seed in (2, 3))
    found = find_match(a, b, frames_per_second=10.0)
    assert (found.seconds, found.offset_seconds) == (30.0, 0.0)
    assert found.share == found.share_of_first == pytest.approx(1 / 101)
    again = find_match(a, a, frames_per_second=10.0)
    assert (again.seconds, again.share) == (40.0, 1.0)


def test_one_slide_alone_fits_anywhere() -> None:
    slide = described([0.0], prints(1, 1), 60.0)
    found = find_match(slide, slide, frames_per_second=10.0)
    assert (found.seconds, found.fits_anywhere) == (60.0, True)


def with_changes(pictures: NDArray[np.bool_], rows: range, columns: range) -> NDArray[np.bool_]:
    """A still picture of which some bits, which differ from look to look, are others'."""
    changed = pictures.copy()
    changed[rows, columns.start : columns.stop] ^= prints(6, len(rows))[:, columns.start : columns.stop]
    return changed


def test_fingerprints_of_a_still_camera_tell_the_same_bytes_and_nothing_else() -> None:
    place = np.repeat(prints(1, 1), 40, axis=0)
    times = [i / 10 for i in range(40)]
    first = with_changes(place, range(40), range(10))  # usually 5 of 64 bits differ
    part = find_match(
        described(times, first, 4.0), described(times[:30], first[10:], 3.0), frames_per_second=10.0
    )
    assert (part.share, part.fits_anywhere, part.offset_seconds) == (1.0, False, -1.0)
    # Half of what changes is another's: the pictures are as near, and it cannot be told.
    other = with_changes(first, range(40), range(5))
    found = find_match(described(times, first, 4.0), described(times, other, 4.0), frames_per_second=10.0)
    assert found.fits_anywhere


def test_few_pictures_far_apart_do_not_take_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_MOST_SLOTS", 500)
    minutes = described([60.0 * i for i in range(60)], prints(4, 60), 3600.0)
    assert _slots_per_second(minutes, minutes, 10.0) == pytest.approx(500 / 3600)
    later = described([60.0 * i for i in range(40)], prints(4, 60)[20:], 2400.0)
    found = find_match(minutes, later, frames_per_second=10.0)
    assert found.offset_seconds == pytest.approx(-1200.0)
    assert found.seconds == pytest.approx(2400.0, rel=0.05)  # a picture begins up to a slot later
    # A video that was really looked at so often keeps its slots.
    dense = described([i / 10 for i in range(1000)], prints(5, 1000), 100.0)
    assert _slots_per_second(dense, dense, 10.0) == 10.0
