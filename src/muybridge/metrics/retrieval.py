"""Moments found for a query, and highlights, as QVHighlights measures them.

The numbers are those of its published evaluation, to the last digit, with its quirks: only the first ten windows
of a query count towards mAP, in the order in which they are listed; results are percent with two decimals.

Source: Lei, Berg and Bansal, "QVHighlights: Detecting Moments and Highlights in Videos via Natural Language
Queries", NeurIPS 2021 (`standalone_eval` of its repository).
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError

__all__ = ["evaluate_moments", "highlight_average_precision", "moment_average_precision", "read_rows"]

Row = Mapping[str, Any]
Windows = NDArray[np.float64]

IOU_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
MAX_PREDICTED_WINDOWS = 10
SECONDS_PER_CLIP = 2
LENGTHS_SECONDS = {"short": (0.0, 10.0), "middle": (10.0, 30.0), "long": (30.0, 150.0), "full": None}
"""Of a true window: longer than the first, at most the second; `full` takes all."""
HIGHLIGHT_GRADES = {"Fair": 2, "Good": 3, "VeryGood": 4}
"""The least saliency, of 0 to 4, that makes a clip a highlight."""


def evaluate_moments(
    predictions: str | Path | Iterable[Row],
    ground_truth: str | Path | Iterable[Row],
    *,
    match_number: bool = True,
) -> dict[str, Any]:
    """Recall@1 and mAP of moments, mAP and HIT@1 of highlights, as QVHighlights reports them.

    Args:
        predictions: a JSONL file or its rows: `qid`, `pred_relevant_windows` [[start, end, score], …] in seconds,
            the best first, and `pred_saliency_scores`, one for each two-second clip; either may be left out of
            all rows.
        ground_truth: a JSONL file or its rows: `qid`, `relevant_windows` [[start, end], …]; for highlights also
            `duration`, `relevant_clip_ids` and `saliency_scores`, three for each of those clips.
        match_number: whether both must hold the same queries; otherwise, those of both are taken.

    Returns:
        Percent with two decimals: `"brief"` has the headline numbers (`"MR-full-R1@0.5"`, `"MR-full-R1@0.7"`,
        `"MR-full-mAP"` (the mean over IoU 0.5:0.05:0.95), `"MR-full-mAP@0.5"`, `"MR-full-mAP@0.75"`, mAP of
        `short`, `middle` and `long` windows, `"HL-min-VeryGood-mAP"`, `"HL-min-VeryGood-Hit1"`, …); the other
        keys break them down by IoU. A split that no query falls into has None. A query without any predicted
        window counts as missed, where the published code would stop.

    Raises:
        OptionError: the queries differ, one occurs twice, or a row lacks what is needed or what other rows have, or
            holds something else; the message names the query.

    >>> truth = [{"qid": 1, "relevant_windows": [[0, 10]]}, {"qid": 2, "relevant_windows": [[20, 60]]}]
    >>> windows = {1: [[0, 8, 0.9]], 2: [[0, 20, 0.9]]}
    >>> found = [{"qid": qid, "pred_relevant_windows": rows} for qid, rows in windows.items()]
    >>> scores = evaluate_moments(found, truth)
    >>> scores["brief"]["MR-full-R1@0.7"], scores["full"]["MR-mAP"]["0.8"], scores["full"]["MR-mAP"]["0.85"]
    (50.0, 50.0, 0.0)
    """
    found, truth = _by_query(predictions, "predictions"), _by_query(ground_truth, "ground_truth")
    _check_kinds(found, truth)
    if match_number and found.keys() != truth.keys():
        odd = sorted(map(str, found.keys() ^ truth.keys()))[:5]
        raise OptionError(
            f"predictions and ground_truth differ in their queries, such as {', '.join(odd)};"
            " give match_number=False to compare those of both"
        )
    queries = [query for query in found if query in truth]
    if not queries:
        raise OptionError("no query to evaluate: predictions and ground_truth have none in common")
    scores: dict[str, Any] = {}
    brief: dict[str, float | None] = {}
    # What one row has, all must have: otherwise the rows that lack it would not count, and nobody would know.
    if _any_has(found, queries, "pred_relevant_windows"):
        moments = _moments(
            {query: _windows(found[query], "pred_relevant_windows", 3) for query in queries},
            {query: _windows(truth[query], "relevant_windows", 2) for query in queries},
        )
        scores |= moments
        brief |= _moments_brief(moments)
    if _any_has(found, queries, "pred_saliency_scores") and _any_has(truth, queries, "saliency_scores"):
        highlights = _highlights([found[query] for query in queries], [truth[query] for query in queries])
        scores |= highlights
        brief |= {f"{n}-{k.split('-')[1]}": v for n, pair in highlights.items() for k, v in pair.items()}
    if not scores:
        raise OptionError(
            "the predictions have neither pred_relevant_windows nor pred_saliency_scores to match"
        )
    return {"brief": brief} | dict(sorted(scores.items()))


def moment_average_precision(
    predicted: Sequence[Sequence[float]],
    relevant: Sequence[Sequence[float]],
    *,
    iou_thresholds: Sequence[float] = IOU_THRESHOLDS,
) -> list[float]:
    """Average precision of one query's windows, the area under its interpolated precision–recall curve.

    Args:
        predicted: (N, 3): start, end, score.
        relevant: (M, 2): start, end.
        iou_thresholds: how much a window must overlap to be right, each in [0, 1].

    Returns:
        One value in [0, 1] for each threshold. Each true window is found once; what finds it again is wrong.

    >>> moment_average_precision([[0, 5, 0.9], [10, 20, 0.8]], [[10, 20]], iou_thresholds=[0.5])
    [0.5]
    """
    if not len(predicted) or not len(relevant):
        return [0.0] * len(iou_thresholds)
    windows = sorted(predicted, key=lambda window: -window[2])
    overlaps = _overlaps(np.array(windows, np.float64)[:, :2], np.array(relevant, np.float64))
    # The published code breaks ties between true windows by this very sort.
    orders = [row.argsort()[::-1] for row in overlaps]
    precisions = []
    for threshold in iou_thresholds:
        taken: set[int] = set()
        hits = np.zeros(len(windows))
        for index, (row, order) in enumerate(zip(overlaps, orders, strict=True)):
            free = next((int(j) for j in order if row[j] < threshold or int(j) not in taken), None)
            if free is not None and row[free] >= threshold:
                taken.add(free)
                hits[index] = 1.0
        num_hits = hits.cumsum()
        precisions.append(_area(num_hits / np.arange(1, len(hits) + 1), num_hits / len(relevant)))
    return precisions


def highlight_average_precision(is_highlight: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Average precision of one annotator's highlights: the mean of interpolated precision over recall levels.

    Args:
        is_highlight: (N,), the truth for each clip.
        scores: (N,), the prediction for each clip.

    Returns:
        In [0, 1]; 0 where no clip is a highlight, 1 where all are.

    >>> highlight_average_precision(np.array([False, True, True]), np.array([0.9, 0.8, 0.1])).__round__(3)
    0.667
    """
    if is_highlight.all() or not is_highlight.any():
        return float(is_highlight.all() and len(is_highlight) > 0)
    order = np.argsort(-scores, kind="stable")
    # Clips of one score are taken together: no threshold tells them apart.
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    num_hits = is_highlight[order].cumsum()[last].astype(np.float64)
    precision = num_hits / (last + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    is_new_recall = np.diff(num_hits, prepend=0.0) > 0
    return float(best_from_here[is_new_recall].mean())


def read_rows(source: str | Path | Iterable[Row]) -> list[Row]:
    """The rows of a JSONL file, or the rows themselves.

    Raises:
        OptionError: a file that cannot be read, or a line that is not a JSON object.

    >>> read_rows([{"qid": 1}])
    [{'qid': 1}]
    """
    return [row for _, row in _placed_rows(source, "rows")]


def _placed_rows(source: str | Path | Iterable[Row], what: str) -> list[tuple[str, Row]]:
    """The rows, each with the words that say where it stands."""
    if not isinstance(source, (str, Path)):
        return [(f"{what}, row {number}", row) for number, row in enumerate(source, start=1)]
    try:
        lines = Path(source).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"{source} cannot be read as JSONL: {error}") from error
    rows: list[tuple[str, Row]] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            place = f"{source}, line {number}"
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise OptionError(f"{place} is not JSON: {error}") from error
            if not isinstance(row, dict):
                raise OptionError(f"{place} is not a JSON object")
            rows.append((place, row))
    return rows


