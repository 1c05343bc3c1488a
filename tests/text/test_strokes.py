"""Cheap measures on small gray pictures."""

import cv2
import numpy as np
import pytest

from muybridge.text.strokes import Change, Patch, StrokeMap, box_of_cells

BOX = (60, 80, 220, 110)


def textured(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(40, 120, (12, 20), np.uint8)
    return cv2.resize(noise, (320, 180), interpolation=cv2.INTER_CUBIC)


def written(picture: np.ndarray, text: str = "Muybridge", dx: int = 0, dy: int = 0) -> np.ndarray:
    return cv2.putText(picture.copy(), text, (64 + dx, 102 + dy), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)


def test_new_strokes_that_hold_still_are_seen_after_three_glances() -> None:
    strokes = StrokeMap()
    strokes.glance(textured(0), 0.0)
    strokes.remember()
    seen = [bool(strokes.glance(written(textured(i)), 0.2 * i)[0].any()) for i in range(1, 4)]
    assert seen == [False, False, True]
    still, _ = strokes.glance(written(textured(4)), 0.8)
    left, top, right, bottom = box_of_cells(still, textured(0))
    assert left >= 54
    assert top >= 72
    assert right <= 234
    assert bottom <= 117
    assert strokes.still_since(BOX) == pytest.approx(0.6)


def test_what_was_looked_at_is_known_and_what_moves_is_not_still() -> None:
    strokes = StrokeMap()
    for i in range(3):
        strokes.glance(written(textured(0)), 0.2 * i)
    strokes.remember()
    assert not strokes.glance(written(textured(0)), 0.8)[0].any()
    moving = StrokeMap()
    glances = [moving.glance(written(textured(0), dx=11 * i), 0.2 * i) for i in range(4)]
    assert not any(still.any() for still, _ in glances)
    assert glances[-1][1].any()


def test_only_the_area_that_was_looked_at_is_known() -> None:
    strokes = StrokeMap()
    empty, full = textured(0), written(textured(0))
    strokes.glance(empty, 0.0)
    strokes.remember()
    strokes.glance(full, 0.2)
    strokes.remember((0, 0, 320, 40))  # the writing stands below
    assert [bool(strokes.glance(full, seconds)[0].any()) for seconds in (0.4, 0.6)] == [False, True]
    strokes.remember((40, 60, 260, 130))
    assert not strokes.glance(full, 0.8)[0].any()


def test_what_has_gone_for_two_glances_is_not_known_any_more() -> None:
    empty, full = textured(0), written(textured(0))
    for num_without, is_new in ((1, False), (2, True)):
        strokes = StrokeMap()
        strokes.glance(full, 0.0)
        strokes.remember()
        pictures = [empty] * num_without + [full] * 3
        still = [strokes.glance(picture, 0.2 * i)[0].any() for i, picture in enumerate(pictures, start=1)]
        assert still[-1] == is_new


def test_an_edge_and_a_pole_are_no_writing() -> None:
    picture = np.full((180, 320), 60, np.uint8)
    picture[:, 160:] = 200  # a wall
    picture[:, 50:53] = 220  # a pole
    strokes = StrokeMap()
    assert not any(strokes.glance(picture, 0.2 * i)[0].any() for i in range(4))


def test_presence_by_place_text_and_strength() -> None:
    patch = Patch.of(written(textured(0)), BOX)
    assert patch.presence(written(textured(0))) == pytest.approx(1)
    assert patch.presence(written(textured(1))) > 0.7  # another background
    assert patch.presence(textured(1)) < 0.3  # none
    assert patch.presence(written(textured(1), "lighthouse")) < 0.5  # another line
    assert patch.presence(written(textured(0), dx=7, dy=-3), 7, -3) > 0.9
    assert patch.presence(textured(0), 400, 0) == 0  # outside
    faded = cv2.addWeighted(written(textured(0)), 0.3, textured(0), 0.7, 0)
    assert patch.presence(faded) == pytest.approx(0.3, abs=0.15)


def test_share_says_how_far_a_line_has_faded_in() -> None:
    empty, full = textured(0), written(textured(0))
    patch = Patch.of(full, BOX)
    for opacity in (0.0, 0.25, 0.5, 1.0):
        mixed = cv2.addWeighted(full, opacity, empty, 1 - opacity, 0)
        assert patch.share(mixed, empty) == pytest.approx(opacity, abs=0.03)
    assert patch.share(full, full) is None


def test_find_follows_a_line() -> None:
    patch = Patch.of(written(textured(0)), BOX)
    dx, dy, score = patch.find(written(textured(0), dx=-6, dy=9), 0, 0, 12)
    assert (dx, dy) == (-6, 9)
    assert score > 0.8
    flat = Patch.of(np.full((180, 320), 7, np.uint8), BOX)
    assert flat.find(textured(0), 0, 0, 5)[2] == 0


def test_state_comes_back() -> None:
    strokes = StrokeMap()
    for i in range(3):
        strokes.glance(written(textured(i)), 0.2 * i)
    again = StrokeMap()
    again.restore(strokes.state())
    for one, other in zip(strokes.glance(textured(9), 1.0), again.glance(textured(9), 1.0), strict=True):
        assert np.array_equal(one, other)
    patch = Patch.of(written(textured(0)), BOX)
    assert Patch.from_state(patch.state()).presence(written(textured(1))) == pytest.approx(
        patch.presence(written(textured(1)))
    )


def test_a_place_outside_the_picture_is_no_place_to_find_a_line() -> None:
    patch = Patch.of(written(textured(0)), BOX)
    assert patch.find(written(textured(0)), 0, -300, 8) == (0, -300, 0.0)
    assert patch.find(written(textured(0)), -400, 0, 8) == (-400, 0, 0.0)


def test_a_spot_is_where_one_character_is_another() -> None:
    patch = Patch.of(written(textured(0), "Total 19"), BOX)
    same, other = written(textured(0), "Total 19"), written(textured(0), "Total 18")
    assert not patch.spot(same, same, BOX).has_changed
    assert patch.presence(other) > 0.75  # the line as a whole stands
    changed = patch.spot(other, other, BOX)
    assert changed.has_changed
    assert changed.holds_still
    assert changed.unrest_anywhere == 0
    assert not patch.spot(other, same, BOX).holds_still  # it changes just now
    weaker = cv2.addWeighted(same, 0.6, np.full_like(same, 80), 0.4, 0)
    assert not patch.spot(weaker, weaker, BOX).has_changed


def test_a_change_is_half_done_half_way() -> None:
    old, new = written(textured(0), "Total 19"), written(textured(0), "Total 28")
    change = Change(Patch.of(old, BOX), new, BOX)
    for opacity in (0.0, 0.5, 1.0):
        mixed = cv2.addWeighted(new, opacity, old, 1 - opacity, 0)
        assert change.share(mixed) == pytest.approx(opacity, abs=0.02)
        assert change.distance(mixed) == pytest.approx(opacity**2, abs=0.02)
    assert change.distance(written(textured(0), "Total 37")) > 0.25  # neither of the two
