"""Temporal detection scores: by hand, and against a plain re-telling of the published protocols, one step at a time."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from muybridge.errors import OptionError, ShapeError
from muybridge.metrics.temporal import (
    ACTIVITYNET_THRESHOLDS,
    THUMOS_THRESHOLDS,
    evaluate_detection,
    evaluate_events,
    evaluate_proposals,
    interpolated_average_precision,
    temporal_iou,
)
from muybridge.metrics.temporal_annotations import ground_truth_of, predictions_of, read_ground_truth
from muybridge.values import Segment

Rows = list[tuple[str, float, float, str, float]]


def truth_of(rows: list[tuple[str, float, float, str]]) -> dict[str, Any]:
    videos: dict[str, Any] = {}
    for video, start, end, label in rows:
        entry = videos.setdefault(video, {"subset": "test", "annotations": []})
        entry["annotations"].append({"segment": [start, end], "label": label})
    return {"database": videos}


def results_of(rows: Rows) -> dict[str, Any]:
    videos: dict[str, Any] = {}
    for video, start, end, label, score in rows:
        videos.setdefault(video, []).append({"segment": [start, end], "label": label, "score": score})
    return {"results": videos}


def random_case(seed: int, *, num_videos: int = 4, num_labels: int = 3) -> tuple[Any, Any]:
    """Truth on a grid of seconds, predictions near it or anywhere; all scores differ."""
    rng = np.random.default_rng(seed)
    true, found = [], []
    for video in (f"v{i}" for i in range(num_videos)):
        for _ in range(int(rng.integers(1, 6))):
            start = float(rng.integers(0, 80))
            end, label = start + float(rng.integers(1, 20)), f"c{rng.integers(num_labels)}"
            true.append((video, start, end, label))
            for _ in range(int(rng.integers(0, 4))):
                s, e = sorted((start + rng.normal(0, 2), end + rng.normal(0, 2)))
                found.append(
                    (
                        video,
                        s,
                        e,
                        label if rng.random() < 0.8 else f"c{rng.integers(num_labels)}",
                        rng.random(),
                    )
                )
        for _ in range(int(rng.integers(0, 4))):
            start = rng.uniform(0, 80)
            found.append(
                (video, start, start + rng.uniform(1, 20), f"c{rng.integers(num_labels)}", rng.random())
            )
    found.append(("not annotated", 0.0, 9.0, "c0", rng.random()))
    return truth_of(true), results_of(found)


def plain_iou(a: list[float], b: list[float]) -> float:
    inside = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return inside / ((b[1] - b[0]) + (a[1] - a[0]) - inside)


def plain_precision(truth: Any, results: Any, label: str, threshold: float) -> float:
    """One class at one threshold, ActivityNet's way, with lists and loops alone."""
    true = [
        (video, a["segment"])
        for video, entry in truth["database"].items()
        for a in entry["annotations"]
        if a["label"] == label
    ]
    found = [
        (r["score"], v, r["segment"])
        for v, rs in results["results"].items()
        for r in rs
        if r["label"] == label
    ]
    found.sort(key=lambda row: -row[0])
    taken: set[int] = set()
    hits = []
    for _, video, segment in found:
        near = [
            (plain_iou(segment, other), i)
            for i, (v, other) in enumerate(true)
            if v == video and i not in taken
        ]
        best = max(near, default=(0.0, -1))
        hits.append(best[0] >= threshold)
        if hits[-1]:
            taken.add(best[1])
    points = [
        (sum(hits[: n + 1]) / len(true), sum(hits[: n + 1]) / (n + 1)) for n in range(len(hits))
    ]  # recall, precision
    area, recall_before = 0.0, 0.0
    for recall, _ in points:
        area += (recall - recall_before) * max((p for r, p in points if r >= recall), default=0.0)
        recall_before = recall
    return area


def plain_recall(
    truth: Any, results: Any, most: float, thresholds: tuple[float, ...]
) -> tuple[Any, Any, float]:
    """AR@AN, ActivityNet's way: average recall and AN at 1% … 100%, and the area."""
    videos = list(truth["database"])
    num_proposals = sum(map(len, results["results"].values()))
    ratio = most * len(videos) / num_proposals
    kept, total = {}, 0
    for video in videos:
        rows = sorted(results["results"].get(video, []), key=lambda row: -row["score"])
        kept[video] = [row["segment"] for row in rows][: min(int(len(rows) * ratio), len(rows))]
        total += len(kept[video])
    recalls, numbers = [], []
    for percent in range(1, 101):
        share = percent / 100.0 * (most * len(videos) / total)
        rates = []
        for threshold in thresholds:
            found = count = 0
            for video in videos:
                n = min(int(len(kept[video]) * share), len(kept[video]))
                for annotation in truth["database"][video]["annotations"]:
                    count += 1
                    found += any(plain_iou(p, annotation["segment"]) >= threshold for p in kept[video][:n])
            rates.append(found / count)
        recalls.append(np.mean(rates))
        numbers.append(share * total / len(videos))
    return recalls, numbers, float(np.trapezoid(recalls, numbers))


