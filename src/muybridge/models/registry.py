"""The registry: a model's name is the name of the function that builds it, so grep finds it.

Third parties add a model as an ordinary package with an entry point in the group `muybridge.models`; the
module that it names is imported and registers its builders:

    [project.entry-points."muybridge.models"]
    my_package = "my_package.models"
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from muybridge.counts import check_count
from muybridge.errors import OptionError, UnknownNameError, WeightsError
from muybridge.models.weights import Weights, set_weights, weights_of

__all__ = ["ModelEntry", "create_model", "list_models", "model_entry", "name_of", "register"]

_MODULES = (
    "simple3d",
    "factorized",
    "resnet3d",
    "vivit",
    "two_stream",
    "frame_encoder",
    "causal",
    "temporal_proposals",
    "boundary_matching",
    "temporal_shift",
    "video_captioner",
    "video_qa",
    "moment_detr",
    "hub_torchvision",
    "hub_transformers",
)
_ENTRIES: dict[str, ModelEntry] = {}
_NAME = "registry_name"

Task = Literal["classification", "proposals", "features", "captions", "answers", "moments"]
Builder = TypeVar("Builder", bound=Callable[..., nn.Module])
Loader = Callable[[str, int | None], nn.Module]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What the registry knows of one model.

    Args:
        name: the builder's name.
        builder: returns the module with random weights; every option is keyword-only.
        inputs: shapes of the module's inputs without the batch, such as `((3, 16, 112, 112),)`.
        task: what the output means.
        head: the key of the last linear layer, which a new number of classes replaces; None if there is none.
        weights: name → record of the published weights, the preferred first.
        load_folder: builds the model from a folder in the hub's format or a hub name; None if it has no
            such format.
        extra: the extra of this package that the builder needs; empty for the own models.
        paper: title and address of the publication.
        word_inputs: the places in `inputs` of those that are ids of words (int64); the others are float32.
    """

    name: str
    builder: Callable[..., nn.Module]
    inputs: tuple[tuple[int, ...], ...]
    task: Task = "classification"
    head: str | None = None
    weights: Mapping[str, Weights] = field(default_factory=dict)
    load_folder: Loader | None = None
    extra: str = ""
    paper: str = ""
    word_inputs: tuple[int, ...] = ()

    def example_inputs(self) -> list[Tensor]:
        """Zeros of the shapes and kinds that the module takes, a batch of one.

        >>> [(tuple(x.shape), x.dtype) for x in model_entry("video_qa").example_inputs()]
        [((1, 3, 16, 48, 48), torch.float32), ((1, 24), torch.int64)]
        """
        return [
            torch.zeros(1, *shape, dtype=torch.int64 if place in self.word_inputs else torch.float32)
            for place, shape in enumerate(self.inputs)
        ]

    @property
    def description(self) -> str:
        """The first sentence of the builder's docstring."""
        return (inspect.getdoc(self.builder) or "").partition("\n")[0]

    @property
    def takes_clip_alone(self) -> bool:
        """Whether a clip is all that the module is given; `two_stream` takes optical flow as well."""
        return len(self.inputs) == 1

    @property
    def options(self) -> tuple[str, ...]:
        """The keyword options of the builder."""
        return tuple(inspect.signature(self.builder).parameters)


def register(
    *,
    inputs: tuple[tuple[int, ...], ...],
    task: Task = "classification",
    head: str | None = None,
    weights: tuple[Weights, ...] = (),
    load_folder: Loader | None = None,
    extra: str = "",
    paper: str = "",
    word_inputs: tuple[int, ...] = (),
) -> Callable[[Builder], Builder]:
    """Register a builder under its own name.

    Args:
        inputs: shapes of the module's inputs without the batch.
        task: what the output means.
        head: the key of the last linear layer.
        weights: records of the published weights, the preferred first.
        load_folder: `(folder or hub name, num_classes) -> module`, for models with a format of the hub.
        extra: the extra of this package that the builder needs.
        paper: title and address of the publication.
        word_inputs: the places in `inputs` of those that are ids of words.

    Raises:
        OptionError: the name is taken, or the builder takes positional or `**` arguments.

    >>> @register(inputs=((3, 8, 32, 32),), head="1")
    ... def tiny_linear(*, num_classes: int = 2) -> nn.Module:
    ...     '''A linear classifier on raw pixels.'''
    ...     return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 32 * 32, num_classes))
    >>> create_model("tiny_linear", num_classes=5)[1].out_features
    5
    >>> del _ENTRIES["tiny_linear"]
    """

    def add(builder: Builder) -> Builder:
        name = builder.__name__
        taken = _ENTRIES.get(name)
        if taken is not None and taken.builder.__module__ != builder.__module__:
            raise OptionError(f"model {name!r} is already registered by {taken.builder.__module__}")
        for parameter in inspect.signature(builder).parameters.values():
            if parameter.kind is not parameter.KEYWORD_ONLY:
                raise OptionError(
                    f"{name}({parameter}): a builder's options must be keyword-only, without ** arguments"
                )
        records = MappingProxyType({record.name: record for record in weights})
        _ENTRIES[name] = ModelEntry(
            name, builder, inputs, task, head, records, load_folder, extra, paper, word_inputs
        )
        return builder

    return add


@functools.cache
def _load_modules() -> None:
    for module in _MODULES:
        importlib.import_module(f"muybridge.models.{module}")
    for point in metadata.entry_points(group="muybridge.models"):
        point.load()