def _by_query(source: str | Path | Iterable[Row], what: str) -> dict[Any, Row]:
    queries: dict[Any, Row] = {}
    for place, row in _placed_rows(source, what):
        if not isinstance(row, Mapping):
            raise OptionError(f"{place} is {row!r}; it must be a mapping with a qid")
        if "qid" not in row:
            raise OptionError(f"{place} has no qid; it has {sorted(map(str, row))}")
        query = row["qid"]
        if not isinstance(query, Hashable):
            raise OptionError(f"{place} has the qid {query!r}; it must be a text or a number")
        if query in queries:
            raise OptionError(f"{what} has two rows of qid {query}; keep one (the second is {place})")
        queries[query] = row
    return queries


def _check_kinds(found: Mapping[Any, Row], truth: Mapping[Any, Row]) -> None:
    """Refuse queries that read alike and are not the same: the text '1' and the number 1."""
    missing = {str(query): query for query in truth.keys() - found.keys()}
    for query in found.keys() - truth.keys():
        if str(query) in missing:
            names = [
                f"the {'text' if isinstance(one, str) else 'number'} {one!r}"
                for one in (query, missing[str(query)])
            ]
            raise OptionError(
                f"a qid is {names[0]} in the predictions and {names[1]} in the ground_truth; write it alike"
            )


