"""A checkpoint in the hub's format is a folder: what lies in it, and how its clips are prepared.

    config.json                    architecture, sizes, labels
    model.safetensors              parameters (or pytorch_model.bin, or several files and an index)
    preprocessor_config.json       size, crop, scaling, mean and std (or video_preprocessor_config.json)

Nothing in such a folder is ever run: files named by `auto_map` are not even read.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from muybridge.errors import MuybridgeError, WeightsError, require_extra
from muybridge.models.checkpoint import read_checkpoint
from muybridge.models.weights import Weights

__all__ = [
    "blaming",
    "cached_hub_folder",
    "hub_folder",
    "read_config",
    "read_state",
    "record_of_folder",
    "refuse_missing_file",
]

_STEMS = ("model.safetensors", "pytorch_model.bin")
_PROCESSORS = ("video_preprocessor_config.json", "preprocessor_config.json", "processor_config.json")
# Every how many frames the published training took one; configs do not say it.
_STRIDES = {"vivit": 2, "videomae": 4, "timesformer": 32, "vjepa2": 4}


def hub_folder(
    reference: str,
    *,
    patterns: Sequence[str] = ("*.json", "*.safetensors"),
    safetensors_only: bool = False,
) -> Path:
    """The local folder of a checkpoint; downloaded once where a hub name is given.

    Args:
        reference: a folder, or a hub name `owner/repository`.
        patterns: the files that are downloaded.
        safetensors_only: whether a repository that has only pytorch_model.bin is refused.

    Raises:
        WeightsError: there is no such folder, file or repository, or no network; the message says what to do.
        MissingExtraError: a hub name needs `muybridge[hub]`.
    """
    folder = Path(reference).expanduser()
    if folder.is_dir():
        return folder
    refuse_missing_file(reference)
    if reference.startswith((".", "/", "~")) or reference.count("/") != 1:
        raise WeightsError(f"no folder {reference}; expected config.json and model.safetensors in it")
    cached = cached_hub_folder(reference)
    if cached is not None:
        return cached
    hub = require_extra("huggingface_hub", extra="hub")
    try:
        found = Path(hub.snapshot_download(reference, allow_patterns=list(patterns)))
        if not _has_parameters(found) and not safetensors_only:
            found = Path(hub.snapshot_download(reference, allow_patterns=["*.json", "pytorch_model*.bin"]))
    except hub.errors.RepositoryNotFoundError as error:
        raise WeightsError(f"the hub has no public repository {reference!r}") from error
    except hub.errors.HFValidationError as error:
        raise WeightsError(f"{reference!r} is no hub name: {error}") from error
    except (OSError, hub.errors.HfHubHTTPError) as error:
        raise WeightsError(
            f"{reference} is not in the hub's cache and the hub cannot be reached;"
            f" download https://huggingface.co/{reference} elsewhere (config.json, model.safetensors,"
            " preprocessor_config.json) and give the folder's path instead of the name"
        ) from error
    return found


def refuse_missing_file(reference: str | Path) -> None:
    """Raise where a name is that of a `.safetensors` file, and nothing is there: no folder or repository is meant.

    Raises:
        WeightsError: no such file.

    >>> refuse_missing_file("owner/repository")
    """
    path = Path(reference).expanduser()
    if path.suffix == ".safetensors" and not path.exists():
        raise WeightsError(f"no such file {reference}; give the path of a checkpoint that is there")


def cached_hub_folder(reference: str) -> Path | None:
    """Where the hub's own cache holds a repository with parameters; None where it does not. Asks no network.

    Args:
        reference: a hub name `owner/repository`.
    """
    try:
        import huggingface_hub as hub
    except ImportError:
        return None
    try:
        found = Path(hub.snapshot_download(reference, local_files_only=True))
    except (hub.errors.LocalEntryNotFoundError, hub.errors.HFValidationError, OSError):
        return None
    return found if _has_parameters(found) else None


def _has_parameters(folder: Path) -> bool:
    try:
        return all((folder / name).is_file() for name in _parameter_files(folder))
    except WeightsError:
        return False


def _parameter_files(folder: Path) -> list[str]:
    """The names of the files that hold the parameters, also of those that have not arrived yet."""
    for stem in _STEMS:
        index = folder / f"{stem}.index.json"
        if index.is_file():
            return _names_in_index(index)
        if (folder / stem).is_file():
            return [stem]
    raise WeightsError(f"{folder} has neither model.safetensors nor pytorch_model.bin")


def _names_in_index(index: Path) -> list[str]:
    """The files that an index names; they lie beside it, so that it leads nowhere else."""
    places = _read_json_object(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise WeightsError(f"{index} has no weight_map, which names the file of each parameter (damaged?)")
    for name in places.values():
        if not isinstance(name, str) or name in ("", ".", "..") or set(name) & set("/\\"):
            raise WeightsError(f"{index} names {name!r}; expected the plain name of a file beside it")
    return sorted(set(places.values()))


def _read_json_object(path: Path) -> dict[str, Any]:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is not valid JSON (damaged or cut off?)") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} holds a JSON {type(content).__name__}; expected an object (damaged?)")
    return content


@contextlib.contextmanager
def blaming(folder: Path) -> Iterator[None]:
    """Whatever fails inside is the fault of values in a folder's files, and is told as such.

    Args:
        folder: whose files say what is built.

    Raises:
        WeightsError: where anything is raised inside.

    >>> with blaming(Path("mine")):
    ...     int("many")
    Traceback (most recent call last):
    ...
    muybridge.errors.WeightsError: mine: its config says what cannot be: ValueError: invalid literal for int() with base
    10: 'many'
    """
    try:
        yield
    except WeightsError:
        raise
    except Exception as error:
        kind = "" if isinstance(error, MuybridgeError) else f"{type(error).__name__}: "
        reason = str(error).strip().partition("\n")[0]
        raise WeightsError(f"{folder}: its config says what cannot be: {kind}{reason}") from error


def read_config(folder: Path) -> dict[str, Any]:
    """The folder's config.json.

    Raises:
        WeightsError: it is missing, or no JSON object.
    """
    path = folder / "config.json"
    try:
        return _read_json_object(path)
    except FileNotFoundError as error:
        raise WeightsError(f"{folder} has no config.json: not a checkpoint in the hub's format") from error


def read_state(folder: Path) -> dict[str, torch.Tensor]:
    """All parameters in the folder, from one file or several.

    Raises:
        WeightsError: there are none, or a file is missing or damaged.
    """
    state: dict[str, torch.Tensor] = {}
    for name in _parameter_files(folder):
        state.update(read_checkpoint(folder / name).state)
    return state


def record_of_folder(folder: Path, config: dict[str, Any], reference: str) -> Weights:
    """The record that the folder's files amount to.

    Args:
        folder: where the files lie.
        config: its config.json.
        reference: how the user named it.

    Raises:
        WeightsError: a file is damaged, or has values that no checkpoint can have.
    """
    with blaming(folder):
        return _record(folder, config, reference)


def _record(folder: Path, config: dict[str, Any], reference: str) -> Weights:
    for stem in _STEMS:  # whichever library reads the parameters
        if (folder / f"{stem}.index.json").is_file():
            _names_in_index(folder / f"{stem}.index.json")
    processor = _read_processor(folder)
    mean, std = _normalization(processor)
    size_px = _side(processor.get("crop_size") if processor.get("do_center_crop", True) else None)
    size_px = size_px or _side(config.get("image_size")) or _side(config.get("crop_size")) or 224
    labels = {int(key): str(value) for key, value in (config.get("id2label") or {}).items()}
    return Weights(
        Path(reference).name,
        url=str(folder),
        source=reference,
        labels=tuple(labels[index] for index in sorted(labels)),
        mean=mean,
        std=std,
        num_frames=int(config.get("num_frames") or config.get("frames_per_clip") or 16),
        stride=_STRIDES.get(str(config.get("model_type")), 4),
        size_px=size_px,
        resize_px=_resize(processor.get("size")) if processor.get("do_resize", True) else None,
        interpolation="bicubic" if processor.get("resample") == 3 else "bilinear",
    )


def _read_processor(folder: Path) -> dict[str, Any]:
    for name in _PROCESSORS:
        path = folder / name
        if path.is_file():
            content = _read_json_object(path)
            nested = content.get("video_processor") or content.get("image_processor")
            return nested if isinstance(nested, dict) else content
    return {}


def _normalization(
    processor: dict[str, Any],
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """The mean and std that pixels in [0, 1] need for what the processor does to pixels in [0, 255].

    It computes (255·p·factor - offset - mean) / std, which is (p - (offset + mean)/k) / (std/k) with k =
    255·factor.

    >>> half = [0.5, 0.5, 0.5]
    >>> _normalization({"rescale_factor": 1 / 127.5, "offset": True, "image_mean": half, "image_std": half})
    ((0.75, 0.75, 0.75), (0.25, 0.25, 0.25))
    """
    kind = str(processor.get("image_processor_type") or processor.get("video_processor_type") or "")
    offset = float(processor.get("offset", kind.startswith("Vivit")))
    k = 255 * processor.get("rescale_factor", 1 / 255) if processor.get("do_rescale", True) else 255.0
    normalize = processor.get("do_normalize", True)
    means = processor.get("image_mean") or [0.485, 0.456, 0.406]
    stds = processor.get("image_std") or [0.229, 0.224, 0.225]
    mean = [(offset + (m if normalize else 0.0)) / k for m in means]
    std = [(s if normalize else 1.0) / k for s in stds]
    return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])


def _side(size: Any) -> int | None:
    """One side of a square, however the config writes it."""
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge")
    if isinstance(size, list | tuple):
        size = size[0]
    return int(size) if size else None


def _resize(size: Any) -> int | tuple[int, int] | None:
    if isinstance(size, dict) and "height" in size:
        return int(size["height"]), int(size["width"])
    return _side(size)
