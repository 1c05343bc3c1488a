"""Who says that what happens when: annotations and predictions in ActivityNet's layout, as columns.

    ground truth   {"database": {video: {"subset": …, "annotations": [{"segment": [start, end], "label": …}]}}}
    predictions    {"results": {video: [{"segment": [start, end], "label": …, "score": …}]}}

Times are seconds. THUMOS'14 is passed around in the same layout, with its numbers as strings.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError
from muybridge.values import Segment

__all__ = [
    "AnnotationSource",
    "Instances",
    "ground_truth_of",
    "predictions_of",
    "read_ground_truth",
    "read_predictions",
]

MAX_SHOWN = 80
AnnotationSource = Mapping[str, Any] | str | Path
"""ActivityNet's layout, or the path of a JSON file that holds it."""


@dataclass(frozen=True, slots=True, eq=False)
class Instances:
    """N segments of many videos, as columns.

    Args:
        videos: N names, each the video that a segment lies in.
        labels: N labels; empty where none was given.
        segments: (N, 2) float64 start and end in seconds.
        scores: (N,) float64; ones for ground truth.
    """

    videos: tuple[str, ...]
    labels: tuple[str, ...]
    segments: NDArray[np.float64]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.videos)

    def by_video(self) -> dict[str, NDArray[np.intp]]:
        """The rows of each video, in order of appearance."""
        rows: dict[str, list[int]] = {}
        for row, video in enumerate(self.videos):
            rows.setdefault(video, []).append(row)
        return {video: np.array(found, np.intp) for video, found in rows.items()}

    def by_label(self) -> dict[str, dict[str, NDArray[np.intp]]]:
        """For each label the rows of each video, in order of appearance."""
        rows: dict[str, dict[str, list[int]]] = {}
        for row, (label, video) in enumerate(zip(self.labels, self.videos, strict=True)):
            rows.setdefault(label, {}).setdefault(video, []).append(row)
        return {
            label: {video: np.array(found, np.intp) for video, found in videos.items()}
            for label, videos in rows.items()
        }


def read_ground_truth(source: AnnotationSource, *, subset: str | None = None) -> Instances:
    """The annotated segments of a data set.

    Args:
        source: ActivityNet's layout with `"database"`, or its path; numbers may be strings.
        subset: such as `"validation"` or `"test"`; None for all videos.

    Raises:
        OptionError: another layout, a segment that ends before it starts, or no segment in that subset.

    >>> database = {"cat": {"subset": "test", "annotations": [{"segment": ["1.5", "4"], "label": "jump"}]}}
    >>> read_ground_truth({"database": database}).segments.tolist()
    [[1.5, 4.0]]
    """
    database = _section(source, "database", "ground truth")
    rows = [
        (video, annotation)
        for video, entry in database.items()
        if subset is None or _field(entry, "subset", video) == subset
        for annotation in _entries(_field(entry, "annotations", video), "ground truth", video)
    ]
    if not rows:
        subsets = sorted({str(entry.get("subset")) for entry in database.values()})
        raise OptionError(
            f"the ground truth has no annotation in subset {subset!r}; its subsets are {', '.join(subsets) or 'none'}"
        )
    return _columns(rows, "ground truth", needs_label=True, needs_score=False)


def read_predictions(source: AnnotationSource, *, needs_label: bool = True) -> Instances:
    """The segments that a method found.

    Args:
        source: ActivityNet's layout with `"results"`, or its path; numbers may be strings.
        needs_label: whether each segment must have a label; proposals need none.

    Raises:
        OptionError: another layout, a segment that ends before it starts, or a score that is NaN.

    >>> read_predictions({"results": {"cat": [{"segment": [0, 2], "label": "jump", "score": 0.9}]}}).scores
    array([0.9])
    """
    results = _section(source, "results", "predictions")
    rows = [
        (video, entry) for video, found in results.items() for entry in _entries(found, "predictions", video)
    ]
    return _columns(rows, "predictions", needs_label=needs_label, needs_score=True)


