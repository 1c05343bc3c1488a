"""A network and its processor from a folder in the hub's format: `safetensors` alone, and no code of a repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from muybridge.errors import WeightsError, require_extra
from muybridge.models.hub_pretrained import from_pretrained, surplus_layers

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
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network, info = from_pretrained(
        kind,
        folder,
        complaint=f"{reference} cannot be loaded as {what}",
        output_loading_info=True,
        use_safetensors=True,
        dtype="auto" if device == "cuda" else torch.float32,
    )
    # transformers gives missing parameters random values and goes on; what those say would be a lie.
    if missing := sorted(info["missing_keys"]):
        raise WeightsError(
            f"{reference} lacks {len(missing)} parameters of {type(network).__name__} ({', '.join(missing[:4])})"
        )
    if surplus := surplus_layers(network, info["unexpected_keys"]):
        raise WeightsError(
            f"{reference} holds {len(surplus)} parameters of layers that its config.json does not name"
            f" ({', '.join(surplus[:4])})"
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
    processor = from_pretrained(
        transformers.AutoProcessor,
        folder,
        complaint=f"{reference} has no processor that can be loaded; {needed}",
    )
    # Where a folder says of no processor that it is the model's, transformers makes do with one part of it.
    for part in ("image_processor", "tokenizer"):
        if getattr(processor, part, None) is None:
            raise WeightsError(
                f"{reference} has no processor for images and text, only a {type(processor).__name__} without"
                f" {part}; {needed}"
            )
    return processor
