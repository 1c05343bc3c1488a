"""Cost of convolutions and models, and similarity of videos by their features."""

from muybridge._lazy import attach

_SUBMODULES = ("cost", "model_cost")

__getattr__, __dir__ = attach(__name__, {}, _SUBMODULES)