def ground_truth_of(segments: Mapping[str, Iterable[Segment]], *, subset: str = "test") -> dict[str, Any]:
    """Segments as ground truth in ActivityNet's layout.

    Args:
        segments: video → its true segments.
        subset: the subset that all videos are put into.

    >>> ground_truth_of({"cat": [Segment(1, 2, "action", "jump")]})["database"]["cat"]["annotations"]
    [{'segment': [1.0, 2.0], 'label': 'jump'}]
    """
    return {
        "database": {
            video: {
                "subset": subset,
                "annotations": [
                    {"segment": [s.start_seconds, s.end_seconds], "label": s.label} for s in found
                ],
            }
            for video, found in segments.items()
        }
    }


def predictions_of(segments: Mapping[str, Iterable[Segment]]) -> dict[str, Any]:
    """Segments as predictions in ActivityNet's layout; one without a score counts as certain.

    Args:
        segments: video → the segments found in it, as `detect_actions` gives them.

    >>> predictions_of({"cat": [Segment(1, 2, "action", "jump", 0.5)]})["results"]
    {'cat': [{'segment': [1.0, 2.0], 'label': 'jump', 'score': 0.5}]}
    """
    results = {
        video: [
            {
                "segment": [s.start_seconds, s.end_seconds],
                "label": s.label,
                "score": 1.0 if s.score is None else s.score,
            }
            for s in found
        ]
        for video, found in segments.items()
    }
    return {"version": "VERSION 1.3", "results": results, "external_data": {}}


def _section(source: AnnotationSource, name: str, what: str) -> Mapping[str, Any]:
    if isinstance(source, Mapping):
        data: Any = source
    else:
        try:
            data = json.loads(Path(source).expanduser().read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OptionError(
                f"{what} {str(source)!r} cannot be read: {error}; give a JSON file or a dict"
            ) from None
    if not isinstance(data, Mapping) or not isinstance(data.get(name), Mapping):
        raise OptionError(
            f"{what} must be a dict with {name!r}, which maps each video, as ActivityNet lays it out"
        )
    section: Mapping[str, Any] = data[name]
    return section


def _entries(value: Any, what: str, video: str) -> list[Mapping[str, Any]]:
    """A video's entries, if they are laid out as such."""
    if not isinstance(value, list | tuple):
        raise OptionError(
            f"{what}, video {video!r}: {_short(value)} is no list; each video has a list of"
            " {'segment': [start, end], …}, empty where there is none"
        )
    for entry in value:
        if not isinstance(entry, Mapping):
            raise OptionError(
                f"{what}, video {video!r}: {_short(entry)} is no entry; each is a dict with 'segment': [start, end]"
            )
    return list(value)


def _short(value: Any) -> str:
    """A value in an error message, which a whole file must not fill."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def _field(entry: Any, name: str, video: str) -> Any:
    if not isinstance(entry, Mapping) or name not in entry:
        raise OptionError(f"video {video!r}: an entry lacks {name!r}")
    return entry[name]


def _columns(rows: list[tuple[str, Any]], what: str, *, needs_label: bool, needs_score: bool) -> Instances:
    segments = np.zeros((len(rows), 2))
    scores = np.ones(len(rows))
    labels = []
    for row, (video, entry) in enumerate(rows):
        labels.append(str(_field(entry, "label", video) if needs_label else entry.get("label", "")))
        try:
            segment = _field(entry, "segment", video)
            if isinstance(segment, str):  # of two digits, it would be two numbers
                raise TypeError(segment)
            start, end = segment
            segments[row] = float(start), float(end)
            if needs_score:
                scores[row] = float(_field(entry, "score", video))
        except (TypeError, ValueError) as error:
            if isinstance(error, OptionError):
                raise
            raise OptionError(
                f"{what}, video {video!r}: {_short(entry)} needs 'segment': [start, end] and a score as numbers"
            ) from None
        start, end = segments[row].tolist()
        if not (math.isfinite(start) and math.isfinite(end) and start <= end):
            raise OptionError(
                f"{what}, video {video!r}: a segment from {start} to {end}; times must be finite, the start first"
            )
        if not math.isfinite(scores[row]):
            raise OptionError(f"{what}, video {video!r}: score {scores[row]}; scores must be finite numbers")
    return Instances(tuple(video for video, _ in rows), tuple(labels), segments, scores)
