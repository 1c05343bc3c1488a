"""What happens in a video: the labels of a trained model with their probabilities.

    video ──read_views──► (V, T, S, S, 3) uint8 ──to_model_tensor──► (V, 3, T, S, S) ──Inference──► top k

Which model answers when none is named: the most accurate of those whose weights are at hand, a small one
that comes with the package if there is one; else an error that says what can be done. No label ever comes
from random weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from muybridge.actions.inference import Inference, Precision
from muybridge.actions.views import read_views
from muybridge.cache_folder import cache_folder
from muybridge.counts import check_count
from muybridge.errors import OptionError, VideoError, WeightsError
from muybridge.models.available import available_weights
from muybridge.models.checkpoint import read_checkpoint
from muybridge.models.hub_folder import hub_folder, read_config
from muybridge.models.input_check import check_takes_clip_alone
from muybridge.models.registry import create_model, list_models, model_entry, name_of
from muybridge.models.weights import Weights, weights_of
from muybridge.values import Prediction
from muybridge.video.transforms import to_model_tensor

__all__ = ["Classifier", "classify", "load_classifier_model"]

ModelChoice = str | Path | nn.Module | None


def classify(
    path: str | Path,
    *,
    model: ModelChoice = None,
    weights: str | Path | None = None,
    top: int = 5,
    num_clips: int | None = None,
    num_crops: int = 1,
) -> Prediction:
    """Name what happens in a video.

    Args:
        path: the video.
        model: one of `list_models()`, whose published weights are downloaded once; the path of a checkpoint that
            describes itself; a folder or name of the hub; or a module from `create_model`. None for the most accurate
            whose weights are at hand.
        weights: which weights of a named model; None for its preferred ones. Nothing else takes any.
        top: how many labels.
        num_clips: temporal views, whose probabilities are averaged; None for as many as the weights ask for.
        num_crops: spatial views of each, 1 or 3.

    Returns:
        The likeliest labels with their probabilities.

    Raises:
        VideoError: the video cannot be read.
        WeightsError: no trained weights are at hand and none can be had; the message says what can be done.
        UnknownNameError: no such model or weights.
        OptionError: numbers outside what is allowed, or a model that takes more than a clip.

    For many videos keep a `Classifier`: it loads the model once and fills its batches.
    """
    classifier = Classifier(model, weights=weights)
    return classifier.classify(path, top=top, num_clips=num_clips, num_crops=num_crops)


class Classifier:
    """A trained model, loaded once, for as many videos as come.

    Args:
        model: as in `classify`.
        weights: as in `classify`.
        precision: `"auto"` computes in bfloat16 where that is faster, and again in float32 where two labels nearly tie.
        device: where to compute; None for a GPU if there is one.

    Raises:
        WeightsError: no trained weights, or weights without labels.
        OptionError: a model that takes more than a clip.
    """

    def __init__(
        self,
        model: ModelChoice = None,
        *,
        weights: str | Path | None = None,
        precision: Precision = "auto",
        device: str | torch.device | None = None,
    ) -> None:
        self.name, module = load_classifier_model(model, weights=weights)
        record = weights_of(module)
        if record is None or not record.labels:
            raise WeightsError(
                f"{self.name} has no trained head with known labels, so its outputs mean nothing;"
                " create it with weights='kinetics400' or with a checkpoint that holds its labels"
                " (muybridge.models.checkpoint.save_checkpoint)"
            )
        self.record: Weights = record
        self.inference = Inference(module, precision=precision, device=device)

    def classify(
        self, path: str | Path, *, top: int = 5, num_clips: int | None = None, num_crops: int = 1
    ) -> Prediction:
        """Name what happens in one video; arguments and errors as in the function `classify`."""
        check_count("top", top)
        views = read_views(path, self.record, num_clips=num_clips, num_crops=num_crops)
        return self._predictions([views], top)[0]

    def classify_many(
        self,
        paths: Iterable[str | Path],
        *,
        top: int = 5,
        num_clips: int | None = None,
        num_crops: int = 1,
        batch_size: int = 8,
        on_error: Callable[[VideoError], None] | None = None,
    ) -> Iterator[tuple[str | Path, Prediction]]:
        """Name what happens in each of many videos, in their order; the next batch is read while one is computed.

        Args:
            paths: the videos; may be endless.
            top: how many labels.
            num_clips: temporal views; None for as many as the weights ask for.
            num_crops: spatial views of each.
            batch_size: videos computed at once.
            on_error: called for a video that cannot be read, which is then left out; None raises.

        Yields:
            (path, prediction).

        Raises:
            VideoError: a video cannot be read, and there is no `on_error`.
        """
        check_count("top", top)
        check_count("batch_size", batch_size)
        remaining = iter(paths)

        def read(path: str | Path) -> NDArray[np.uint8]:
            return read_views(path, self.record, num_clips=num_clips, num_crops=num_crops)

        with ThreadPoolExecutor(max_workers=2) as readers:

            def start_batch() -> list[tuple[str | Path, Future[NDArray[np.uint8]]]]:
                return [(path, readers.submit(read, path)) for path in islice(remaining, batch_size)]

            batch = start_batch()
            while batch:
                following = start_batch()
                found = []
                for path, future in batch:
                    try:
                        found.append((path, future.result()))
                    except VideoError as error:
                        if on_error is None:
                            raise
                        on_error(error)
                predictions = self._predictions([views for _, views in found], top) if found else []
                yield from zip((path for path, _ in found), predictions, strict=True)
                batch = following

    def _predictions(self, videos: list[NDArray[np.uint8]], top: int) -> list[Prediction]:
        """One (V, T, S, S, 3) block of views per video → one prediction each."""
        views = videos[0].shape[0]
        clips = to_model_tensor(np.concatenate(videos), mean=self.record.mean, std=self.record.std)
        probabilities = self.inference.probabilities(clips, views=views)
        labels = self.record.labels
        if probabilities.shape[1] != len(labels):
            raise WeightsError(
                f"{self.name} gives {probabilities.shape[1]} scores, its weights name {len(labels)} labels"
            )
        scores, order = probabilities.topk(min(top, len(labels)), dim=1)
        name = f"{self.name}/{self.record.name}" if self.record.name != self.name else self.name
        return [
            Prediction(tuple(labels[i] for i in row), tuple(values), model=name)
            for row, values in zip(order.tolist(), scores.tolist(), strict=True)
        ]


def load_classifier_model(model: ModelChoice, *, weights: str | Path | None = None) -> tuple[str, nn.Module]:
    """What the user meant by `model` → its name and the module with its record.

    Args:
        model: as in `classify`.
        weights: as in `classify`.

    Raises:
        WeightsError: no trained weights are at hand and none can be had.
        UnknownNameError: no such model or weights.
        OptionError: `weights` without the name of a model that takes them, or a model that takes more than a clip.
    """
    if weights is not None:
        _check_takes_weights(model, weights)
    name, module = _load(model, weights)
    check_takes_clip_alone(module, name)
    return name, module


def _load(model: ModelChoice, weights: str | Path | None) -> tuple[str, nn.Module]:
    if isinstance(model, nn.Module):
        return name_of(model), model
    if model is None:
        name, record = _best_available()
        return name, create_model(name, weights=record)
    path = Path(model).expanduser()
    if path.is_file():
        name = read_checkpoint(path).model
        if not name:
            raise WeightsError(
                f"{path} does not say which model it belongs to; give model=… and weights={str(path)!r}"
            )
        return name, create_model(name, weights=path)
    if _is_hub_folder(path, model):
        folder = hub_folder(str(model))
        kind = str(read_config(folder).get("model_type"))
        name = "vivit" if kind == "vivit" else "hub_model"
        return path.name, create_model(name, weights=folder)
    entry = model_entry(str(model))
    if not entry.takes_clip_alone:
        raise OptionError(
            f"{entry.name} takes {len(entry.inputs)} inputs; only a model that takes the frames of a clip alone can be"
            f" run on a video here, such as {', '.join(_published())}"
        )
    if weights is None and not entry.weights:
        raise WeightsError(
            f"no weights are published for {entry.name}, and random ones know no label; give weights=PATH"
            f" or a model that has some: {', '.join(_published())}"
        )
    return entry.name, create_model(entry.name, weights=weights or next(iter(entry.weights.values())))


def _check_takes_weights(model: ModelChoice, weights: str | Path) -> None:
    """Weights that nobody would look at are refused: the answer would be another model's."""
    if model is None:
        raise OptionError(
            f"weights is {str(weights)!r} without a model: name the model that they belong to as well,"
            " or give a checkpoint that says so itself as model"
        )
    if isinstance(model, nn.Module):
        raise OptionError(
            f"weights is {str(weights)!r}, but {type(model).__name__} is a module that has its own: load them into it"
            " with create_model(name, weights=…), or leave weights out"
        )
    path = Path(model).expanduser()
    if path.is_file() or _is_hub_folder(path, model):
        raise OptionError(
            f"weights is {str(weights)!r}, but {model} brings its own: leave weights out, or give the name of"
            " a model (`muybridge models` lists them)"
        )


def _is_hub_folder(path: Path, model: str | Path) -> bool:
    return path.is_dir() or ("/" in str(model) and str(model) not in list_models())


def _best_available() -> tuple[str, Weights]:
    found = available_weights()
    if found:
        return found[0]
    record = model_entry("r2plus1d_18").weights["kinetics400"]
    raise WeightsError(
        "no trained weights are at hand, and random ones know no label. Either name a model to download its weights"
        f" once (model='r2plus1d_18', 120 MB; others: {', '.join(_published())}),"
        f" or download {record.url} elsewhere and put it into {cache_folder('weights')},"
        " or give the path of a checkpoint of your own as model"
    )


def _published() -> list[str]:
    entries = [model_entry(name) for name in list_models(task="classification")]
    return [entry.name for entry in entries if entry.weights and entry.takes_clip_alone]