def test_temporal_iou_by_hand() -> None:
    assert temporal_iou((0, 10), (5, 15)) == pytest.approx(5 / 15)
    assert temporal_iou((0, 10), (10, 20)) == 0  # they touch
    assert temporal_iou((3, 3), (3, 3)) == 0  # no length, no overlap, no NaN
    assert temporal_iou([(0, 4), (2, 6)], [(0, 4), (4, 8), (2, 3)]).tolist() == pytest.approx(
        np.array([[1, 0, 1 / 4], [2 / 6, 2 / 6, 1 / 4]])
    )


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=2, max_size=2), st.floats(0.1, 9))
def test_temporal_iou_is_symmetric_and_has_no_unit(pair: list[tuple[int, int]], scale: float) -> None:
    a, b = ((start, start + length) for start, length in pair)
    assert 0 <= temporal_iou(a, b) == temporal_iou(b, a) <= 1
    assert temporal_iou(a, a) == 1
    assert temporal_iou(scale * np.array(a), scale * np.array(b)) == pytest.approx(
        temporal_iou(a, b), abs=1e-9
    )


def test_temporal_iou_refuses_what_is_no_segment() -> None:
    with pytest.raises(OptionError, match="end before"):
        temporal_iou((3, 1), (0, 1))
    with pytest.raises(OptionError, match="finite"):
        temporal_iou((0, float("nan")), (0, 1))
    with pytest.raises(ShapeError, match="start and end"):
        temporal_iou((0, 1, 2), (0, 1))


def test_precision_is_interpolated() -> None:
    # Precisions 1, 1/2, 2/3 at recalls 1/2, 1/2, 1: 1/2 · 1 + 1/2 · 2/3.
    assert interpolated_average_precision(np.array([True, False, True]), 2) == pytest.approx(1 / 2 + 1 / 3)
    # Precisions 0, 1/2, 2/3: the first step takes the best that follows, 2/3.
    assert interpolated_average_precision(np.array([False, True, True]), 2) == pytest.approx(2 / 3)
    assert interpolated_average_precision(np.zeros(0, bool), 2) == 0


def test_detection_by_hand() -> None:
    truth = truth_of([("a", 0, 10, "jump"), ("a", 20, 30, "jump"), ("b", 0, 4, "run")])
    found = results_of(
        [
            ("a", 0, 8, "jump", 0.9),  # tIoU 0.8
            ("a", 1, 10, "jump", 0.8),  # 0.9 with the same: a double up to 0.8, the only one above
            ("a", 20, 26, "jump", 0.7),  # 0.6
            ("b", 0, 1, "run", 0.5),  # 0.25
        ]
    )
    scores = evaluate_detection(truth, found, tiou_thresholds=[0.5, 0.7, 0.85])
    assert scores.labels == ("jump", "run")
    jump, run = scores.average_precision.T
    # 0.5: right, double, right. 0.7: right, double, false. 0.85: false, right, false.
    assert jump == pytest.approx([1 / 2 + 1 / 3, 1 / 2, 1 / 4])
    assert run.tolist() == [0, 0, 0]
    assert scores.map_at(0.7) == pytest.approx(1 / 4)
    assert scores.average_map == pytest.approx((5 / 6 + 1 / 2 + 1 / 4) / 6)


@pytest.mark.parametrize("seed", range(12))
def test_detection_equals_the_protocol_told_plainly(seed: int) -> None:
    truth, results = random_case(seed)
    for thresholds in (ACTIVITYNET_THRESHOLDS, THUMOS_THRESHOLDS):
        scores = evaluate_detection(truth, results, tiou_thresholds=thresholds)
        expected = [
            [plain_precision(truth, results, label, threshold) for label in scores.labels]
            for threshold in thresholds
        ]
        assert scores.average_precision == pytest.approx(np.array(expected))
        assert scores.average_map == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("most", [1, 3.5, 100])
