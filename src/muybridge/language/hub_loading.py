"""A network and its processor from a folder in the hub's format: `safetensors` alone, and no code of a repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from muybridge.errors import MuybridgeError, WeightsError, require_extra
from muybridge.models.hub_transformers import import_failed, quiet

__all__ = ["FILES", "load_network", "load_processor"]

FILES = ("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model")
"""What is downloaded of a repository: parameters, settings, the tokenizer and the chat template."""
_VOCABULARIES = ("tokenizer.json", "tekken.json", "vocab*", "*.model")


def load_network(kind: Any, folder: Path, reference: str, *, what: str) -> Any:
    """A network with all its parameters, ready for inference, on the accelerator where there is one.

    Args:
        kind: a class of transformers with `from_pretrained`.
        folder: where the files lie.
        reference: how the user called it.
        what: what it should be, for messages.

    Raises:
        WeightsError: files that are missing, damaged, or of something else.
    """
    transformers = require_extra("transformers", extra="hub")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        with quiet(transformers):
            network, info = kind.from_pretrained(
                folder,
                output_loading_info=True,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                dtype="auto" if device == "cuda" else torch.float32,
            )
    except ImportError as error:
        raise import_failed(error) from error
    except _damage() as error:
        raise WeightsError(f"{reference} cannot be loaded as {what}: {_reason(error)}") from error
    # transformers gives missing parameters random values and goes on; what those say would be a lie.
    if missing := sorted(info["missing_keys"]):
        raise WeightsError(
            f"{reference} lacks {len(missing)} parameters of {type(network).__name__} ({', '.join(missing[:4])})"
        )
    return network.to(device).eval()


def load_processor(folder: Path, reference: str) -> Any:
    """The processor that prepares images and text for a network: both, or it is refused.

    Args:
        folder: where the files lie.
        reference: how the user called it.

    Raises:
        WeightsError: files that are missing or damaged.
        MuybridgeError: a library that the processor needs is not installed.
    """
    needed = (
        "its folder needs tokenizer.json, and processor_config.json or preprocessor_config.json with its"
        " processor_class"
    )
    # transformers makes do with an empty vocabulary, to which all words are the same.
    if not any(file.is_file() for pattern in _VOCABULARIES for file in folder.glob(pattern)):
        raise WeightsError(f"{reference} has no vocabulary; {needed}")
    transformers = require_extra("transformers", extra="hub")
    try:
        with quiet(transformers):
            processor = transformers.AutoProcessor.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except ImportError as error:
        if "num2words" in str(error):
            raise MuybridgeError(f"{reference}: SmolVLM's processor needs: pip install num2words") from error
        raise import_failed(error) from error
    except _damage() as error:
        raise WeightsError(
            f"{reference} has no processor that can be loaded ({_reason(error)}); {needed}"
        ) from error
    # Where a folder says of no processor that it is the model's, transformers makes do with one part of it.
    for part in ("image_processor", "tokenizer"):
        if getattr(processor, part, None) is None:
            raise WeightsError(
                f"{reference} has no processor for images and text, only a {type(processor).__name__} without"
                f" {part}; {needed}"
            )
    return processor


def _damage() -> tuple[type[Exception], ...]:
    """What transformers raises where a file is damaged, or where a setting in it has no meaning."""
    from huggingface_hub import errors
    from safetensors import SafetensorError

    # Settings of another type, or such as a patch size of 0, are met wherever they are used first.
    used = (OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError)
    return (*used, SafetensorError, errors.StrictDataclassError)


def _reason(error: Exception) -> str:
    """The first line of an error, and the second where the first announces it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])
