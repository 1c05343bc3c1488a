"""Error rates and accuracies of read text."""

import math
from collections.abc import Iterator

import jiwer
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from muybridge.errors import OptionError, ShapeError
from muybridge.metrics import text

TEXTS = st.text(alphabet="abc xyz", max_size=12)
WORDS = st.lists(st.sampled_from(["to", "be", "or", "not", "too"]), max_size=8).map(" ".join)


def test_the_textbook_pair() -> None:
    # kitten → sitting: k by s, e by i, and g at the end.
    assert text.edit_distance("kitten", "sitting") == 3
    assert text.character_accuracy("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert text.normalized_edit_distance("kitten", "sitting") == pytest.approx(3 / 7)
    assert text.cer("kitten", "sitting") == pytest.approx(3 / 6)
    assert text.wer("the kitten sat", "the sitting sat") == pytest.approx(1 / 3)


def plain_distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, start=1):
        before, row[0] = row[0], i
        for j, right in enumerate(other, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1]


@given(one=TEXTS, other=TEXTS)
@settings(max_examples=200, deadline=None)
def test_properties_of_the_distance(one: str, other: str) -> None:
    assert text.edit_distance(one, other) == plain_distance(one, other)
    assert text.edit_distance(one, other) == text.edit_distance(other, one)
    assert 0 <= text.character_accuracy(one, other) <= 1
    assert (text.character_accuracy(one, other) == 1) == (one == other)
    aligned = text.align_text(one, other)
    assert "".join(aligned.reference) == one
    assert "".join(aligned.prediction) == other
    assert sum(mark != " " for mark in aligned.marks) == text.edit_distance(one, other)


