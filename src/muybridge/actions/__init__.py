"""What happens and when: classification, streaming, proposals, detection."""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {
    "Classifier": "muybridge.actions.classifier",
    "Inference": "muybridge.actions.inference",
    "classify": "muybridge.actions.classifier",
}
_SUBMODULES = (
    "classifier",
    "inference",
    "views",
)

__getattr__, __dir__ = attach(__name__, _NAMES, _SUBMODULES)
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.actions.classifier import Classifier as Classifier, classify as classify
    from muybridge.actions.inference import Inference as Inference
