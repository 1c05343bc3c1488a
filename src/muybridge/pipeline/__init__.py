"""The pass that decodes once for all observers, its cache, and analyze()."""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {
    "Pass": "muybridge.pipeline.passes",
    "default_observers": "muybridge.pipeline.analyze",
    "watch": "muybridge.pipeline.passes",
}

__getattr__, __dir__ = attach(
    __name__, _NAMES, ("analyze", "ask", "cache", "caption", "demo", "encoding", "find", "indexing")
)
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.pipeline.analyze import default_observers as default_observers
    from muybridge.pipeline.passes import Pass as Pass, watch as watch
