"""Reading a line from a CTC network's output."""

from pathlib import Path

import numpy as np
import pytest

from muybridge.errors import OptionError, ShapeError
from muybridge.text import ctc

CHARACTERS = " !\"#&'()*+,-./0123456789:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def line(shared: Path) -> np.ndarray:
    """Scores before softmax of a handwriting network, (100, 80), blank last."""
    rows = (shared / "ctc" / "line" / "rnnOutput.csv").read_text().splitlines()
    return np.array([[float(cell) for cell in row.split(";")[:-1]] for row in rows])


def test_best_path_of_the_known_line(line: np.ndarray) -> None:
    assert ctc.greedy_decode(line, CHARACTERS, blank=-1) == "the fak friend of the fomly hae tC"


def test_repeats_merge_and_blanks_separate() -> None:
    path = [1, 1, 0, 1, 2, 2, 0, 0, 2]
    assert ctc.greedy_decode(np.eye(3)[path], "ab", kind="probabilities") == "aabb"


def test_spans_and_confidences_of_the_best_path() -> None:
    steps = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.1, 0.9, 0.0], [0.0, 0.2, 0.8]])
    path = ctc.best_path(steps, "ab", kind="probabilities")
    assert path.text == "ab"
    assert [(s.character, s.start, s.stop) for s in path.characters] == [("a", 1, 3), ("b", 3, 4)]
    assert [s.confidence for s in path.characters] == pytest.approx([0.9, 0.8])
    assert path.confidence == pytest.approx(0.85)
    assert path.log_probability == pytest.approx(np.log(0.9 * 0.7 * 0.9 * 0.8))
    assert path.to_dict()["characters"][0]["stop"] == 3


@pytest.mark.parametrize("blank", [0, 1, 2, -1, -3])
def test_the_blank_may_be_any_column(blank: int) -> None:
    symbols = list("ab")
    symbols.insert(blank % 3, "-")
    path = [symbols.index(symbol) for symbol in "a-ab"]
    assert ctc.greedy_decode(np.eye(3)[path], "ab", blank=blank, kind="probabilities") == "aab"


def test_logits_log_probabilities_and_probabilities_read_alike() -> None:
    logits = np.random.default_rng(0).normal(size=(30, 6)) * 3
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    paths = [
        ctc.best_path(logits, "abcde"),
        ctc.best_path(logits, "abcde", kind="logits"),
        ctc.best_path(np.log(probabilities), "abcde", kind="log_probabilities"),
        ctc.best_path(probabilities, "abcde", kind="probabilities"),
        ctc.best_path(probabilities.astype(np.float32), "abcde", kind="probabilities"),
    ]
    assert len({path.text for path in paths}) == 1
    for path in paths:
        assert path.log_probability == pytest.approx(paths[0].log_probability, rel=1e-6)
        confidences = [span.confidence for span in path.characters]
        assert confidences == pytest.approx([span.confidence for span in paths[0].characters], rel=1e-6)


def test_a_batch_reads_as_its_lines_do() -> None:
    rng = np.random.default_rng(1)
    lines = [rng.normal(size=(length, 4)) for length in (0, 1, 5, 9)]
    assert ctc.best_paths(lines, "abc") == [ctc.best_path(line, "abc") for line in lines]
    assert ctc.best_paths(np.stack([lines[2]] * 2), "abc") == [ctc.best_path(lines[2], "abc")] * 2


def test_symbols_of_several_code_points_and_right_to_left_text() -> None:
    # A letter with its combining mark is one column; Hebrew comes in the order of the time steps.
    path = np.eye(3)[[1, 2, 2, 0, 1]]
    assert ctc.greedy_decode(path, ["e\u0301", "o"], kind="probabilities") == "e\u0301oe\u0301"
    assert ctc.greedy_decode(path, "של", kind="probabilities") == "שלש"


def test_no_time_step_is_an_empty_line() -> None:
    assert ctc.greedy_decode(np.zeros((0, 3)), "ab") == ""
    assert ctc.best_path(np.zeros((0, 3)), "ab").log_probability == 0.0


@pytest.mark.parametrize(
    ("values", "alphabet", "options", "error", "message"),
    [
        (np.full((2, 3), np.nan), "ab", {}, OptionError, "time step 0 holds NaN"),
        (np.array([[0, 1.0], [0, np.inf]]), "a", {}, OptionError, "time step 1 holds .inf"),
        (np.full((1, 3), -np.inf), "ab", {}, OptionError, "only .inf"),
        (np.zeros((2, 3)), "ab", {"blank": 3}, OptionError, "blank=3 is not one of the 3 columns"),
        (np.zeros((2, 3)), "ab", {"blank": -4}, OptionError, "blank=-4"),
        (np.zeros((2, 3)), "abc", {}, OptionError, "need 2; leave the blank out"),
        (np.zeros((2, 3)), "a", {}, OptionError, "1 characters, but 3 columns"),
        (np.zeros((2, 3)), ["a", ""], {}, OptionError, "empty string"),
        (np.zeros(3), "ab", {}, ShapeError, r"\(3,\)"),
        (np.zeros((2, 0)), "", {}, ShapeError, r"\(2, 0\)"),
        (np.zeros((1, 2, 3)), "ab", {}, ShapeError, "best_paths"),
        (np.array([["x", "y"]]), "a", {}, ShapeError, "real numbers"),
        (np.array([[0.2, 0.8]]), "a", {}, OptionError, "look like probabilities"),
        (np.array([[0.2, 0.7]]), "a", {"kind": "probabilities"}, OptionError, "row 0 sums to 0.9"),
        (np.array([[-0.2, 1.2]]), "a", {"kind": "probabilities"}, OptionError, "a value of -0.2"),
        (np.log([[0.2, 0.7]]), "a", {"kind": "log_probabilities"}, OptionError, "row 0 sum to 0.9"),
        (np.zeros((2, 3)), "ab", {"kind": "softmax"}, OptionError, "kind='softmax'"),
    ],
)
def test_bad_input(
    values: np.ndarray, alphabet: str, options: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ctc.greedy_decode(values, alphabet, **options)
