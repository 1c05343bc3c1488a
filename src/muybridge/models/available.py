"""Which trained weights are at hand without any network, the best first."""

from __future__ import annotations

import importlib.util

from muybridge.models.download import cached_file
from muybridge.models.hub_folder import cached_hub_folder
from muybridge.models.registry import list_models, model_entry
from muybridge.models.weights import Weights

__all__ = ["available_weights", "is_available"]

_EXTRA_MODULES = {"hub": ("torchvision", "transformers")}


def is_available(record: Weights) -> bool:
    """Whether the record's file or folder is on this machine.

    >>> is_available(Weights("none", url="https://example.org/none-00000000.pth"))
    False
    """
    if record.hub_name:
        return cached_hub_folder(record.hub_name) is not None
    return cached_file(record) is not None


def _is_installed(extra: str) -> bool:
    return all(importlib.util.find_spec(module) is not None for module in _EXTRA_MODULES.get(extra, ()))


def available_weights() -> list[tuple[str, Weights]]:
    """(model, record) of every classifier whose trained weights are on this machine, the best first.

    Kinetics comes first, since it names the most of everyday life, and there the highest published accuracy; then the
    others, such as a small model that comes with the package.

    >>> all(isinstance(name, str) for name, _ in available_weights())
    True
    """
    found = [
        (name, record)
        for name in list_models(task="classification")
        for record in model_entry(name).weights.values()
        if model_entry(name).takes_clip_alone
        and record.labels
        and _is_installed(model_entry(name).extra)
        and is_available(record)
    ]

    def rank(item: tuple[str, Weights]) -> tuple[bool, float]:
        record = item[1]
        return record.name.startswith("kinetics"), record.accuracy.get("top1", 0.0)

    return sorted(found, key=rank, reverse=True)
