"""Datasets, augmentation, the loop, evaluation, and the procedural world."""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {
    "Augmentation": "muybridge.training.augmentation",
    "ClipCache": "muybridge.training.clip_cache",
    "ClipDataset": "muybridge.training.clips",
    "Evaluation": "muybridge.training.evaluation",
    "Trainer": "muybridge.training.loop",
    "TrainingResult": "muybridge.training.loop",
    "TrainingSettings": "muybridge.training.settings",
    "VideoItem": "muybridge.training.videos",
    "VideoList": "muybridge.training.videos",
    "World": "muybridge.training.world",
    "WorldSettings": "muybridge.training.world",
    "check_leak": "muybridge.training.splits",
    "check_videos": "muybridge.training.check",
    "evaluate": "muybridge.training.evaluation",
    "fine_tune": "muybridge.training.fine_tuning",
    "learn_from_few": "muybridge.training.few_shot",
    "make_world": "muybridge.training.world",
    "read_videos": "muybridge.training.annotations",
    "split_by_group": "muybridge.training.splits",
}
_SUBMODULES = (
    "annotations",
    "augmentation",
    "batches",
    "check",
    "classification",
    "clip_cache",
    "clips",
    "evaluation",
    "evaluation_pictures",
    "few_shot",
    "fine_tuning",
    "loop",
    "optimizer",
    "progress",
    "run_files",
    "settings",
    "splits",
    "teach",
    "videos",
    "weight_average",
    "world",
    "world_cells",
    "world_drawing",
    "world_language",
    "world_moments",
    "world_painter",
    "world_plan",
    "world_scene",
    "world_truth",
    "world_watching",
)

__getattr__, __dir__ = attach(__name__, _NAMES, _SUBMODULES)
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.training.annotations import read_videos as read_videos
    from muybridge.training.augmentation import Augmentation as Augmentation
    from muybridge.training.check import check_videos as check_videos
    from muybridge.training.clip_cache import ClipCache as ClipCache
    from muybridge.training.clips import ClipDataset as ClipDataset
    from muybridge.training.evaluation import Evaluation as Evaluation, evaluate as evaluate
    from muybridge.training.few_shot import learn_from_few as learn_from_few
    from muybridge.training.fine_tuning import fine_tune as fine_tune
    from muybridge.training.loop import Trainer as Trainer, TrainingResult as TrainingResult
    from muybridge.training.settings import TrainingSettings as TrainingSettings
    from muybridge.training.splits import check_leak as check_leak, split_by_group as split_by_group
    from muybridge.training.videos import VideoItem as VideoItem, VideoList as VideoList
    from muybridge.training.world import (
        World as World,
        WorldSettings as WorldSettings,
        make_world as make_world,
    )
