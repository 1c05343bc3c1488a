"""Values → JSON that every parser reads: Python's own would write NaN, which JSON does not have."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["json_text", "json_values"]


def json_text(value: object) -> str:
    """The value as one line of JSON.

    >>> json_text({"score": 0.5, "angles": np.array([0.0, np.nan])})
    '{"score": 0.5, "angles": [0.0, null]}'
    """
    try:  # most values are plain already, and looking at each number of a long signal is slow
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(json_values(value), ensure_ascii=False, allow_nan=False)


def json_values(value: Any) -> Any:
    """The same as values that every JSON parser reads: numpy numbers become plain, NaN and infinities null.

    >>> json_values({"speed": np.float32(1.5), "angles": np.array([0.0, np.nan])})
    {'speed': 1.5, 'angles': [0.0, None]}
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): json_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_values(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
