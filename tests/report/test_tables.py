import csv
import io
import json

import numpy as np
import pytest

from muybridge.report.tables import segments_to_csv, signals_to_csv
from muybridge.values import Segment, Signal


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_a_row_for_each_segment() -> None:
    segment = Segment(1.0, 2.5, "text", 'say "hi",\nnow', 0.9, {"polygon": [[1, 2]], "engine": "出口"})
    (row,) = rows_of(segments_to_csv([segment]))
    assert row["label"] == 'say "hi",\nnow'
    assert (float(row["start_seconds"]), float(row["end_seconds"]), float(row["score"])) == (1.0, 2.5, 0.9)
    assert json.loads(row["attributes"]) == {"polygon": [[1, 2]], "engine": "出口"}


def test_any_end_of_a_line_stays_in_its_cell() -> None:
    words = "up\rdown\r\nleft\nright"
    (row,) = rows_of(segments_to_csv([Segment(0, 1, words, words, None, {"note": words})]))
    assert row["label"] == row["kind"] == "up\ndown\nleft\nright"
    assert json.loads(row["attributes"]) == {"note": words}
    (row,) = rows_of(signals_to_csv([Signal(words, np.array([0.0]), np.array([1.0]), words)]))
    assert row["signal"] == row["unit"] == "up\ndown\nleft\nright"


def test_no_score_is_an_empty_cell() -> None:
    assert rows_of(segments_to_csv([Segment(0, 1)]))[0]["score"] == ""


@pytest.mark.parametrize(
    "words",
    ["=cmd|'/C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", " =1", "\n=1", "\uff1d1"],
)
def test_words_from_the_screen_are_never_a_formula(words: str) -> None:
    (row,) = rows_of(segments_to_csv([Segment(0, 1, words, words)]))
    assert row["label"] == "'" + words
    assert row["kind"] == "'" + words


def test_numbers_below_zero_stay_numbers() -> None:
    assert rows_of(segments_to_csv([Segment(-1.5, 0)]))[0]["start_seconds"] == "-1.5"


def test_signals_one_value_a_row_and_nan_empty() -> None:
    signal = Signal("energy", np.array([0.0, 0.5]), np.array([0.25, np.nan]), "px/s")
    assert rows_of(signals_to_csv([signal])) == [
        {"signal": "energy", "unit": "px/s", "seconds": "0.0", "value": "0.25"},
        {"signal": "energy", "unit": "px/s", "seconds": "0.5", "value": ""},
    ]
