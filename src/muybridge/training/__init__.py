"""Datasets, augmentation, the loop, evaluation, and the procedural world."""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {
    "Trainer": "muybridge.training.loop",
    "TrainingResult": "muybridge.training.loop",
    "TrainingSettings": "muybridge.training.settings",
}
_SUBMODULES = (
    "batches",
    "classification",
    "loop",
    "optimizer",
    "progress",
    "run_files",
    "settings",
    "weight_average",
)

__getattr__, __dir__ = attach(__name__, _NAMES, _SUBMODULES)
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.training.loop import Trainer as Trainer, TrainingResult as TrainingResult
    from muybridge.training.settings import TrainingSettings as TrainingSettings
