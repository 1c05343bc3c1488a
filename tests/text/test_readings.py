"""The evidence of several frames."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from muybridge.text.readings import Evidence, combine


def evidence(text: str, *, sharp: float = 0.9, steps: int = 24, shift: int = 0) -> Evidence:
    """A line whose characters stand three steps apart, over the alphabet a … j."""
    probabilities = np.full((steps, 11), (1 - sharp) / 10)
    probabilities[:, 0] = sharp
    for place, character in enumerate(text):
        column = "abcdefghij".index(character) + 1
        step = 3 * place + 1 + shift
        probabilities[step] = (1 - sharp) / 10
        probabilities[step, column] = sharp
    return Evidence.of_probabilities(probabilities, "abcdefghij")


def test_only_characters_that_matter_are_kept() -> None:
    probabilities = np.array([[0.5, 0.4995, 0.0005], [0.9, 0.1, 0.0]])
    kept = Evidence.of_probabilities(probabilities, "ab")
    assert kept.characters == ("a",)
    assert np.exp(kept.log_probs).sum(axis=1) == pytest.approx([1, 1])


def test_a_shifted_frame_is_brought_onto_the_time_axis() -> None:
    # Step by step, the two would veto each other: where one sees a character, the other sees a blank.
    line, shifted = evidence("badge"), evidence("badge", shift=1, sharp=0.8)
    assert combine([line, shifted]).decode().text == "badge"
    assert combine([shifted, line]).decode().text == "badge"


def test_sharp_frames_outvote_one_that_errs() -> None:
    assert combine([evidence("badge"), evidence("bacge"), evidence("badge")]).decode().text == "badge"


def test_a_blurred_frame_is_rescued_by_its_neighbors() -> None:
    blurred = evidence("hihhi", sharp=0.2)
    together = combine([blurred, evidence("badge")])
    assert together.decode().text == "badge"


def test_one_reading_is_its_own_sum_and_empty_ones_add_nothing() -> None:
    line = evidence("cafe")
    assert combine([line]) is line
    empty = Evidence(np.zeros((0, 1), np.float32), ())
    assert combine([line, empty]).decode().text == "cafe"


def test_state_comes_back() -> None:
    line = evidence("face")
    again = Evidence.from_state(line.state())
    assert again.characters == line.characters
    assert np.array_equal(again.log_probs, line.log_probs)


@settings(max_examples=30, deadline=None)
@given(st.text("abcdefghij", min_size=1, max_size=7), st.integers(0, 2), st.integers(0, 2))
def test_readings_that_agree_keep_their_text(text: str, first: int, second: int) -> None:
    expected = evidence(text).decode().text
    assert combine([evidence(text, shift=first), evidence(text, shift=second)]).decode().text == expected