@pytest.mark.parametrize("seed", range(4))
def test_recall_equals_the_protocol_told_plainly(seed: int, most: float) -> None:
    truth, results = random_case(seed)
    recall = evaluate_proposals(truth, results, max_proposals_per_video=most)
    average, numbers, area = plain_recall(truth, results, most, ACTIVITYNET_THRESHOLDS)
    assert recall.average_recall == pytest.approx(np.array(average))
    assert recall.proposals_per_video == pytest.approx(np.array(numbers))
    assert recall.area == pytest.approx(area)
    assert recall.area_under_curve == pytest.approx(area / most)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_scores_stay_between_0_and_1_and_fall_with_the_threshold(seed: int) -> None:
    truth, results = random_case(seed)
    per_threshold = evaluate_detection(truth, results).map_per_threshold
    assert ((per_threshold >= 0) & (per_threshold <= 1)).all()
    recall = evaluate_proposals(truth, results).recall
    assert (np.diff(recall, axis=0) <= 0).all()  # harder thresholds find less
    assert (np.diff(recall, axis=1) >= 0).all()  # more proposals find more


def test_the_truth_itself_is_perfect_and_nothing_is_zero() -> None:
    truth, _ = random_case(3)
    perfect = results_of(
        [
            (v, *a["segment"], a["label"], 1 - n / 100)
            for v, entry in truth["database"].items()
            for n, a in enumerate(entry["annotations"])
        ]
    )
    assert evaluate_detection(truth, perfect).average_map == 1
    assert evaluate_proposals(truth, perfect).average_recall_at(100) == 1
    assert evaluate_detection(truth, {"results": {}}).average_map == 0
    assert evaluate_proposals(truth, {"results": {}}).area_under_curve == 0


def test_average_recall_at_an_by_hand() -> None:
    # Two videos with two proposals each: half of the proposals is one per video.
    truth = truth_of([("a", 0, 10, "x"), ("b", 0, 10, "x")])
    found = results_of(
        [("a", 0, 10, "", 0.9), ("a", 40, 50, "", 0.8), ("b", 40, 50, "", 0.9), ("b", 0, 10, "", 0.1)]
    )
    recall = evaluate_proposals(truth, found, max_proposals_per_video=2)
    assert recall.average_recall_at(1) == 0.5
    assert recall.average_recall_at(2) == 1
    assert recall.average_recall_at(0.1) == 0


def test_thumos_protocol_by_hand() -> None:
    truth = truth_of([("a", 0, 10, "x"), ("a", 20, 30, "x"), ("a", 50, 60, "Ambiguous")])
    found = results_of(
        [
            ("a", 0, 5, "x", 0.9),  # exactly 0.5: not above it
            ("a", 50, 55, "x", 0.8),  # excused
            ("a", 0, 9, "x", 0.7),  # taken by the first true segment, though it is ranked lower
            ("a", 20, 30, "x", 0.6),
        ]
    )
    scores = evaluate_detection(truth, found, tiou_thresholds=[0.5], protocol="thumos14")
    assert scores.labels == ("x",)
    # false, right, right: precisions at the right ones 1/2 and 2/3.
    assert scores.average_map == pytest.approx((1 / 2 + 2 / 3) / 2)
    with pytest.raises(OptionError, match="thumos14"):
        evaluate_detection(truth, found, protocol="thumos")  # type: ignore[arg-type]


@pytest.mark.shared
def test_thumos_file_with_numbers_as_strings(shared: Path, tmp_path: Path) -> None:
    path = shared / "formats" / "thumos14_gt.json"
    truth = read_ground_truth(path, subset="test")
    results: dict[str, list[Any]] = {}
    for video, label, segment in zip(truth.videos, truth.labels, truth.segments.tolist(), strict=True):
        results.setdefault(video, []).append(
            {"segment": [str(s) for s in segment], "label": label, "score": "0.5"}
        )
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"results": results}))
    scores = evaluate_detection(path, file, tiou_thresholds=THUMOS_THRESHOLDS, subset="test")
    assert len(scores.labels) == 20
    assert scores.map_at(0.3) == 1
    assert scores.average_map == pytest.approx(1, abs=0.01)
    recall = evaluate_proposals(path, file, subset="test")
    assert 0 < recall.area_under_curve <= recall.average_recall_at(100) <= 1


def test_subsets_and_classes_that_do_not_count() -> None:
    truth = truth_of([("a", 0, 10, "x"), ("b", 0, 10, "y")])
    truth["database"]["b"]["subset"] = "train"
    found = results_of([("a", 0, 10, "x", 0.5), ("b", 0, 10, "y", 0.5), ("b", 0, 10, "x", 0.9)])
    scores = evaluate_detection(truth, found, subset="test")
    assert (scores.labels, scores.num_ignored, scores.num_predictions) == (("x",), 1, 2)
    assert scores.map_at(0.5) == 0.5  # the better one lies in a video of another subset: false
    with pytest.raises(OptionError, match="test, train"):
        evaluate_detection(truth, found, subset="validation")


