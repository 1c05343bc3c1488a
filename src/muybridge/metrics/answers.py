"""Multiple-choice answers, by type of question, as NExT-QA reports them.

Source: Xiao et al., "NExT-QA: Next Phase of Question-Answering to Explaining Temporal Actions", CVPR 2021
(`eval_mc.py` of its repository).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from numbers import Number
from typing import Any

from muybridge.errors import OptionError

__all__ = ["NEXT_QA_TYPES", "evaluate_multiple_choice"]

NEXT_QA_TYPES = {
    "CW": "causal: why",
    "CH": "causal: how",
    "TN": "temporal: before and after",
    "TC": "temporal: when",
    "DC": "descriptive: count",
    "DL": "descriptive: location",
    "DO": "descriptive: other",
}
_GROUPS = {"C": "Acc_C", "T": "Acc_T", "D": "Acc_D"}


def evaluate_multiple_choice(
    predictions: Mapping[Hashable, Any], questions: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """How often the right choice was taken, over all questions, by type and by group of types.

    Args:
        predictions: the choice for each question, under `f"{video}_{qid}"` or, where the questions name no video,
            under its `qid`.
        questions: rows as in NExT-QA's tables: `qid`, `type`, `answer`, and `video` where one has several
            questions. Types of other data sets are reported as they are.

    Returns:
        Percent: `"Acc"` over all; `"by_type"` for each type (NExT-QA counts TP, the previous, as TN);
        `"by_group"` with Acc_C, Acc_T and Acc_D where all types are NExT-QA's; `"num_questions"` for each type.
        Choices are compared by value: an index with an index, a text with a text.

    Raises:
        OptionError: no question, one without prediction, two of one key, a row that lacks what is needed, or a
            prediction and an answer of which one is a text and the other the number that it writes.

    >>> rows = [{"qid": 1, "type": "CW", "answer": 2}, {"qid": 2, "type": "TP", "answer": 0}]
    >>> evaluate_multiple_choice({1: 2, 2: 4}, rows)["by_group"]
    {'Acc_C': 100.0, 'Acc_T': 0.0}
    """
    right: dict[str, list[bool]] = {}
    seen: set[Hashable] = set()
    for number, row in enumerate(questions, start=1):
        key = _key(row, number)
        if key in seen:
            raise OptionError(f"two questions have the key {key!r}; give each its own qid")
        if key not in predictions:
            raise OptionError(f"no prediction for question {key!r}; a guess is better than none")
        _check_kinds(key, predictions[key], row["answer"])
        seen.add(key)
        kind = "TN" if row["type"] == "TP" else str(row["type"])
        right.setdefault(kind, []).append(predictions[key] == row["answer"])
    if not right:
        raise OptionError("no question to evaluate")
    kinds = [kind for kind in NEXT_QA_TYPES if kind in right] + sorted(right.keys() - NEXT_QA_TYPES.keys())
    result: dict[str, Any] = {
        "Acc": _percent([answer for answers in right.values() for answer in answers]),
        "by_type": {kind: _percent(right[kind]) for kind in kinds},
        "num_questions": {kind: len(right[kind]) for kind in kinds},
    }
    if right.keys() <= NEXT_QA_TYPES.keys():
        groups = {
            name: [a for k in kinds if k[0] == letter for a in right[k]] for letter, name in _GROUPS.items()
        }
        result["by_group"] = {name: _percent(answers) for name, answers in groups.items() if answers}
    return result


def _key(row: Mapping[str, Any], number: int) -> Hashable:
    """Under what a question's prediction stands."""
    if not isinstance(row, Mapping):
        raise OptionError(
            f"question number {number} is {row!r}; it must be a mapping with qid, type and answer"
        )
    lacking = [name for name in ("qid", "type", "answer") if name not in row]
    if lacking:
        which = repr(row["qid"]) if "qid" in row else f"number {number}"
        raise OptionError(
            f"question {which} has no {' and no '.join(lacking)}; it has {sorted(map(str, row))}"
        )
    key = f"{row['video']}_{row['qid']}" if "video" in row else row["qid"]
    if not isinstance(key, Hashable):
        raise OptionError(f"question number {number} has the qid {key!r}; it must be a text or a number")
    return key


def _check_kinds(key: Hashable, predicted: Any, answer: Any) -> None:
    """Refuse the text '2' beside the number 2: no choice would ever be right, as with a table read by `csv`."""
    named = [("prediction", predicted), ("answer", answer)]
    for (one, text), (other, number) in (named, reversed(named)):
        if isinstance(text, str) and isinstance(number, Number) and bool(number == _number(text)):
            raise OptionError(
                f"question {key!r}: the {one} is the text {text!r} and the {other} the number {number!r}; give both"
                " as numbers or both as texts"
            )


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return None


def _percent(answers: list[bool]) -> float:
    return 100.0 * sum(answers) / len(answers)
