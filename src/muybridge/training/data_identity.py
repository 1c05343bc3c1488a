"""What a run learns from, in a few values that can be kept with it and compared when it goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any, cast

__all__ = ["data_changes", "data_identity"]

# Lists as long as the dataset: a run's file needs only to know them again.
_LISTS = {"items": "the items", "classes": "the classes of the items", "item weights": "the item weights"}


def data_identity(dataset: Any, *, item_weights: Sequence[float] | None = None) -> dict[str, Any]:
    """What a dataset tells of itself, as JSON values; what it does not tell is left out.

    Args:
        dataset: may have `name_of(index)`, `targets` (the class of each item), and `identity()`, which gives whatever
            else makes its items what they are; "items" in that replaces the names.
        item_weights: how often each item is drawn.

    >>> data_identity([1, 2, 3])
    {}
    """
    identity: dict[str, Any] = {}
    name_of: Callable[[int], str] | None = getattr(dataset, "name_of", None)
    if name_of is not None:
        identity["items"] = [name_of(index) for index in range(len(cast(Sized, dataset)))]
    tell: Callable[[], Mapping[str, Any]] | None = getattr(dataset, "identity", None)
    if tell is not None:
        identity |= tell()
    targets: Sequence[int] | None = getattr(dataset, "targets", None)
    if targets is not None:
        identity["classes"] = list(targets)
    if item_weights is not None:
        identity["item weights"] = list(item_weights)
    return {key: _digest(value) if key in _LISTS else value for key, value in identity.items()}


def data_changes(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """What differs, in words; what only one of them tells is no difference.

    >>> data_changes({"mirror": {"deal": "cut"}, "size": 32}, {"mirror": {}, "size": 32, "items": "5f"})
    ["mirror was {}, is {'deal': 'cut'}"]
    >>> data_changes({"items": "5f"}, {"items": "6a"})
    ['the items are others']
    """
    return [
        f"{_LISTS[key]} are others" if key in _LISTS else f"{key} was {before[key]}, is {value}"
        for key, value in now.items()
        if key in before and before[key] != value
    ]


def _digest(values: list[Any]) -> str:
    # Numbers of NumPy and torch are no JSON values, but print as what they are.
    return hashlib.sha256(json.dumps(values, default=str).encode()).hexdigest()