def list_models(*, task: Task | None = None) -> list[str]:
    """The names that `create_model` knows, in order of the alphabet.

    Args:
        task: only models for this task; None for all.

    >>> "r3d_18" in list_models(task="classification")
    True
    """
    _load_modules()
    return sorted(name for name, entry in _ENTRIES.items() if task in (None, entry.task))


def model_entry(name: str) -> ModelEntry:
    """What the registry knows of a model.

    Raises:
        UnknownNameError: nobody registered that name.

    >>> model_entry("mc3_18").inputs
    ((3, 16, 112, 112),)
    """
    _load_modules()
    if name not in _ENTRIES:
        raise UnknownNameError("model", name, _ENTRIES)
    return _ENTRIES[name]


def create_model(
    name: str,
    *,
    weights: str | Path | Weights | None = None,
    num_classes: int | None = None,
    **options: object,
) -> nn.Module:
    """Build a model, with random or with published weights.

    Args:
        name: one of `list_models()`.
        weights: a record's name such as `"kinetics400"` (downloaded once into the cache folder); the path
            of a local checkpoint; for models with a format of the hub also a folder in it or a hub name
            `owner/repository`; None for random weights.
        num_classes: size of the output; None for the weights' own (or the builder's default). Where it
            differs from the weights', the head gets new random weights; a model without a single head
            (`ModelEntry.head`) takes only the weights' own.
        options: the builder's own options; each model's page lists them.

    Returns:
        The module in evaluation mode if it has weights, in training mode if they are random.

    Raises:
        UnknownNameError: unknown model or weights; the message lists the nearest names.
        OptionError: an option that the builder does not have, or a `num_classes` that is no whole number of at
            least 1.
        WeightsError: weights that cannot be had, are damaged, or belong to another architecture.

    >>> model = create_model("r3d_18", num_classes=10)
    >>> sum(parameter.numel() for parameter in model.parameters())
    33171402
    """
    entry = model_entry(name)
    settings = dict(options)
    if num_classes is not None:
        check_count("num_classes", num_classes)
        settings["num_classes"] = num_classes
    _check_options(entry, settings)
    if weights is None:
        model = entry.builder(**settings)
    else:
        model = _with_weights(entry, weights, num_classes, dict(options))
    object.__setattr__(model, _NAME, entry.name)
    return model


def name_of(model: nn.Module) -> str:
    """The name by which `create_model` built a module; of any other, the name of its class.

    >>> name_of(create_model("simple3d")), name_of(nn.Linear(2, 2))
    ('simple3d', 'Linear')
    """
    return str(getattr(model, _NAME, type(model).__name__))


def _check_options(entry: ModelEntry, options: Mapping[str, object]) -> None:
    unknown = [option for option in options if option not in entry.options]
    if unknown:
        raise OptionError(f"{entry.name} has no option {unknown[0]!r}; it has {', '.join(entry.options)}")


def _with_weights(
    entry: ModelEntry, weights: str | Path | Weights, num_classes: int | None, options: dict[str, object]
) -> nn.Module:
    from muybridge.models import checkpoint

    if isinstance(weights, str) and weights in entry.weights:
        weights = entry.weights[weights]
    if isinstance(weights, Weights) and weights.hub_name:
        model = _from_folder(entry, weights.hub_name, num_classes, options)
        _complete_record(model, weights)
        return model
    if isinstance(weights, Weights):
        return checkpoint.build_from_record(entry, weights, num_classes, options)
    path = Path(weights).expanduser()
    if path.is_file():
        return checkpoint.build_from_file(entry, path, num_classes, options)
    if entry.load_folder is not None and (path.is_dir() or _is_hub_name(weights)):
        return _from_folder(entry, str(weights), num_classes, options)
    if path.is_dir():
        raise WeightsError(f"{path} is a folder, but {entry.name} loads a single file (.safetensors, .pth)")
    if isinstance(weights, Path) or path.suffix or os.sep in str(weights):
        raise WeightsError(
            f"no weights at {path}; {entry.name} knows {', '.join(entry.weights) or 'no records'}"
        )
    raise UnknownNameError(f"weights of {entry.name}", str(weights), entry.weights)


def _from_folder(
    entry: ModelEntry, reference: str, num_classes: int | None, options: Mapping[str, object]
) -> nn.Module:
    if entry.load_folder is None:
        raise WeightsError(f"{entry.name} has no format of the hub, so {reference} cannot be loaded into it")
    if options:
        raise OptionError(f"{', '.join(options)}: {entry.name} takes these from {reference}'s config.json")
    return entry.load_folder(reference, num_classes)


def _complete_record(model: nn.Module, published: Weights) -> None:
    """What a folder's files do not say (license, accuracy, stride) comes from the published record."""
    found = weights_of(model)
    if found is not None:
        record = replace(
            found,
            name=published.name,
            hub_name=published.hub_name,
            license=published.license,
            source=published.source,
            stride=published.stride,
            accuracy=published.accuracy,
            protocol=published.protocol,
        )
        set_weights(model, record)


def _is_hub_name(weights: str | Path) -> bool:
    if not isinstance(weights, str):
        return False
    if weights.endswith((".safetensors", ".pth", ".pt", ".bin", ".ckpt")):
        return False
    owner, slash, repository = weights.partition("/")
    return bool(owner and slash and repository) and "/" not in repository and not owner.startswith((".", "~"))
