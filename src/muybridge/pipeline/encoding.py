"""Findings and observers' states ↔ JSON text; arrays and bytes travel in base64.

JSON, since a cache folder is input like any other: reading it can give wrong data at worst, never run code.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from muybridge.observer import Finding
from muybridge.values import Picture, Segment, Signal

__all__ = ["decode", "decode_findings", "encode", "encode_findings"]


def encode(value: Any) -> str:
    """Nested dicts and lists of numbers, strings, bytes, None and numpy arrays → JSON text.

    Raises:
        TypeError: something else is in it.

    >>> decode(encode({"window": np.arange(3), "raw": b"xy", "n": 1}))
    {'window': array([0, 1, 2]), 'raw': b'xy', 'n': 1}
    """
    return json.dumps(value, default=_encode_special, ensure_ascii=False)


def decode(text: str) -> Any:
    """The inverse of `encode`."""
    return json.loads(text, object_hook=_decode_special)


def encode_findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as JSON values, pictures included."""
    rows = []
    for finding in findings:
        data = finding.to_dict(with_image=True) if isinstance(finding, Picture) else finding.to_dict()
        rows.append({"type": type(finding).__name__, **data})
    return rows


def decode_findings(rows: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """The inverse of `encode_findings`."""
    kinds: dict[str, Any] = {"Segment": Segment, "Signal": Signal, "Picture": Picture}
    return [kinds[row["type"]].from_dict(row) for row in rows]


def _encode_special(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype != object:
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"__array__": data, "dtype": value.dtype.str, "shape": value.shape}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, bytes):
        return {"__bytes__": base64.b64encode(value).decode()}
    raise TypeError(f"an observer's state holds {type(value).__name__}, which cannot be saved")


def _decode_special(data: dict[str, Any]) -> Any:
    if "__array__" in data:
        dtype = np.dtype(data["dtype"])
        if dtype.hasobject:
            raise ValueError("an array of objects is refused")
        return np.frombuffer(base64.b64decode(data["__array__"]), dtype).reshape(data["shape"]).copy()
    if "__bytes__" in data:
        return base64.b64decode(data["__bytes__"])
    return data
