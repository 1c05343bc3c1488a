"""Any registered model, trained on one's own classes: from published weights with a new head, or from nothing.

videos ──► model for these classes ──► Trainer ──► FOLDER/model.safetensors, which `classify` takes by path
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from muybridge.errors import OptionError, WeightsError
from muybridge.models.checkpoint import read_checkpoint
from muybridge.models.registry import create_model, model_entry
from muybridge.models.weights import Weights, weights_of
from muybridge.training.augmentation import Augmentation
from muybridge.training.clip_cache import ClipCache
from muybridge.training.clips import ClipDataset
from muybridge.training.loop import Trainer, TrainingResult
from muybridge.training.settings import TrainingSettings
from muybridge.training.splits import check_leak
from muybridge.training.videos import VideoList, check_classes

__all__ = ["fine_tune", "model_for"]


def model_for(
    name: str,
    labels: tuple[str, ...],
    *,
    weights: str | Path | Weights | None = None,
    record: Weights | None = None,
    **options: object,
) -> tuple[nn.Module, Weights]:
    """A model with an output for each class, and the record that goes with it.

    Args:
        name: one of `list_models(task="classification")`.
        labels: the classes.
        weights: as in `create_model`; None begins from nothing.
        record: clip length, rate, size and normalization; None for those of the weights, or, from nothing, of the
            registry, at 15 frames per second and with an eighth of room for random crops.
        options: the builder's own options.

    Raises:
        OptionError: the model does not take clips.
        WeightsError: weights that cannot be had or do not fit.

    >>> model, record = model_for("simple3d", ("clap", "wave"))
    >>> model.fc.out_features, record.num_frames, record.size_px, record.resize_px
    (2, 16, 112, 128)
    """
    entry = model_entry(name)
    if entry.task != "classification" or len(entry.inputs) != 1 or len(entry.inputs[0]) != 4:
        raise OptionError(
            f"{name} does not take clips (3, T, H, W) alone, so it cannot be trained on videos here"
        )
    model = create_model(name, weights=weights, num_classes=len(labels), **options)
    found = weights_of(model)
    if record is None:
        _, num_frames, size_px, _ = entry.inputs[0]
        record = found or Weights(
            name,
            num_frames=num_frames,
            frames_per_second=15.0,
            size_px=size_px,
            resize_px=round(size_px * 8 / 7),
        )
    source = f"fine-tuned from {name}/{found.name}" if found is not None else "trained from nothing"
    return model, replace(
        record.for_whole_pictures(),
        labels=labels,
        url="",
        hub_name="",
        sha256="",
        source=source,
        accuracy={},
        protocol="",
        options={**record.options, **options},
    )


def fine_tune(
    train: VideoList,
    output_folder: str | Path,
    *,
    model: str | Path,
    weights: str | Path | Weights | None = None,
    validation: VideoList | None = None,
    settings: TrainingSettings | None = None,
    record: Weights | None = None,
    augmentation: Augmentation | None = None,
    mirror: Mapping[str, str] | None = None,
    cache: ClipCache | None = None,
    resume: bool = False,
    quiet: bool = False,
) -> TrainingResult:
    """Train a registered model on one's own videos.

    Args:
        train: the training set.
        output_folder: where the run's files go; `model.safetensors` among them is the model.
        model: a name of the registry, or the path of a checkpoint that describes itself.
        weights: of a named model; None begins from nothing.
        validation: judged after each epoch; a warning tells where it shares a group with the training set.
        settings: None for the defaults; their seed also decides the first weights of what is not pretrained.
        record: clip length, rate and size, where they should differ from the weights'.
        augmentation: None for the defaults.
        mirror: class → class in the mirror, for what names do not tell.
        cache: where decoded videos are kept; None for one in the package's cache folder.
        resume: go on with the run that the folder holds.
        quiet: no progress bar.

    Raises:
        DatasetError: classes that differ between training and validation, or fewer than two.
        OptionError, WeightsError, TrainingError, OutputError, VideoError: as in `Trainer.fit` and `model_for`.

    Warns:
        DatasetWarning: training and validation share a group.
    """
    if len(train.labels) < 2:
        raise OptionError(f"only {', '.join(train.labels)}; give at least two classes")
    if validation is not None:
        check_classes(train, validation)
        check_leak(train, validation)
        validation = validation.with_labels(train.labels)
    name = str(model)
    path = Path(model).expanduser()
    if path.is_file():
        name, weights = read_checkpoint(path).model, path
        if not name:
            raise WeightsError(
                f"{path} does not say which model it belongs to; give the name, and it as weights"
            )
    settings = settings or TrainingSettings()
    with torch.random.fork_rng(devices=()):  # the caller's own chance goes on as if nothing had been drawn
        torch.default_generator.manual_seed(settings.seed)
        network, record = model_for(name, train.labels, weights=weights, record=record)
    cache = cache or ClipCache()
    augmentation = augmentation or Augmentation()
    data = ClipDataset(train, record, augmentation=augmentation, mirror=mirror, cache=cache)
    check = None if validation is None else ClipDataset(validation, record, cache=cache)
    trainer = Trainer(network, settings, output_folder, name=name, record=record, quiet=quiet)
    return trainer.fit(data, check, resume=resume)
