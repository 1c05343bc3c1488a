"""The pass that decodes once for all observers, its cache, and analyze()."""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {
    "Pass": "muybridge.pipeline.watch",
    "watch": "muybridge.pipeline.watch",
}

__getattr__, __dir__ = attach(__name__, _NAMES, ("cache", "encoding"))
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.pipeline.watch import Pass as Pass, watch as watch