def _any_has(rows: Mapping[Any, Row], queries: Iterable[Any], key: str) -> bool:
    return any(key in rows[query] for query in queries)


def _windows(row: Row, key: str, width: int) -> list[list[float]]:
    try:
        windows = _numbers([list(window)[:width] for window in _value(row, key)])
    except TypeError:  # a number where a window should be
        windows = None
    if windows is None or (len(windows) and windows.shape[1:] != (width,)) or not np.isfinite(windows).all():
        names = "[start, end, score]" if width == 3 else "[start, end]"
        raise OptionError(f"query {row['qid']}: each of {key} must be {names}, all finite numbers")
    rows: list[list[float]] = windows.tolist()
    reversed_one = next((window for window in rows if window[0] > window[1]), None)
    if reversed_one is not None:
        raise OptionError(
            f"query {row['qid']}: {key} has a window from {reversed_one[0]:g} to {reversed_one[1]:g};"
            " give the start first"
        )
    if key == "relevant_windows" and not rows:
        raise OptionError(f"query {row['qid']} has no relevant window; leave it out of the ground truth")
    return rows


def _value(row: Row, key: str) -> Any:
    if row.get(key) is None:
        raise OptionError(f"query {row['qid']} has no {key}; add it: what is measured must be in every row")
    return row[key]


def _numbers(values: Any) -> NDArray[np.float64] | None:
    """An array of numbers; None for texts, gaps, and lists of several lengths."""
    try:
        array = np.array(values)
    except ValueError:
        return None
    return array.astype(np.float64) if array.dtype.kind in "iuf" else None


def _moments(
    found: Mapping[Any, list[list[float]]], truth: Mapping[Any, list[list[float]]]
) -> dict[str, dict[str, Any]]:
    results = {}
    for name, limits in LENGTHS_SECONDS.items():
        within = {
            query: [w for w in windows if limits is None or limits[0] < w[1] - w[0] <= limits[1]]
            for query, windows in truth.items()
        }
        queries = [query for query, windows in within.items() if windows]
        results[name] = {
            "MR-mAP": _mean_precisions([(found[query], within[query]) for query in queries]),
            "MR-R1": _recalls([(found[query], within[query]) for query in queries]),
        }
    return results


def _mean_precisions(pairs: list[tuple[list[list[float]], list[list[float]]]]) -> dict[str, float | None]:
    names = [*map(str, IOU_THRESHOLDS), "average"]
    if not pairs:
        return dict.fromkeys(names)
    table = np.array([moment_average_precision(p[:MAX_PREDICTED_WINDOWS], t) for p, t in pairs])
    means = table.mean(axis=0)
    values = [*means, means.mean()]
    return {name: _percent(value) for name, value in zip(names, values, strict=True)}


def _recalls(pairs: list[tuple[list[list[float]], list[list[float]]]]) -> dict[str, float | None]:
    if not pairs:
        return dict.fromkeys([str(threshold) for threshold in IOU_THRESHOLDS])
    overlaps = np.array([_best_overlap(p[0], t) if p else 0.0 for p, t in pairs])
    return {str(threshold): _percent((overlaps >= threshold).mean()) for threshold in IOU_THRESHOLDS}


def _best_overlap(window: list[float], relevant: list[list[float]]) -> float:
    best = relevant[int(_overlaps(np.array([window[:2]]), np.array(relevant))[0].argmax())]
    shared = max(0.0, min(window[1], best[1]) - max(window[0], best[0]))
    # The span of both instead of their union: the same where they overlap, and how the published code rounds.
    span = max(window[1], best[1]) - min(window[0], best[0])
    return shared / span if span else 0.0


