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
    from safetensors import SafetensorError

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
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise WeightsError(f"{reference} cannot be loaded as {what}: {reason}") from error
    # transformers gives missing parameters random values and goes on; what those say would be a lie.
    if missing := sorted(info["missing_keys"]):
        raise WeightsError(
            f"{reference} lacks {len(missing)} parameters of {type(network).__name__} ({', '.join(missing[:4])})"
        )
    return network.to(device).eval()


def load_processor(folder: Path, reference: str) -> Any:
    """The processor that prepares images and text for a network.

    Args:
        folder: where the files lie.
        reference: how the user called it.

    Raises:
        WeightsError: files that are missing or damaged.
        MuybridgeError: a library that the processor needs is not installed.
    """
    transformers = require_extra("transformers", extra="hub")
    try:
        with quiet(transformers):
            return transformers.AutoProcessor.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except ImportError as error:
        if "num2words" in str(error):
            raise MuybridgeError(f"{reference}: SmolVLM's processor needs: pip install num2words") from error
        raise import_failed(error) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise WeightsError(
            f"{reference} has no processor that can be loaded ({reason});"
            " its folder needs preprocessor_config.json or processor_config.json, and tokenizer.json"
        ) from error
