"""The one door through which transformers loads what lies in a folder: quiet, without a network, and with clear errors.

Code that lies in a repository is never run.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from muybridge.errors import MuybridgeError, WeightsError, require_extra

__all__ = ["from_pretrained", "import_failed", "quiet", "surplus_layers"]


def from_pretrained(kind: Any, folder: Path, *, complaint: str, **settings: Any) -> Any:
    """What a class of transformers makes of a folder.

    Args:
        kind: a class with `from_pretrained`.
        folder: where the files lie.
        complaint: begins the message where it cannot be done, such as `"mine cannot be loaded as a text encoder"`.
        settings: for `kind.from_pretrained`.

    Raises:
        WeightsError: files that are missing, damaged, or of something else.
        MuybridgeError: a library that the class needs is not installed, or does not fit.
    """
    transformers = require_extra("transformers", extra="hub")
    try:
        with quiet(transformers):
            return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **settings)
    except ImportError as error:
        raise import_failed(error) from error
    except _damage() as error:
        raise WeightsError(f"{complaint}: {_reason(error)}") from error


def surplus_layers(network: Any, unexpected: Iterable[str]) -> list[str]:
    """The parameters of layers for which a network has no place: its settings name fewer than the file holds.

    transformers leaves such layers out and goes on. Other parameters that it did not expect, as those of a head for
    another task, are left out rightly.

    Args:
        network: of transformers.
        unexpected: the parameters of the file that it did not take.
    """
    lengths = {name: len(part) for name, part in network.named_modules() if isinstance(part, nn.ModuleList)}
    # The file of a model without a head does not name what the head stands on.
    bases = ("", f"{network.base_model_prefix}.")
    return sorted(
        key
        for key in unexpected
        for number in re.finditer(r"\.(\d+)\.", key)
        if any(int(number[1]) >= lengths.get(base + key[: number.start()], float("inf")) for base in bases)
    )


@contextlib.contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Without its progress bars and advice: what matters is raised as an error here."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def import_failed(error: ImportError) -> MuybridgeError:
    """The error that says what usually keeps transformers from importing a model."""
    if "num2words" in str(error):
        return MuybridgeError("SmolVLM's processor needs: pip install num2words")
    return MuybridgeError(
        f"transformers cannot import the model: {error} The usual cause is a torchvision that does not fit the"
        f" installed torch {torch.__version__}: https://github.com/pytorch/vision#installation"
    )


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