@given(pairs=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_rates_are_those_of_jiwer(pairs: list[tuple[str, str]]) -> None:
    references, predictions = [one for one, _ in pairs], [other for _, other in pairs]
    assert text.wer(references, predictions) == pytest.approx(jiwer.wer(references, predictions))
    assert text.cer(references, predictions) == pytest.approx(jiwer.cer(references, predictions))
    processed = jiwer.process_words(references, predictions)
    num_words = processed.hits + processed.substitutions + processed.deletions
    if num_words:
        scores = text.evaluate_text(references, predictions)
        edits = processed.substitutions + processed.deletions + processed.insertions
        assert scores.wer == pytest.approx(edits / num_words)
        # Alignments of fewest edits may differ in their hits, and jiwer takes any; ours has the most.
        assert scores.word_accuracy >= processed.hits / num_words - 1e-12


@pytest.mark.parametrize("reference", ["", "ab c"])
@pytest.mark.parametrize("prediction", ["", "ab c", "x"])
def test_empty_texts_are_defined(reference: str, prediction: str) -> None:
    same = reference == prediction
    for value in (
        text.cer(reference, prediction),
        text.wer(reference, prediction),
        text.normalized_edit_distance(reference, prediction),
        1 - text.character_accuracy(reference, prediction),
        1 - text.word_accuracy(reference, prediction),
        1 - text.word_accuracy(reference, prediction, by="alignment"),
        1 - text.exact_match(reference, prediction),
    ):
        assert math.isfinite(value)
        assert (value == 0) == same
    scores = text.evaluate_text([reference], [prediction])
    assert all(math.isfinite(value) for value in scores.to_dict().values())
    assert text.cer([], []) == text.wer([], [], average="mean") == 0.0
    assert text.exact_match([], []) == text.evaluate_text([], []).character_accuracy == 1.0


def test_word_accuracy_by_position_and_by_alignment() -> None:
    true, read = "One two three four", "ONE three four"
    assert text.word_accuracy(true, read) == 1 / 4
    assert text.word_accuracy(true, read, by="alignment") == 3 / 4
    assert text.word_accuracy(true, read, by="alignment", ignore_case=False) == 2 / 4
    assert text.word_accuracy("one", "one two") == 1.0


@pytest.mark.parametrize(
    ("true", "read", "accuracy"),
    [
        # Two substitutions, or a deletion, a hit and an insertion: two edits each.
        ("room 4711", "4711 left", 1 / 2),
        # Two deletions, three hits and two insertions; five substitutions would be one edit more.
        ("the red car turns left", "car turns left now here", 3 / 5),
        # Three substitutions and a deletion; to hit the "a" takes three deletions and two insertions.
        ("x y z a", "a u v", 0),
    ],
)
def test_of_alignments_with_the_fewest_edits_the_one_with_most_right_words_counts(
    true: str, read: str, accuracy: float
) -> None:
    assert text.word_accuracy(true, read, by="alignment") == accuracy
    assert text.evaluate_text([true], [read]).word_accuracy == accuracy


def every_alignment(true: list[str], read: list[str]) -> Iterator[tuple[int, int]]:
    """The edits of every alignment of two texts, and its right words."""
    if not true or not read:
        yield len(true) + len(read), 0
        return
    same = true[0] == read[0]
    for edits, right in every_alignment(true[1:], read[1:]):
        yield edits + (not same), right + same
    for rest in ((true[1:], read), (true, read[1:])):
        for edits, right in every_alignment(*rest):
            yield edits + 1, right


@given(
    true=st.lists(st.sampled_from("abc"), min_size=1, max_size=5),
    read=st.lists(st.sampled_from("abc"), max_size=5),
)
@settings(max_examples=100, deadline=None)
def test_right_words_by_brute_force(true: list[str], read: list[str]) -> None:
    fewest = min(edits for edits, _ in every_alignment(true, read))
    most = max(right for edits, right in every_alignment(true, read) if edits == fewest)
    found = text.word_accuracy(" ".join(true), " ".join(read), by="alignment")
    assert found == pytest.approx(most / len(true))


def test_corpus_and_mean() -> None:
    references, predictions = ["ab", "abcdefgh"], ["xy", "abcdefgh"]
    assert text.cer(references, predictions) == 2 / 10
    assert text.cer(references, predictions, average="mean") == 1 / 2


def test_graphemes_count_as_one() -> None:
    # e + combining acute; a family of three joined people; a flag of two letters.
    true, read = (
        "e\u0301\U0001f469\u200d\U0001f469\u200d\U0001f467\U0001f1e9\U0001f1ea",
        "e\U0001f1e9\U0001f1ea",
    )
    assert len(text.split_units(true, "grapheme")) == 3
    assert text.edit_distance(true, read, unit="grapheme") == 2
    assert text.edit_distance(true, read) == 6
    assert text.cer(true, read, unit="grapheme") == pytest.approx(2 / 3)


def test_normalization() -> None:
    assert text.cer("caf\u00e9", "cafe\u0301") > 0
    assert text.cer("caf\u00e9", "cafe\u0301", normalize=text.Normalization(unicode_form="NFC")) == 0
    assert text.Normalization(unicode_form="NFKC")("\uff21\ufb01") == "Afi"
    assert text.Normalization(ignore_case=True)("STRASSE") == text.Normalization(ignore_case=True)(
        "stra\u00dfe"
    )
    assert text.Normalization(ignore_punctuation=True)("\u00bfwhat?\u3002") == "what"
    assert text.Normalization(ignore_spaces=True)(" a b\tc\n") == "abc"
    assert text.Normalization(collapse_spaces=True)(" a  b\tc\n") == "a b c"
    assert text.Normalization()(" As It is! ") == " As It is! "


def test_right_to_left_text_is_compared_in_logical_order() -> None:
    assert text.edit_distance("שלום", "שלם") == 1
    assert text.character_accuracy("שלום", "שלם") == 3 / 4


def test_alignment_for_display() -> None:
    assert str(text.align_text("HELLO", "HELO")) == "HELLO\nHEL·O\n   D"
    words = text.align_text("to be or not to be", "to bee or to be so", unit="word")
    assert words.marks == (" ", "S", " ", "D", " ", " ", "I")
    first, second, third = str(words).splitlines()
    assert first == "to be  or not to be ·"
    assert second == "to bee or ·   to be so"
    assert third == "   S      D         I"


def test_bootstrap_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for trial in range(200):
        wrong = rng.random(60) < 0.3
        interval = text.ratio_interval(wrong, np.ones(60), num_resamples=300, seed=trial)
        held += interval.low <= 0.3 <= interval.high
    assert 0.88 <= held / 200 <= 0.99


def test_wilson_interval_by_hand() -> None:
    # z = 1.96, 8 of 10: center (0.8 + 0.19207) / 1.38415, reach 1.96 √(0.016 + 0.009604) / 1.38415.
    interval = text.proportion_interval(8, 10)
    assert (interval.low, interval.value, interval.high) == pytest.approx((0.4902, 0.8, 0.9433), abs=1e-3)
    assert text.proportion_interval(0, 20).low == pytest.approx(0)
    assert text.proportion_interval(20, 20).high == pytest.approx(1)


def test_both_bootstraps_agree() -> None:
    references = ["abcd", "abcdefgh", "ab", "abcabc"] * 5
    predictions = ["abcx", "abcdefg", "ab", "xbcabcx"] * 5
    general = text.bootstrap_interval(text.cer, references, predictions, seed=3)
    edits = [text.edit_distance(one, other) for one, other in zip(references, predictions, strict=True)]
    pooled = text.ratio_interval(edits, list(map(len, references)), seed=3)
    assert (general.low, general.value, general.high) == pytest.approx(
        (pooled.low, pooled.value, pooled.high)
    )
    assert general.low < general.value < general.high
    assert str(general).startswith("0.2")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: text.edit_distance("a", "b", unit="syllable"), OptionError, "unit='syllable'"),
        (lambda: text.word_accuracy("a", "b", by="luck"), OptionError, "by='luck'"),
        (lambda: text.cer(["a"], ["a", "b"]), ShapeError, "match_lines"),
        (lambda: text.cer("a", ["a"]), ShapeError, "both be a list"),
        (lambda: text.wer("a", "b", average="median"), OptionError, "average='median'"),
        (lambda: text.bootstrap_interval(text.cer, [], []), ShapeError, "at least one"),
        (lambda: text.bootstrap_interval(text.cer, ["a"], ["a"], confidence=1), OptionError, "confidence=1"),
        (lambda: text.proportion_interval(3, 2), OptionError, "3 of 2"),
        (lambda: text.ratio_interval([1], [1, 2]), ShapeError, "one length"),
    ],
)
def test_bad_input(call, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
