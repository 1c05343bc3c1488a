"""What models cost, and what features say: how alike two clips or two videos are."""

from muybridge._lazy import attach

_SUBMODULES = ("comparison", "cost", "descriptors", "features", "matching", "model_cost")

__getattr__, __dir__ = attach(__name__, {}, _SUBMODULES)
