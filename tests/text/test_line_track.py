"""One line of writing while it is on the screen."""

import numpy as np
import pytest

from muybridge.text.line_track import LineTrack, adjoins, outgrows
from muybridge.text.readings import Evidence
from muybridge.text.strokes import Patch

ALPHABET = "abcdefghijklmnopqrstuvwxyz 0123456789:"


def reading(text: str, confidence: float = 0.99, unsure: str = "") -> Evidence:
    """A reading of one text without double letters; the characters in `unsure` are worth 0.6."""
    probabilities = np.zeros((len(text), 1 + len(ALPHABET)))
    for step, character in enumerate(text):
        sureness = 0.6 if character in unsure else confidence
        probabilities[step, 0] = 1 - sureness
        probabilities[step, 1 + ALPHABET.index(character)] = sureness
    return Evidence.of_probabilities(probabilities, ALPHABET)


def line(text: str, left: int = 20, top: int = 40, seconds: float = 0.0) -> LineTrack:
    noise = np.random.default_rng(0).integers(0, 255, (10, 40), np.uint8)
    picture = np.full((200, 200), 90, np.uint8)
    picture[top : top + 10, left : left + 40] = noise
    patch = Patch.of(picture, (left, top, left + 40, top + 10))
    corners = ((left, top), (left + 40, top), (left + 40, top + 10), (left, top + 10))
    track = LineTrack(corners, patch, seconds, seconds, seconds, patch, seconds)
    track.add(reading(text), seconds)
    return track


def test_one_character_of_which_both_are_sure_contradicts() -> None:
    track = line("total 19")
    assert track.is_contradicted_by(reading("total 18"))
    assert track.is_contradicted_by(reading("total 190"))
    assert not track.is_contradicted_by(reading("total19"))  # white space
    assert not track.is_contradicted_by(reading("total 18", unsure="8"))


def test_a_text_that_grows_gains_characters_and_keeps_its_own() -> None:
    track = line("the qu")
    assert track.may_be_part_of(reading("the quick fox"))
    assert not track.is_contradicted_by(reading("the quick fox"), may_grow=True)
    assert line("stop 9").is_contradicted_by(reading("stop 10"), may_grow=True)
    assert line("stop 1").is_contradicted_by(reading("stop 10"), may_grow=True)  # another number
    assert line("a 1 b").is_contradicted_by(reading("a 21 b"), may_grow=True)  # not at an end


def test_what_was_read_worse_is_the_same_line() -> None:
    track = line("numbor 07:")
    assert not track.may_be_part_of(reading("number 07", 0.98))
    assert track.may_be_part_of(reading("number 07", 0.995))


@pytest.mark.parametrize("start_px", [40.0, 40.25])
def test_a_scrolling_line_is_not_lost_by_rounding(start_px: float) -> None:
    # 7.5 pixels each fifth of a second: the nearest whole step is always half a pixel off.
    noise = np.random.default_rng(1).integers(0, 255, (10, 40), np.uint8).repeat(2, axis=0)
    tall = np.full((840, 200), 90, np.uint8)
    tall[200:220, 20:60] = noise
    pictures = [tall[15 * step :: 2][:400] for step in range(12)]
    patch = Patch.of(pictures[0], (20, 100, 60, 110))
    track = LineTrack((), patch, 0.0, 0.0, 0.0, patch, 0.0)
    track.velocity = (0.0, -start_px)
    for step in range(1, 12):
        seconds = 0.2 * step
        dx, dy = track.expected(pictures[step], seconds)
        left, top, right, bottom = track.patch.box
        track.move(Patch.of(pictures[step], (left + dx, top + dy, right + dx, bottom + dy)), seconds)
        assert track.patch.box[1] == pytest.approx(100 - 7.5 * step, abs=0.5)
    assert track.velocity[1] == pytest.approx(-37.5, abs=0.5)


def test_a_box_with_a_character_more_outgrows() -> None:
    known = (20, 40, 120, 60)
    assert not outgrows((18, 38, 124, 61), known)  # 2438 of 2000 pixels
    assert outgrows((20, 40, 127, 60), known)  # 7 pixels, more than a third of its height
    assert outgrows((20, 35, 120, 62), known)  # 2700 pixels


def test_strokes_adjoin_a_line_in_its_rows() -> None:
    box = (20, 40, 120, 60)
    assert adjoins(box, (126, 36, 144, 63))
    assert adjoins(box, (99, 36, 117, 63))  # inside
    assert not adjoins(box, (142, 36, 160, 63))  # a height away
    assert not adjoins(box, (126, 54, 144, 81))  # the line below
