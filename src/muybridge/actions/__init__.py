"""What happens and when: classification, streaming, proposals, detection."""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {
    "ActionsObserver": "muybridge.actions.detector",
    "Classifier": "muybridge.actions.classifier",
    "DetectionRule": "muybridge.actions.detection_rule",
    "Event": "muybridge.actions.events",
    "EventFinder": "muybridge.actions.events",
    "EventRule": "muybridge.actions.events",
    "Inference": "muybridge.actions.inference",
    "MultiScaleClassifier": "muybridge.actions.multiscale",
    "StreamPrediction": "muybridge.actions.stream_prediction",
    "StreamUpdate": "muybridge.actions.live",
    "StreamingClassifier": "muybridge.actions.streaming",
    "classify": "muybridge.actions.classifier",
    "detect_actions": "muybridge.actions.detector",
    "find_events": "muybridge.actions.events",
    "stream": "muybridge.actions.live",
}
_SUBMODULES = (
    "actionness",
    "classifier",
    "detection_rule",
    "detector",
    "events",
    "inference",
    "nms",
    "proposals",
    "live",
    "multiscale",
    "scorers",
    "stream_prediction",
    "streaming",
    "views",
)

__getattr__, __dir__ = attach(__name__, _NAMES, _SUBMODULES)
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.actions.classifier import Classifier as Classifier, classify as classify
    from muybridge.actions.detection_rule import DetectionRule as DetectionRule
    from muybridge.actions.detector import (
        ActionsObserver as ActionsObserver,
        detect_actions as detect_actions,
    )
    from muybridge.actions.events import (
        Event as Event,
        EventFinder as EventFinder,
        EventRule as EventRule,
        find_events as find_events,
    )
    from muybridge.actions.inference import Inference as Inference
    from muybridge.actions.live import StreamUpdate as StreamUpdate, stream as stream
    from muybridge.actions.multiscale import MultiScaleClassifier as MultiScaleClassifier
    from muybridge.actions.nms import temporal_nms as temporal_nms
    from muybridge.actions.proposals import (
        Proposal as Proposal,
        generate_proposals as generate_proposals,
    )
    from muybridge.actions.stream_prediction import StreamPrediction as StreamPrediction
    from muybridge.actions.streaming import StreamingClassifier as StreamingClassifier
