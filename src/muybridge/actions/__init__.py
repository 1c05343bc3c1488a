"""What happens and when: classification, streaming, proposals, detection."""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {
    "Classifier": "muybridge.actions.classifier",
    "Event": "muybridge.actions.events",
    "EventFinder": "muybridge.actions.events",
    "EventRule": "muybridge.actions.events",
    "Inference": "muybridge.actions.inference",
    "StreamPrediction": "muybridge.actions.stream_prediction",
    "StreamingClassifier": "muybridge.actions.streaming",
    "classify": "muybridge.actions.classifier",
    "find_events": "muybridge.actions.events",
}
_SUBMODULES = (
    "classifier",
    "events",
    "inference",
    "nms",
    "proposals",
    "scorers",
    "stream_prediction",
    "streaming",
    "views",
)

__getattr__, __dir__ = attach(__name__, _NAMES, _SUBMODULES)
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.actions.classifier import Classifier as Classifier, classify as classify
    from muybridge.actions.events import (
        Event as Event,
        EventFinder as EventFinder,
        EventRule as EventRule,
        find_events as find_events,
    )
    from muybridge.actions.inference import Inference as Inference
    from muybridge.actions.nms import temporal_nms as temporal_nms
    from muybridge.actions.proposals import (
        Proposal as Proposal,
        generate_proposals as generate_proposals,
    )
    from muybridge.actions.stream_prediction import StreamPrediction as StreamPrediction
    from muybridge.actions.streaming import StreamingClassifier as StreamingClassifier