def _overlaps(a: Windows, b: Windows) -> Windows:
    """(N, M): temporal intersection over union of (N, 2) and (M, 2) windows; 0 where both are empty."""
    starts, ends = np.maximum(a[:, None, 0], b[None, :, 0]), np.minimum(a[:, None, 1], b[None, :, 1])
    shared = np.clip(ends - starts, 0, None)
    union = (a[:, 1] - a[:, 0])[:, None] + (b[:, 1] - b[:, 0])[None, :] - shared
    overlaps: Windows = np.divide(shared, union, out=np.zeros_like(shared), where=union != 0)
    return overlaps


def _area(precision: Windows, recall: Windows) -> float:
    """Under the precision–recall curve, each precision raised to the best one at a higher recall (VOC 2011)."""
    raised = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(recall, prepend=0.0)
    return float((steps * raised).sum())


def _moments_brief(
    moments: Mapping[str, Mapping[str, Mapping[str, float | None]]],
) -> dict[str, float | None]:
    full = moments["full"]
    return {
        "MR-full-R1@0.5": full["MR-R1"]["0.5"],
        "MR-full-R1@0.7": full["MR-R1"]["0.7"],
        "MR-full-mAP": full["MR-mAP"]["average"],
        "MR-full-mAP@0.5": full["MR-mAP"]["0.5"],
        "MR-full-mAP@0.75": full["MR-mAP"]["0.75"],
        "MR-long-mAP": moments["long"]["MR-mAP"]["average"],
        "MR-middle-mAP": moments["middle"]["MR-mAP"]["average"],
        "MR-short-mAP": moments["short"]["MR-mAP"]["average"],
    }


def _highlights(found: list[Row], truth: list[Row]) -> dict[str, dict[str, float]]:
    saliencies = [_saliency(row) for row in truth]
    scores = [_clip_scores(row) for row in found]
    results = {}
    for name, least in HIGHLIGHT_GRADES.items():
        hits, precisions = [], []
        for saliency, predicted in zip(saliencies, scores, strict=True):
            is_highlight = saliency >= least
            top = int(predicted.argmax())
            hits.append(top < len(is_highlight) and bool(is_highlight[top].any()))
            # A prediction for too few clips is filled with zeros, one for too many is cut.
            fitted = np.zeros(len(is_highlight))
            fitted[: len(predicted)] = predicted[: len(is_highlight)]
            precisions.append([highlight_average_precision(column, fitted) for column in is_highlight.T])
        results[f"HL-min-{name}"] = {
            "HL-mAP": _percent(np.mean(precisions)),
            "HL-Hit1": _percent(np.mean(hits)),
        }
    return results


def _saliency(row: Row) -> NDArray[np.float64]:
    """(clips of the video, annotators): 0 for the clips that are not relevant."""
    duration = _value(row, "duration")
    if not (isinstance(duration, (int, float, np.number)) and math.isfinite(duration) and duration >= 0):
        raise OptionError(f"query {row['qid']}: duration is {duration!r}; it must be a number of seconds")
    num_clips = int(duration / SECONDS_PER_CLIP)
    clips, scores = _numbers(_value(row, "relevant_clip_ids")), _numbers(_value(row, "saliency_scores"))
    if (
        clips is None
        or scores is None
        or not _are_clips(clips, num_clips)
        or not _are_ratings(scores, len(clips))
    ):
        raise OptionError(
            f"query {row['qid']}: saliency_scores must be one list of numbers for each of relevant_clip_ids,"
            f" which are whole numbers that lie in [0, {num_clips}) for {duration} seconds, each once"
        )
    full = np.zeros((num_clips, scores.shape[1]))
    full[clips.astype(np.int64)] = scores
    return full


def _are_clips(clips: NDArray[np.float64], num_clips: int) -> bool:
    is_place = (clips >= 0) & (clips < num_clips) & (clips % 1 == 0)
    return clips.ndim == 1 and bool(is_place.all()) and len(np.unique(clips)) == len(clips)


def _are_ratings(scores: NDArray[np.float64], num_clips: int) -> bool:
    return scores.ndim == 2 and len(scores) == num_clips and bool(np.isfinite(scores).all())


def _clip_scores(row: Row) -> NDArray[np.float64]:
    scores = _numbers(_value(row, "pred_saliency_scores"))
    if scores is None or scores.ndim != 1 or not len(scores) or not np.isfinite(scores).all():
        raise OptionError(
            f"query {row['qid']}: pred_saliency_scores must be finite numbers, one for each clip of"
            f" {SECONDS_PER_CLIP} seconds"
        )
    return scores


def _percent(value: Any) -> float:
    return float(f"{100 * float(value):.2f}")
