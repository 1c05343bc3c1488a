"""Multiple-choice accuracy, worked out by hand."""

import numpy as np
import pytest

from muybridge.errors import OptionError
from muybridge.metrics.answers import evaluate_multiple_choice

QUESTIONS = [
    {"video": 9, "qid": 0, "type": "CW", "answer": 1},
    {"video": 9, "qid": 1, "type": "CW", "answer": 2},
    {"video": 9, "qid": 2, "type": "CH", "answer": 0},
    {"video": 7, "qid": 0, "type": "TP", "answer": 3},
    {"video": 7, "qid": 1, "type": "TN", "answer": 3},
    {"video": 7, "qid": 2, "type": "DO", "answer": 4},
]
CHOICES = {"9_0": 1, "9_1": 0, "9_2": 0, "7_0": 3, "7_1": 1, "7_2": 4}


def test_by_type_by_group_and_over_all() -> None:
    result = evaluate_multiple_choice(CHOICES, QUESTIONS)
    assert result["Acc"] == pytest.approx(100 * 4 / 6)
    assert result["by_type"] == {"CW": 50.0, "CH": 100.0, "TN": 50.0, "DO": 100.0}
    # Groups count questions, not types: two of three causal ones are right.
    assert result["by_group"] == pytest.approx({"Acc_C": 200 / 3, "Acc_T": 50.0, "Acc_D": 100.0})
    assert result["num_questions"] == {"CW": 2, "CH": 1, "TN": 2, "DO": 1}


def test_types_of_other_data_sets_are_kept() -> None:
    rows = [{"qid": "a", "type": "color", "answer": "red"}, {"qid": "b", "type": "order", "answer": "dog"}]
    result = evaluate_multiple_choice({"a": "red", "b": "cat"}, rows)
    assert result["by_type"] == {"color": 100.0, "order": 0.0}
    assert "by_group" not in result


def test_bad_input_is_named() -> None:
    with pytest.raises(OptionError, match="7_2"):
        evaluate_multiple_choice({k: v for k, v in CHOICES.items() if k != "7_2"}, QUESTIONS)
    with pytest.raises(OptionError, match="two questions"):
        evaluate_multiple_choice(CHOICES, QUESTIONS[:1] * 2)
    with pytest.raises(OptionError, match="no question"):
        evaluate_multiple_choice(CHOICES, [])
    with pytest.raises(OptionError, match="question 1 has no type"):
        evaluate_multiple_choice({1: 2}, [{"qid": 1, "answer": 2}])
    with pytest.raises(OptionError, match="question number 2 has no qid and no answer"):
        evaluate_multiple_choice(CHOICES, [QUESTIONS[0], {"type": "CW"}])
    with pytest.raises(OptionError, match=r"the qid \[1\]"):
        evaluate_multiple_choice(CHOICES, [{"qid": [1], "type": "CW", "answer": 2}])
    with pytest.raises(OptionError, match="question number 1 is None"):
        evaluate_multiple_choice(CHOICES, [None])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("prediction", "answer"), [(2, "2"), ("2", 2), (2.0, "2"), ("2.0", 2), (np.int64(2), "2")]
)
def test_a_number_and_the_text_that_writes_it_are_not_compared(prediction: object, answer: object) -> None:
    """As from a table read by `csv`: no choice would be right, and the accuracy a confident 0%."""
    rows = [{"qid": 0, "type": "CW", "answer": answer}]
    with pytest.raises(OptionError, match=r"question 0: .* is the text .* and .* the number .*; give both"):
        evaluate_multiple_choice({0: prediction}, rows)


def test_a_text_that_is_no_choice_is_a_wrong_one() -> None:
    rows = [{"qid": 0, "type": "CW", "answer": 2}, {"qid": 1, "type": "CW", "answer": "2 dogs"}]
    assert evaluate_multiple_choice({0: "I cannot tell", 1: 2}, rows)["Acc"] == 0.0