def test_segments_become_the_layout_and_back() -> None:
    truth = {"a": [Segment(0, 10, "action", "x"), Segment(20, 30, "action", "y")]}
    found = {"a": [Segment(0, 10, "action", "x", 0.9), Segment(20, 30, "action", "y")]}
    scores = evaluate_detection(ground_truth_of(truth), predictions_of(found))
    assert scores.average_map == 1
    assert scores.to_dict()["map"]["0.95"] == 1


@pytest.mark.parametrize(
    ("truth", "found", "message"),
    [
        ({}, {"results": {}}, "'database'"),
        ({"database": {}}, {"results": {}}, "no annotation"),
        ({"database": {"a": {"subset": "test"}}}, {"results": {}}, "'annotations'"),
        ("no such file.json", {"results": {}}, "cannot be read"),
        (truth_of([("a", 5, 1, "x")]), {"results": {}}, "the start first"),
        (truth_of([("a", 0, 1, "x")]), {"wrong": {}}, "'results'"),
        (truth_of([("a", 0, 1, "x")]), results_of([("a", 2, 1, "x", 1.0)]), "the start first"),
        (truth_of([("a", 0, 1, "x")]), results_of([("a", 0, 1, "x", float("nan"))]), "finite"),
        (truth_of([("a", 0, 1, "x")]), {"results": {"a": [{"segment": [0, 1], "label": "x"}]}}, "'score'"),
        (truth_of([("a", 0, 1, "x")]), {"results": {"a": [{"segment": "01s", "label": "x"}]}}, "as numbers"),
    ],
)
def test_bad_files_are_named(truth: Any, found: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        evaluate_detection(truth, found)


@pytest.mark.parametrize(
    "found",
    [[[0, 9]], [5], 5, None, "abc", [None], {"segment": [0, 1], "score": 1}, [{"segment": "19", "score": 1}]],
)
def test_a_video_whose_entries_have_another_layout_is_named(found: Any) -> None:
    truth = truth_of([("cat", 0, 10, "x")])
    with pytest.raises(OptionError, match="predictions, video 'cat'"):
        evaluate_proposals(truth, {"results": {"cat": found}})
    with pytest.raises(OptionError, match="video 'cat'"):
        evaluate_detection(truth, {"results": {"cat": found}})
    with pytest.raises(OptionError, match="video 'cat'"):
        read_ground_truth({"database": {"cat": {"annotations": found}}})


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(OptionError, match="…") as caught:
        read_ground_truth({"database": {"cat": {"annotations": "a" * 10_000}}})
    assert len(str(caught.value)) < 300


def test_only_ambiguous_segments_are_nothing_to_find() -> None:
    truth = truth_of([("a", 0, 10, "Ambiguous")])
    with pytest.raises(OptionError, match="only, which protocol 'thumos14'"):
        evaluate_detection(truth, {"results": {}}, protocol="thumos14")
    assert evaluate_detection(truth, {"results": {}}).labels == ("Ambiguous",)  # a label like any other


@pytest.mark.parametrize("thresholds", [[], [0.0], [1.5], [float("nan")]])
def test_thresholds_outside_0_to_1_are_refused(thresholds: list[float]) -> None:
    truth, results = random_case(0)
    with pytest.raises(OptionError, match="tIoU thresholds"):
        evaluate_detection(truth, results, tiou_thresholds=thresholds)
    with pytest.raises(OptionError, match="max_proposals_per_video"):
        evaluate_proposals(truth, results, max_proposals_per_video=0)


def test_events_by_hand() -> None:
    scores = evaluate_events([(0, 10), (20, 30)], [(1, 10), (0, 10), (50, 60)], tiou_threshold=0.5)
    # The better of the two takes the first event, the other one is false.
    assert (scores.num_matched, scores.delays_seconds) == (1, (0.0,))
    assert scores.precision == pytest.approx(1 / 3)
    assert scores.recall == 0.5
    assert scores.f1 == pytest.approx(2 / 5)
    assert evaluate_events([], []).f1 == 1
    assert evaluate_events([(0, 1)], []).f1 == 0
    assert evaluate_events([], [(0, 1)]).to_dict()["precision"] == 0
    assert evaluate_events([(0, 1)], []).precision == 1
