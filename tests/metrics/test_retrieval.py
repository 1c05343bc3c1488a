"""Moments and highlights: hand-worked values, a brute force, and the numbers of the published evaluation."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from muybridge.errors import OptionError
from muybridge.metrics.retrieval import (
    evaluate_moments,
    highlight_average_precision,
    moment_average_precision,
    read_rows,
)

TRUTH = [
    {
        "qid": 1,
        "duration": 150,
        "relevant_windows": [[0, 8], [20, 40]],
        "relevant_clip_ids": [0, 1, 2, 3, 10],
        "saliency_scores": [[4, 4, 2], [3, 4, 2], [2, 2, 3], [2, 2, 2], [0, 1, 3]],
    },
    {
        "qid": 2,
        "duration": 150,
        "relevant_windows": [[60, 140]],
        "relevant_clip_ids": [30, 31],
        "saliency_scores": [[4, 4, 4], [0, 0, 0]],
    },
]
FOUND = [
    {
        "qid": 1,
        "pred_relevant_windows": [[20, 38, 0.9], [0, 4, 0.8], [0, 8, 0.7]],
        "pred_saliency_scores": [0.1, 0.9] + [0.0] * 73,
    },
    {
        "qid": 2,
        "pred_relevant_windows": [[0, 100, 0.5], [60, 140, 0.4]],
        "pred_saliency_scores": [0.0] * 31 + [0.8] + [0.0] * 43,
    },
]


def synthetic(seed: int) -> tuple[list[dict], list[dict]]:
    """Predictions and truth with ties, several windows and too many or too few clips."""
    rng = random.Random(seed)
    truth, found = [], []
    for qid in range(60):
        windows = []
        for _ in range(rng.choice([1, 1, 2, 4])):
            start = 2 * rng.randrange(70)
            windows.append([start, start + rng.choice([2, 6, 10, 12, 30, 40, 80])])
        clips = sorted(rng.sample(range(75), rng.randint(1, 30)))
        saliency = [[rng.randint(0, 4) for _ in range(3)] for _ in clips]
        truth.append(
            {
                "qid": qid,
                "duration": 150,
                "relevant_windows": windows,
                "relevant_clip_ids": clips,
                "saliency_scores": saliency,
            }
        )
        guesses = []
        for _ in range(rng.choice([1, 5, 12])):
            start, end = rng.choice(windows)
            start += rng.choice([0, 2, -2, 5])
            guesses.append([start, max(start + 1, end + rng.choice([0, 2, -4])), rng.randint(0, 9) / 10])
        clips_said = [rng.randint(0, 99) / 100 for _ in range(rng.choice([75, 60, 80]))]
        found.append({"qid": qid, "pred_relevant_windows": guesses, "pred_saliency_scores": clips_said})
    return found, truth


def test_moments_by_hand() -> None:
    scores = evaluate_moments(FOUND, TRUTH)
    # Query 1's first window covers 18 of 20 seconds of its best truth; query 2's 40 of 140: one of two is right.
    assert scores["brief"]["MR-full-R1@0.5"] == 50.0
    assert scores["full"]["MR-R1"]["0.9"] == 50.0
    assert scores["full"]["MR-R1"]["0.95"] == 0.0
    # At 0.5 query 1 finds both truths with its first two windows: AP 1; query 2 its only one with the second: 1/2.
    assert scores["full"]["MR-mAP"]["0.5"] == 75.0
    # At 0.55 the second window (4 of 8 seconds) is wrong; precision 1 at recall 1/2 and 2/3 at recall 1: AP 5/6.
    assert scores["full"]["MR-mAP"]["0.55"] == round(100 * (5 / 6 + 1 / 2) / 2, 2)
    # At 0.95 only the third window is right, at precision 1/3 and recall 1/2: AP 1/6.
    assert scores["full"]["MR-mAP"]["0.95"] == round(100 * (1 / 6 + 1 / 2) / 2, 2)


def test_windows_fall_into_splits_by_the_length_of_the_true_window() -> None:
    scores = evaluate_moments(FOUND, TRUTH)
    assert scores["short"]["MR-R1"]["0.5"] == 0.0  # the window first listed is not the short one
    assert scores["middle"]["MR-R1"]["0.5"] == 100.0
    assert scores["long"]["MR-mAP"]["0.5"] == 50.0
    only_long = evaluate_moments(FOUND[1:], TRUTH[1:])
    assert only_long["short"]["MR-mAP"]["average"] is None
    assert only_long["brief"]["MR-short-mAP"] is None


def test_highlights_by_hand() -> None:
    scores = evaluate_moments(FOUND, TRUTH)
    # Query 1's best clip is 1, rated (3, 4, 2); query 2's is 31, rated zero by all.
    assert scores["HL-min-VeryGood"]["HL-Hit1"] == 50.0
    assert scores["HL-min-Good"]["HL-Hit1"] == 50.0
    # Very good in query 1: annotator 1 clip 0 (ranked second: 1/2), annotator 2 clips 0 and 1 (first two: 1),
    # annotator 3 none (0). Query 2: clip 30 is behind clip 31, tied with the other 74: 1/75, three times.
    assert scores["HL-min-VeryGood"]["HL-mAP"] == round(100 * (1 / 2 + 1 + 0 + 3 / 75) / 6, 2)


def test_numbers_of_the_published_code() -> None:
    # Its output for these very rows; the whole result was equal, key by key.
    brief = evaluate_moments(*synthetic(7))["brief"]
    assert brief == PUBLISHED


PUBLISHED = {
    "MR-full-R1@0.5": 80.0,
    "MR-full-R1@0.7": 68.33,
    "MR-full-mAP": 49.34,
    "MR-full-mAP@0.5": 67.98,
    "MR-full-mAP@0.75": 53.56,
    "MR-long-mAP": 58.64,
    "MR-middle-mAP": 47.48,
    "MR-short-mAP": 19.45,
    "HL-min-Fair-mAP": 17.62,
    "HL-min-Fair-Hit1": 8.33,
    "HL-min-Good-mAP": 13.21,
    "HL-min-Good-Hit1": 8.33,
    "HL-min-VeryGood-mAP": 7.99,
    "HL-min-VeryGood-Hit1": 5.0,
}


@given(st.integers(0, 10_000))
def test_average_precision_is_that_of_a_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    relevant = [[start, start + 5.0] for start in rng.permutation(np.arange(0, 100, 10.0))[:4]]
    predicted = [[s := float(rng.integers(0, 100)), s + rng.integers(1, 9), rank / 20] for rank in range(8)]
    for threshold in (0.3, 0.5, 0.7):
        curve, taken = [], set()
        for rank, (start, end, _) in enumerate(sorted(predicted, key=lambda window: -window[2]), start=1):
            for number, (begin, stop) in enumerate(relevant):
                shared = max(0.0, min(end, stop) - max(start, begin))
                if shared / (end - start + 5 - shared) >= threshold and number not in taken:
                    taken.add(number)
                    break
            curve.append((len(taken) / rank, len(taken)))
        expected = sum(
            max((p for p, found in curve if found >= level), default=0.0)
            for level in range(1, len(relevant) + 1)
        ) / len(relevant)
        got = moment_average_precision(predicted, relevant, iou_thresholds=[threshold])[0]
        assert got == pytest.approx(expected)


def test_highlights_that_are_all_or_nothing() -> None:
    scores = np.array([0.2, 0.1])
    assert highlight_average_precision(np.array([True, True]), scores) == 1.0
    assert highlight_average_precision(np.array([False, False]), scores) == 0.0


def test_a_query_without_windows_is_missed() -> None:
    found = [FOUND[0], {"qid": 2, "pred_relevant_windows": []}]
    found = [{key: value for key, value in row.items() if key != "pred_saliency_scores"} for row in found]
    scores = evaluate_moments(found, TRUTH)
    assert scores["full"]["MR-R1"]["0.5"] == 50.0
    assert scores["full"]["MR-mAP"]["0.5"] == 50.0
    assert not any(name.startswith("HL") for name in scores)


def test_files_and_rows_give_the_same(tmp_path: Path) -> None:
    for name, rows in (("found", FOUND), ("truth", TRUTH)):
        (tmp_path / name).write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    assert evaluate_moments(tmp_path / "found", str(tmp_path / "truth")) == evaluate_moments(FOUND, TRUTH)


def test_truth_of_other_data_sets_is_read(shared: Path) -> None:
    truth = read_rows(shared / "formats" / "charades_sta_test.jsonl")
    found = [
        {"qid": row["qid"], "pred_relevant_windows": [[*row["relevant_windows"][0], 1.0]]} for row in truth
    ]
    scores = evaluate_moments(found, truth)
    assert scores["brief"]["MR-full-R1@0.7"] == 100.0
    assert scores["brief"]["MR-full-mAP"] == 100.0


def test_queries_must_match_unless_told() -> None:
    with pytest.raises(OptionError, match="match_number=False"):
        evaluate_moments(FOUND[:1], TRUTH)
    assert evaluate_moments(FOUND[:1], TRUTH, match_number=False)["full"]["MR-R1"]["0.5"] == 100.0


@pytest.mark.parametrize(
    ("found", "truth", "message"),
    [
        ([{"pred_relevant_windows": []}], TRUTH, "no qid"),
        ([FOUND[0], FOUND[0]], TRUTH, "two rows of qid 1"),
        ([{"qid": 1, "pred_relevant_windows": [[0, 1]]}], TRUTH[:1], "start, end, score"),
        ([{"qid": 1, "pred_relevant_windows": [[0, float("nan"), 1]]}], TRUTH[:1], "finite"),
        (FOUND[:1], [{"qid": 1, "relevant_windows": []}], "leave it out"),
        ([{"qid": 1}], TRUTH[:1], "neither"),
        ([{"qid": 1, "pred_saliency_scores": []}], TRUTH[:1], "one for each clip"),
        (
            [{"qid": 1, "pred_saliency_scores": [1]}],
            [{**TRUTH[0], "relevant_clip_ids": [0, 1, 2, 3, 99]}],
            "lie in",
        ),
        ([], [], "none in common"),
        ([5], TRUTH, "predictions, row 1 is 5"),
        ([{"qid": [1]}], TRUTH, r"qid \[1\]; it must be a text or a number"),
        ([{**FOUND[0], "qid": "1"}], TRUTH[:1], "text '1' in the predictions and the number 1 in the ground"),
        (
            FOUND[:1],
            [{"qid": 1, "relevant_windows": [[5, 1]]}],
            "query 1: relevant_windows has a window from 5 to 1",
        ),
        (
            [{"qid": 1, "pred_relevant_windows": [[5, 1, 0.9]]}],
            TRUTH[:1],
            "query 1: pred_relevant.* from 5 to 1",
        ),
    ],
)
def test_bad_rows_are_named(found: list, truth: list, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        evaluate_moments(found, truth)


@pytest.mark.parametrize("windows", [[[0, "x"]], [0, 10], [[0, None]], [[]], [[0, 1], [2]], 5])
def test_windows_of_anything_but_numbers_are_named(windows: object) -> None:
    with pytest.raises(OptionError, match=r"query 1: each of relevant_windows must be \[start, end\]"):
        evaluate_moments(FOUND[:1], [{"qid": 1, "relevant_windows": windows}])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"relevant_clip_ids": [-1, 1, 2, 3, 10]}, "lie in"),
        ({"relevant_clip_ids": [0.5, 1, 2, 3, 10]}, "whole numbers"),
        ({"relevant_clip_ids": [1, 1, 2, 3, 10]}, "each once"),
        ({"relevant_clip_ids": ["a", 1, 2, 3, 10]}, "whole numbers"),
        ({"saliency_scores": [[4, 4, None]] * 5}, "list of numbers"),
        ({"saliency_scores": [[4, 4, 4]] * 4 + [[4]]}, "list of numbers"),
        ({"duration": "10"}, "duration is '10'"),
        ({"duration": float("nan")}, "duration is nan"),
    ],
)
def test_saliency_that_would_score_another_clip_is_named(change: dict, message: str) -> None:
    with pytest.raises(OptionError, match=f"query 1: .*{message}"):
        evaluate_moments(FOUND[:1], [{**TRUTH[0], **change}])


@pytest.mark.parametrize("key", ["pred_relevant_windows", "pred_saliency_scores"])
@pytest.mark.parametrize("lacks", [0, 1])
def test_what_is_measured_does_not_depend_on_the_order_of_the_rows(key: str, lacks: int) -> None:
    found = [dict(row) for row in FOUND]
    del found[lacks][key]
    with pytest.raises(OptionError, match=f"query {lacks + 1} has no {key}"):
        evaluate_moments(found, TRUTH)


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be read"):
        read_rows(tmp_path / "none.jsonl")
    (tmp_path / "bad.jsonl").write_text('{"qid": 1}\n{"qid":\n')
    with pytest.raises(OptionError, match="line 2"):
        read_rows(tmp_path / "bad.jsonl")
    (tmp_path / "none.jsonl").write_text('{"qid": 1}\n{"id": 2}\n')
    with pytest.raises(OptionError, match="line 2 has no qid"):
        evaluate_moments(tmp_path / "none.jsonl", TRUTH)
    (tmp_path / "list.jsonl").write_text("[1]\n")
    with pytest.raises(OptionError, match="not a JSON object"):
        read_rows(tmp_path / "list.jsonl")
