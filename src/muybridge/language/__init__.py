"""Captions, answers and moments, from evidence or from a model."""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {"Speaker": "muybridge.language.speaker"}

__getattr__, __dir__ = attach(__name__, _NAMES, ())
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.language.speaker import Speaker as Speaker
