"""Lines that were missed or invented, and engines side by side."""

import random

import pytest

from muybridge.errors import OptionError
from muybridge.metrics.text_lines import compare_engines, match_lines

PAGE = [
    "THE HORSE IN MOTION",
    "automatic electro photograph",
    "running at a gait of one forty",
    "over the Palo Alto track",
    "nineteenth of June eighteen seventy eight",
    "each picture shows the horse",
    "at intervals of twenty seven inches",
    "the exposure was less than",
    "one two thousandth of a second",
    "patent applied for",
]


def spoiled(line: str, chance: float, rng: random.Random) -> str:
    return "".join(rng.choice("abcdefgh") if rng.random() < chance else character for character in line)


def test_a_missed_and_an_invented_line_spoil_no_other() -> None:
    read = [*PAGE[:3], "%%//==", *PAGE[4:]]
    pairs = match_lines(PAGE, read)
    assert sum(pair.reference == pair.prediction for pair in pairs) == 9
    assert [pair.reference for pair in pairs if pair.prediction is None] == [PAGE[3]]
    assert [pair.prediction for pair in pairs if pair.reference is None] == ["%%//=="]


def test_every_line_is_in_exactly_one_pair_and_in_order() -> None:
    rng = random.Random(0)
    for _ in range(50):
        read = [spoiled(line, rng.random() * 0.5, rng) for line in PAGE if rng.random() < 0.8]
        pairs = match_lines(PAGE, read)
        assert [pair.reference for pair in pairs if pair.reference is not None] == PAGE
        assert [pair.prediction for pair in pairs if pair.prediction is not None] == read


def test_edges_of_matching() -> None:
    assert match_lines([], []) == []
    assert [pair.reference for pair in match_lines([], ["x"])] == [None]
    assert [pair.prediction for pair in match_lines(["x"], [])] == [None]
    assert len(match_lines(["abc"], ["abd"], max_distance=0.0)) == 2
    with pytest.raises(OptionError, match="max_distance=2"):
        match_lines([], [], max_distance=2)


def test_words_fall_faster_than_characters() -> None:
    rng = random.Random(1)
    good = [spoiled(line, 0.03, rng) for line in PAGE]
    poor = [spoiled(line, 0.15, rng) for line in PAGE[:4] + PAGE[5:]] + ["#|~="]
    comparison = compare_engines(PAGE, {"perfect": PAGE, "good": good, "poor": poor})
    perfect, fair, bad = comparison.engines
    assert perfect.character_accuracy.value == perfect.word_accuracy.value == perfect.line_accuracy == 1.0
    assert perfect.cer == perfect.wer == perfect.num_missed == perfect.num_invented == 0
    assert (bad.num_missed, bad.num_invented) == (1, 1)
    for scores in (fair, bad):
        assert scores.word_accuracy.value < scores.character_accuracy.value
        assert scores.wer > scores.cer
        assert (
            scores.character_accuracy.low <= scores.character_accuracy.value <= scores.character_accuracy.high
        )
    lost = 1 - fair.character_accuracy.value
    assert 1 - fair.word_accuracy.value > 2 * lost
    assert fair.expected_word_accuracy == pytest.approx((1 - lost) ** comparison.mean_word_length)
    table = str(comparison).splitlines()
    assert len(table) == 5
    assert table[2].startswith("| perfect | 100.0% (100.0%–100.0%) | 100.0%")
    assert comparison.to_dict()["engines"][2]["num_missed"] == 1


def test_a_word_that_moved_is_right_where_that_costs_no_edit_more() -> None:
    # One pair of lines: two substitutions, or a deletion, a hit and an insertion.
    (scores,) = compare_engines(["4 departures"], {"board": ["departures 5"]}).engines
    assert (scores.num_missed, scores.wer, scores.word_accuracy.value) == (0, 1.0, 0.5)


def test_an_engine_that_read_nothing() -> None:
    (nothing,) = compare_engines(PAGE, {"blind": []}).engines
    assert nothing.character_accuracy.value == nothing.word_accuracy.value == 0.0
    assert nothing.cer == 1.0
    assert nothing.num_missed == len(PAGE)
    with pytest.raises(OptionError, match="no true line"):
        compare_engines([], {"blind": []})
