"""From a file to a loaded module; nothing is ever unpickled.

    file ──read_state_dict──► names → tensors ──load_state_dict──► module with its record

A checkpoint saved here is a safetensors file that describes itself: its metadata holds the model's name,
the builder's options and the `Weights` record, so the file alone is enough to classify.
"""

from __future__ import annotations

import json
import pickle
import pickletools
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from muybridge.errors import MuybridgeError, OptionError, WeightsError
from muybridge.models.registry import ModelEntry
from muybridge.models.weights import Weights, set_weights

__all__ = [
    "Checkpoint",
    "build_from_file",
    "build_from_record",
    "load_into",
    "load_plain",
    "load_state_dict",
    "packaged_weights",
    "read_checkpoint",
    "save_checkpoint",
]

_METADATA_KEY = "muybridge"
_WRAPPERS = ("state_dict", "model_state_dict", "model")
# How torch names a class or function that it refuses; it takes a text that begins with a "c" for one too.
_OBJECT = re.compile(r"GLOBAL [A-Za-z_][\w.]* (was|whose)")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint file holds.

    Args:
        state: parameter name → tensor.
        model: the name of the model it belongs to; empty where the file does not say.
        weights: its record; None where the file does not say.
    """

    state: Mapping[str, torch.Tensor]
    model: str = ""
    weights: Weights | None = None


def save_checkpoint(path: str | Path, model: nn.Module, *, name: str, weights: Weights) -> None:
    """Write a model as a safetensors file that describes itself.

    Args:
        path: ends in `.safetensors`.
        model: the module to save.
        name: its name in the registry.
        weights: labels, normalization and clip length; `weights.options` are the builder's options.

    >>> import tempfile, muybridge
    >>> file = Path(tempfile.mkdtemp()) / "mine.safetensors"
    >>> model = muybridge.models.create_model("factorized3d", num_classes=2)
    >>> save_checkpoint(file, model, name="factorized3d", weights=Weights("mine", labels=("clap", "wave")))
    >>> read_checkpoint(file).weights.labels
    ('clap', 'wave')
    """
    from safetensors.torch import save_model

    about = json.dumps({"model": name, "weights": weights.to_dict()})
    save_model(model, str(path), metadata={_METADATA_KEY: about})


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a `.safetensors` file or a PyTorch file of plain tensors.

    Args:
        path: the file; anything but `.safetensors` is read with `torch.load(weights_only=True)`.

    Raises:
        WeightsError: the file is missing or damaged, holds code instead of tensors, or no tensors at all.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"no weights at {path}")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    return Checkpoint(_plain_state(load_plain(path), path))


def load_plain(path: str | Path) -> Any:
    """What a file of PyTorch holds: tensors, numbers, texts, and lists and dicts of them; no code in it is run.

    Args:
        path: a file that `torch.save` wrote.

    Raises:
        WeightsError: the file is damaged, is something else, or holds code instead of values.

    >>> file = getfixture("tmp_path") / "values.pt"
    >>> torch.save({"epoch": 3}, file)
    >>> load_plain(file)
    {'epoch': 3}
    """
    path = Path(path)
    try:
        with warnings.catch_warnings():
            # About unusual pickles: they are refused below, or turn out to be plain after all.
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if not _names_objects(path, error):
            raise _unreadable(path, error) from error
        raise WeightsError(
            f"{path} was refused: it holds Python objects that would run code when loaded, not plain tensors;"
            " save it again with torch.save(model.state_dict(), …) or as .safetensors where you trust it"
        ) from error
    except Exception as error:  # torch's reader stumbles over noise with errors of nearly every kind
        raise _unreadable(path, error) from error


def _names_objects(path: Path, error: pickle.UnpicklingError) -> bool:
    """Whether a file that was refused is a pickle with a class or function in it, and not just noise."""
    if _OBJECT.search(str(error)):
        return True
    # What Python's own pickle writes, torch gives up at the first byte of, whatever it holds.
    try:
        with path.open("rb") as file:
            codes = {code.name for code, _, _ in pickletools.genops(file)}
    except Exception:  # no pickle at all
        return False
    return not codes.isdisjoint(("GLOBAL", "STACK_GLOBAL"))


def _unreadable(path: Path, error: Exception) -> WeightsError:
    # Torch's own advice, which comes before its reason, is to load the file without any check.
    reason = str(error).rpartition("WeightsUnpickler error:")[2].strip().partition("\n")[0]
    return WeightsError(
        f"{path} is not a readable checkpoint (damaged, cut off, or something else?):"
        f" {': '.join(filter(None, (type(error).__name__, reason)))}"
    )


def _read_safetensors(path: Path) -> Checkpoint:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
            about = json.loads((file.metadata() or {}).get(_METADATA_KEY, "{}"))
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(about, Mapping) or not isinstance(about.get("model", ""), str):
        raise WeightsError(
            f"{path} does not describe itself as save_checkpoint would; save it again with that"
        )
    try:
        record = Weights.from_dict(about["weights"]) if "weights" in about else None
    except OptionError as error:
        raise WeightsError(f"{path} describes itself wrongly: {error}") from error
    return Checkpoint(state, about.get("model", ""), record)


def _plain_state(content: Any, path: Path) -> dict[str, torch.Tensor]:
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path} holds a {type(content).__name__}, not names → tensors")
    # DistributedDataParallel and torch.compile put a prefix before every name.
    state = {str(key).removeprefix("module.").removeprefix("_orig_mod."): v for key, v in content.items()}
    strangers = [key for key, value in state.items() if not isinstance(value, torch.Tensor)]
    if strangers:
        raise WeightsError(f"{path}: {strangers[0]!r} is not a tensor; expected names → tensors")
    return state


def packaged_weights(name: str) -> Weights:
    """The record of weights that come with this package; its `url` is their path.

    Args:
        name: of the file in `models/packaged/`, without its suffix.

    >>> packaged_weights("starter").labels[-1]
    'none of these'
    """
    from safetensors import safe_open

    path = Path(__file__).parent / "packaged" / f"{name}.safetensors"
    with safe_open(str(path), framework="pt") as file:  # reads the header alone
        about = json.loads(file.metadata()[_METADATA_KEY])
    return replace(Weights.from_dict(about["weights"]), name=name, url=str(path))


def load_state_dict(model: nn.Module, state: Mapping[str, torch.Tensor], *, name: str, source: str) -> None:
    """Put tensors into a module of exactly that architecture.

    Args:
        model: the module to fill.
        state: parameter name → tensor.
        name: what to call the model in an error.
        source: what to call the file in an error.

    Raises:
        WeightsError: names which keys miss, which are extra, and which shapes differ.

    >>> state = {"weight": torch.zeros(2, 3), "gain": torch.zeros(1)}
    >>> load_state_dict(nn.Linear(2, 2), state, name="lin", source="a.pth")
    Traceback (most recent call last):
    ...
    muybridge.errors.WeightsError: a.pth does not fit lin: 1 key missing (bias); 1 key extra (gain); 1
    shape differs (weight is (2, 3), the model has (2, 2))
    """
    wanted = model.state_dict()
    # Old checkpoints lack the batch norms' counters, which evaluation does not use.
    missing = [key for key in wanted if key not in state and not key.endswith("num_batches_tracked")]
    extra = [key for key in state if key not in wanted]
    shapes = [key for key in state if key in wanted and state[key].shape != wanted[key].shape]
    problems = []
    if missing:
        problems.append(f"{_count(missing, 'key')} missing ({_some(missing)})")
    if extra:
        problems.append(f"{_count(extra, 'key')} extra ({_some(extra)})")
    if shapes:
        key = shapes[0]
        detail = f"{key} is {tuple(state[key].shape)}, the model has {tuple(wanted[key].shape)}"
        verb = "shape differs" if len(shapes) == 1 else "shapes differ"
        problems.append(f"{len(shapes)} {verb} ({detail})")
    if problems:
        raise WeightsError(f"{source} does not fit {name}: {'; '.join(problems)}")
    model.load_state_dict(dict(state), strict=False)


def build_from_record(
    entry: ModelEntry, record: Weights, num_classes: int | None, options: Mapping[str, object]
) -> nn.Module:
    """Fetch a record's file, if it is not at hand, and build the model with it.

    Raises:
        WeightsError: the file cannot be had, is damaged, or does not fit.
    """
    from muybridge.models.download import fetch

    path = fetch(record)
    return _build(
        entry, Checkpoint(read_checkpoint(path).state, entry.name, record), path, num_classes, options
    )


def build_from_file(
    entry: ModelEntry, path: Path, num_classes: int | None, options: Mapping[str, object]
) -> nn.Module:
    """Build the model with a local file.

    Raises:
        WeightsError: the file is damaged or does not fit.
    """
    found = read_checkpoint(path)
    if found.model and found.model != entry.name:
        raise WeightsError(f"{path} belongs to {found.model}, not to {entry.name}")
    return _build(entry, found, path, num_classes, options)


def _build(
    entry: ModelEntry,
    found: Checkpoint,
    path: Path,
    num_classes: int | None,
    options: Mapping[str, object],
) -> nn.Module:
    own = found.weights.options if found.weights else {}
    settings = {**own, **options}
    head_rows = found.state.get(f"{entry.head}.weight")
    if "num_classes" in entry.options and head_rows is not None and head_rows.ndim:
        settings["num_classes"] = int(head_rows.shape[0])
    if entry.head is None and num_classes is not None:
        # Without a head to replace, it can only be the weights' own; another number shows in the shapes.
        settings["num_classes"] = num_classes
        num_classes = None
    try:
        model = entry.builder(**settings)
    except MuybridgeError:
        raise
    except Exception as error:
        if not own:
            raise
        # The file says what its builder needs, and whoever wrote it may have meant another builder.
        raise WeightsError(
            f"{path}: {entry.name} cannot be built with the options of its record, {dict(own)}: {_first_line(error)}"
        ) from error
    record = found.weights or _record_of_file(entry, path)
    head = entry.head
    return load_into(
        model, found.state, record, name=entry.name, head=head, source=path, num_classes=num_classes
    )


def load_into(
    model: nn.Module,
    state: Mapping[str, torch.Tensor],
    record: Weights | None,
    *,
    name: str,
    head: str | None,
    source: Path,
    num_classes: int | None,
) -> nn.Module:
    """Fill a fresh module, give it a new head where another number of classes is wanted, and note its record.

    Args:
        model: the module, with a head of the size that the state has.
        state: parameter name → tensor.
        record: what belongs to the state; None where that is unknown.
        name: what to call the model in an error.
        head: the key of its last layer.
        source: what to call the file in an error.
        num_classes: the size of the output that is wanted; None for the state's.

    Returns:
        The module in evaluation mode.

    Raises:
        WeightsError: the state does not fit, or there is no head to replace.
    """
    load_state_dict(model, state, name=name, source=str(source))
    if num_classes is not None and _replace_head(model, head, num_classes, name=name) and record is not None:
        # The normalization still holds; the labels would be lies.
        record = record.with_labels(()).for_whole_pictures()
    if record is not None:
        set_weights(model, record)
    return model.eval()


def _record_of_file(entry: ModelEntry, path: Path) -> Weights | None:
    """The published record that a plain file belongs to, known by its name."""
    for record in entry.weights.values():
        if record.file_name == path.name:
            return replace(record, url=str(path))
    return None


def _replace_head(model: nn.Module, head: str | None, num_classes: int, *, name: str) -> bool:
    """Put a new random layer in the place of the last one, unless it has that size already."""
    old = model.get_submodule(head) if head else None
    if isinstance(old, nn.Linear):
        if old.out_features == num_classes:
            return False
        new: nn.Module = nn.Linear(old.in_features, num_classes, bias=old.bias is not None)
    elif isinstance(old, nn.Conv3d) and old.kernel_size == (1, 1, 1):
        if old.out_channels == num_classes:
            return False
        new = nn.Conv3d(old.in_channels, num_classes, 1, bias=old.bias is not None)
    else:
        raise WeightsError(f"{name} has no linear head to replace; leave num_classes out")
    parent, _, last = str(head).rpartition(".")
    setattr(model.get_submodule(parent), last, new)
    return True


def _count(items: list[str], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _some(items: list[str], most: int = 4) -> str:
    return ", ".join(items[:most]) + (", …" if len(items) > most else "")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
