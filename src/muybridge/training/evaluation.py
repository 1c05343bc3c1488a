"""What a model is worth on videos that it has not seen: numbers with their uncertainty, and pictures to look at.

    videos ──views──► model ──► probabilities (N, K) ──► accuracy · confusion · calibration · rejection · worst clips

Each number of `summary` comes with the interval in which it would lie for other people (or videos) of the same kind.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from muybridge.actions.inference import Inference
from muybridge.actions.views import num_spatial_views
from muybridge.errors import DatasetError, OutputError, VideoError, WeightsError
from muybridge.metrics import recognition
from muybridge.metrics.intervals import proportion_interval
from muybridge.models.weights import Weights, weights_of
from muybridge.training.clip_cache import ClipCache
from muybridge.training.clips import ClipDataset
from muybridge.training.videos import VideoItem, VideoList
from muybridge.video.transforms import to_model_tensor

__all__ = ["Evaluation", "evaluate"]

Progress = Callable[[float, float], None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model said of every video of a test set.

    Args:
        items: the N videos that could be read.
        labels: the K classes of the model.
        probabilities: (N, K) float64.
        unknown: (M, K) probabilities of videos of none of the classes; M is 0 where none were given.
        unreadable: (video, reason) of those that could not be read; they are in no number.
        views: how many clips of each video were averaged.
    """

    items: tuple[VideoItem, ...]
    labels: tuple[str, ...]
    probabilities: NDArray[np.float64]
    unknown: NDArray[np.float64]
    unreadable: tuple[tuple[str, str], ...] = field(default=())
    views: int = 1

    @property
    def targets(self) -> NDArray[np.int64]:
        """(N,) the true classes."""
        place = {label: index for index, label in enumerate(self.labels)}
        return np.array([place[item.label] for item in self.items], np.int64)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(N,) the likeliest classes."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """(K, K): how often each class (row) was named as each (column)."""
        return recognition.confusion_matrix(self.predicted, self.targets, num_classes=len(self.labels))

    def summary(self) -> dict[str, Any]:
        """The numbers; those of accuracy as [value, low, high] at 95%.

        Videos that share no group are trials, whose share has Wilson's interval; else groups are drawn anew. Where all
        draws say the same, as with a single group or with groups of equal shares, they tell nothing of other groups:
        Wilson's interval is taken there too, with each group as one trial. Of a handful of groups that differ a
        little, drawing still finds a narrower interval than it should.

        Source: a share of a group lies between 0 and 1, so it varies at most as much as one trial of that chance.
        """
        p, y, said = self.probabilities, self.targets, self.predicted
        groups = [item.group_name for item in self.items]
        num_groups = len(set(groups))

        def interval(metric: Callable[[NDArray[np.int64]], float], *, is_share: bool = True) -> list[float]:
            found = recognition.bootstrap(metric, len(y), groups=groups)
            if found.high - found.low < 1e-9 or (is_share and num_groups == len(y)):
                found = proportion_interval(found.value * num_groups, num_groups)
            return [round(number, 4) for number in (found.value, found.low, found.high)]

        numbers: dict[str, Any] = {
            "num_videos": len(y),
            "num_groups": num_groups,
            "top1": interval(lambda at: recognition.top_k_accuracy(p[at], y[at])),
            "top5": interval(lambda at: recognition.top_k_accuracy(p[at], y[at], k=5)),
            "mean_class_accuracy": interval(
                lambda at: recognition.mean_class_accuracy(said[at], y[at]), is_share=False
            ),
            "negative_log_likelihood": round(recognition.negative_log_likelihood(p, y), 4),
            "calibration_error": round(recognition.expected_calibration_error(p, y), 4),
            **self._calibration(),
            **self._rejection(),
        }
        per_class = {}
        for place, label in enumerate(self.labels):
            own = y == place
            if own.any():
                per_class[label] = {"num_videos": int(own.sum()), "right": int((said[own] == place).sum())}
        return numbers | {"classes": per_class}

    def _calibration(self) -> dict[str, float]:
        """The temperature of all, and what it gains, each half being judged by the other one's temperature."""
        p, y = self.probabilities, self.targets
        numbers = {"temperature": round(recognition.fit_temperature(p, y), 4)}
        if len(y) >= 4:
            fold = np.random.default_rng(0).permutation(len(y)) % 2
            calibrated = p.copy()
            for half in (0, 1):
                temperature = recognition.fit_temperature(p[fold != half], y[fold != half])
                calibrated[fold == half] = recognition.with_temperature(p[fold == half], temperature)
            error = recognition.expected_calibration_error(calibrated, y)
            numbers["calibration_error_with_temperature"] = round(error, 4)
        return numbers

    def _rejection(self) -> dict[str, float]:
        if not len(self.unknown):
            return {}
        known, other = self.probabilities.max(axis=1), self.unknown.max(axis=1)
        threshold = recognition.rejection_threshold(known, keep=0.95)
        return {
            "num_unknown": len(other),
            "rejection_auroc": round(recognition.rejection_auroc(known, other), 4),
            "rejection_threshold": round(threshold, 4),
            "rejected_where_95_percent_are_kept": round(float((other < threshold).mean()), 4),
        }

    def worst(self, most: int = 12) -> list[int]:
        """The places of the clips whose true class got the lowest probability, the worst first."""
        true = self.probabilities[np.arange(len(self.items)), self.targets]
        return [int(place) for place in np.argsort(true, kind="stable")[:most]]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        rows = [
            {
                "path": item.name,
                "label": item.label,
                "predicted": self.labels[said],
                "probability": round(float(p[said]), 4),
                "probability_of_label": round(float(p[target]), 4),
            }
            for item, said, target, p in zip(
                self.items, self.predicted, self.targets, self.probabilities, strict=True
            )
        ]
        return {
            "summary": self.summary(),
            "labels": list(self.labels),
            "confusion": self.confusion.tolist(),
            "views": self.views,
            "unreadable": [list(row) for row in self.unreadable],
            "videos": rows,
        }

    def save(self, folder: str | Path) -> list[Path]:
        """Write `evaluation.json`, `confusion.csv`, `confusion.png` and `worst.png`.

        Classes whose names a picture cannot write, or cannot tell apart, have numbers there: their places in `labels`
        of `evaluation.json`.

        Returns:
            The files.

        Raises:
            OutputError: the folder cannot be written to.
        """
        import cv2

        from muybridge.training.evaluation_pictures import draw_confusion, draw_worst

        folder = Path(folder).expanduser()
        paths = [folder / name for name in ("evaluation.json", "confusion.csv", "confusion.png", "worst.png")]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            paths[0].write_text(json.dumps(self.to_dict(), indent=2, ensure_ascii=False), encoding="utf-8")
            with paths[1].open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["true \\ predicted", *self.labels])
                writer.writerows(
                    [label, *row] for label, row in zip(self.labels, self.confusion.tolist(), strict=True)
                )
            for path, picture in ((paths[2], draw_confusion(self)), (paths[3], draw_worst(self))):
                path.write_bytes(cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
        except OSError as error:
            raise OutputError(f"{folder} cannot be written to: {error}") from error
        return paths


def evaluate(
    model: nn.Module,
    videos: VideoList,
    *,
    num_clips: int | None = None,
    num_crops: int = 1,
    unknown: Sequence[VideoItem] = (),
    cache: ClipCache | None = None,
    batch_size: int = 8,
    on_progress: Progress | None = None,
) -> Evaluation:
    """Let a model name every video of a test set.

    Args:
        model: with its record, as `create_model` gives it with weights, or `TrainingResult.model`.
        videos: the test set; its classes must be among the model's.
        num_clips: temporal views of each video, whose probabilities are averaged; None for as many as the weights ask
            for.
        num_crops: spatial views of each, 1 or 3.
        unknown: videos of none of the classes, to measure how well they are told apart.
        cache: where decoded videos are kept.
        batch_size: videos computed at once.
        on_progress: called with how many videos are done and how many there are.

    Raises:
        WeightsError: the model has no labels.
        DatasetError: a class that the model does not know, no video that can be read, or none of the unknown ones.
    """
    record = weights_of(model)
    if record is None or not record.labels:
        raise WeightsError("the model carries no labels; load it from a checkpoint that describes itself")
    videos = videos.with_labels(record.labels)
    num_clips = record.num_clips if num_clips is None else num_clips
    watch = _Watcher(Inference(model), record, cache, num_clips, num_crops, batch_size)
    total = len(videos) + len(unknown)
    known, unreadable = watch.probabilities(videos, lambda done: on_progress and on_progress(done, total))
    items = tuple(item for item, row in zip(videos, known, strict=True) if row is not None)
    if not items:
        raise DatasetError(f"no video of the test set can be read; the first: {': '.join(unreadable[0])}")
    others: list[NDArray[np.float64] | None] = []
    if unknown:
        # They have none of the labels; the first stands in, and is not looked at.
        stand_in = [VideoItem(i.path, record.labels[0], i.start_seconds, i.end_seconds) for i in unknown]
        others, lost = watch.probabilities(
            videos.with_items(stand_in), lambda done: on_progress and on_progress(len(videos) + done, total)
        )
        if len(lost) == len(unknown):
            raise DatasetError(f"no unknown video can be read; the first: {': '.join(lost[0])}")
        unreadable += lost
    return Evaluation(
        items,
        record.labels,
        _stack(known, len(record.labels)),
        _stack(others, len(record.labels)),
        tuple(unreadable),
        watch.num_views,
    )


@dataclass(frozen=True, slots=True)
class _Watcher:
    inference: Inference
    record: Weights
    cache: ClipCache | None
    num_clips: int
    num_crops: int
    batch_size: int

    @property
    def num_views(self) -> int:
        return self.num_clips * num_spatial_views(self.record, self.num_crops)

    def probabilities(
        self, videos: VideoList, note: Callable[[int], object]
    ) -> tuple[list[NDArray[np.float64] | None], list[tuple[str, str]]]:
        """(K,) for each video, None for one that cannot be read; and the reasons."""
        dataset = ClipDataset(videos, self.record, cache=self.cache)
        found: list[NDArray[np.float64] | None] = [None] * len(videos)
        unreadable: list[tuple[str, str]] = []
        waiting: list[tuple[int, NDArray[np.uint8]]] = []
        for index, item in enumerate(videos):
            try:
                views = dataset.views(index, num_clips=self.num_clips, num_crops=self.num_crops)
                waiting.append((index, views))
            except VideoError as error:
                unreadable.append((item.name, error.reason))
            if waiting and (len(waiting) == self.batch_size or index == len(videos) - 1):
                for (place, _), row in zip(waiting, self._batch([v for _, v in waiting]), strict=True):
                    found[place] = row
                waiting = []
            note(index + 1)
        return found, unreadable

    def _batch(self, videos: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
        clips = to_model_tensor(np.concatenate(videos), mean=self.record.mean, std=self.record.std)
        rows = self.inference.probabilities(clips, views=self.num_views)
        return np.asarray(rows.numpy(), np.float64)


def _stack(rows: list[NDArray[np.float64] | None], num_classes: int) -> NDArray[np.float64]:
    known = [row for row in rows if row is not None]
    return np.stack(known) if known else np.zeros((0, num_classes))
