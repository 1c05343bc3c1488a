"""Words that are the only ones, or likelier ones."""

import pytest
from hypothesis import given, settings, strategies as st

from muybridge.text.lexicon import HotWords, Lexicon

WORDS = ["cat", "cats", "category", "dog", "don't"]


@pytest.mark.parametrize(
    ("written", "allowed"),
    [
        ("", True),
        ("cat", True),
        ("cats, dog!", True),
        ("don't", True),
        (" - ", True),
        ("ca", False),
        ("catdog", False),
        ("cat 7", False),  # digits separate no words
        ("Cat", False),
        ("cat\u0301", False),  # nor do marks
        ("don", False),
    ],
)
def test_lexicon(written: str, allowed: bool) -> None:
    assert Lexicon(WORDS).allows(written) == allowed


def test_lexicon_without_case_and_without_spaces() -> None:
    assert Lexicon(WORDS, ignore_case=True).allows("CAT Dog")
    assert Lexicon(["\u7a7a\u95f4", "\u91cc\u9762"]).allows("\u7a7a\u95f4\uff0c\u91cc\u9762")


@pytest.mark.parametrize(
    "word", ["\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03cc\u03c2", "\u0130ZM\u0130R", "Stra\u00dfe"]
)
def test_case_is_ignored_letter_by_letter(word: str) -> None:
    # As a beam writes it: a final sigma is not known to be one before the word ends.
    lexicon = Lexicon([word], ignore_case=True)
    node = 0
    for character in word:
        node = lexicon.step(node, character)
        assert node is not None
    assert lexicon.is_complete(node)
    assert lexicon.allows(f"{word}, {word}")


def test_both_small_sigmas_are_one_letter() -> None:
    lexicon = Lexicon(["\u039f\u0394\u039f\u03a3"], ignore_case=True)
    assert lexicon.allows("\u03bf\u03b4\u03bf\u03c2 \u03bf\u03b4\u03bf\u03c3")


def gain(words: HotWords, written: str) -> float:
    place, total = 0, 0.0
    for character in written:
        place, gained = words.step(place, character)
        total += gained
    return total + words.at_end(place)


@pytest.mark.parametrize(
    ("written", "num_characters"),
    [
        ("", 0),
        ("ca", 0),  # what was given in advance is taken back
        ("cat", 3),
        ("cats", 4 + 3),  # "cat" is written as well
        ("catx", 3),
        ("categ", 3),  # the word inside stays
        ("category", 8 + 3),
        ("cacat", 3),
        ("a cat, a dog", 6),
        ("dodog", 3),
        ("concatenate", 3),  # anywhere: scripts without spaces need it
    ],
)
def test_hot_words_by_hand(written: str, num_characters: int) -> None:
    assert gain(HotWords(WORDS, bonus=2.0), written) == pytest.approx(2.0 * num_characters)


@given(st.text(alphabet="abc", max_size=30))
@settings(max_examples=200, deadline=None)
def test_a_hot_word_is_worth_its_letters_each_time_it_is_written(written: str) -> None:
    # "abc" cannot overlap with itself, so the bonus counts its occurrences.
    assert gain(HotWords(["abc"], bonus=1.0), written) == pytest.approx(3 * written.count("abc"))


def occurrences(words: list[str], written: str) -> int:
    """The characters of all hot words, looked for at each place of a text."""
    return sum(len(word) for word in set(words) for at in range(len(written)) if written.startswith(word, at))


@given(
    st.lists(st.text(alphabet="ab", min_size=1, max_size=6), min_size=1, max_size=6),
    st.text(alphabet="abc", max_size=20),
)
@settings(max_examples=400, deadline=None)
def test_every_occurrence_of_every_hot_word_counts(words: list[str], written: str) -> None:
    hot = HotWords(words, bonus=0.5)
    assert gain(hot, written) == hot.gain(written) == 0.5 * occurrences(words, written)


def test_a_hot_word_inside_one_that_breaks_off_counts() -> None:
    hot = HotWords(["New York Times", "York"], bonus=1.0)
    assert gain(hot, "New York") == gain(hot, "New York City") == 4
    assert gain(hot, "YorkYork") == 8
    assert gain(hot, "New York Times") == 14 + 4
    # While it is written, each character adds one, and the inner word its four where it ends.
    place, gains = 0, []
    for character in "New York T":
        place, gained = hot.step(place, character)
        gains.append(gained)
    assert gains == [1, 1, 1, 1, 1, 1, 1, 1 + 4, 1, 1]


def test_a_symbol_may_hold_the_end_of_a_hot_word() -> None:
    hot = HotWords(["ab", "bc"], bonus=1.0)
    place, gained = hot.step(0, "abc")
    assert gained + hot.at_end(place) == 4
