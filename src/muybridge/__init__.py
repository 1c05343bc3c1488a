"""Muybridge tells what happens in a video, when it happens, and what is written on the screen.

>>> import muybridge
>>> muybridge.Segment(1.0, 3.5, "shot").duration_seconds
2.5

Every name below is imported when it is first touched, so `import muybridge` loads neither torch nor OpenCV.
"""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

__version__ = "0.1.0"

_NAMES = {
    "analyze": "muybridge.pipeline.analyze",
    "Answer": "muybridge.values",
    "Clip": "muybridge.values",
    "DamagedVideoWarning": "muybridge.errors",
    "DatasetError": "muybridge.errors",
    "DatasetWarning": "muybridge.errors",
    "EmptyVideoError": "muybridge.errors",
    "EndpointError": "muybridge.errors",
    "Frame": "muybridge.values",
    "MissingExtraError": "muybridge.errors",
    "MotionObserver": "muybridge.motion.readings",
    "MuybridgeError": "muybridge.errors",
    "OptionError": "muybridge.errors",
    "OutputError": "muybridge.errors",
    "Picture": "muybridge.values",
    "Prediction": "muybridge.values",
    "Segment": "muybridge.values",
    "ShapeError": "muybridge.errors",
    "StoreError": "muybridge.errors",
    "Signal": "muybridge.values",
    "TextLine": "muybridge.values",
    "TextTrack": "muybridge.values",
    "Timeline": "muybridge.values",
    "TrainingError": "muybridge.errors",
    "UnknownNameError": "muybridge.errors",
    "VideoDecodeError": "muybridge.errors",
    "VideoError": "muybridge.errors",
    "VideoMetadata": "muybridge.values",
    "VideoOpenError": "muybridge.errors",
    "WeightsError": "muybridge.errors",
    "ask": "muybridge.pipeline.ask",
    "caption": "muybridge.pipeline.caption",
    "classify": "muybridge.actions.classifier",
    "compute_flow": "muybridge.motion.flow",
    "create_model": "muybridge.models.registry",
    "detect_actions": "muybridge.actions.detector",
    "detect_shots": "muybridge.motion.shots",
    "find_moments": "muybridge.pipeline.find",
    "index_folder": "muybridge.pipeline.indexing",
    "list_models": "muybridge.models.registry",
    "open_video": "muybridge.video.reader",
    "read_text": "muybridge.text.reader",
    "pick_keyframes": "muybridge.motion.keyframes",
    "sample_clip": "muybridge.video.sampling",
    "stream": "muybridge.actions.live",
}
_SUBMODULES = (
    "actions",
    "analysis",
    "errors",
    "language",
    "metrics",
    "models",
    "motion",
    "pipeline",
    "report",
    "search",
    "text",
    "training",
    "values",
    "video",
)

__getattr__, __dir__ = attach(__name__, _NAMES, _SUBMODULES)
__all__ = ["__version__", *_NAMES]

if TYPE_CHECKING:
    from muybridge.actions.classifier import classify as classify
    from muybridge.actions.detector import detect_actions as detect_actions
    from muybridge.actions.live import stream as stream
    from muybridge.errors import (
        DamagedVideoWarning as DamagedVideoWarning,
        DatasetError as DatasetError,
        DatasetWarning as DatasetWarning,
        EmptyVideoError as EmptyVideoError,
        EndpointError as EndpointError,
        MissingExtraError as MissingExtraError,
        MuybridgeError as MuybridgeError,
        OptionError as OptionError,
        OutputError as OutputError,
        ShapeError as ShapeError,
        StoreError as StoreError,
        TrainingError as TrainingError,
        UnknownNameError as UnknownNameError,
        VideoDecodeError as VideoDecodeError,
        VideoError as VideoError,
        VideoOpenError as VideoOpenError,
        WeightsError as WeightsError,
    )
    from muybridge.models.registry import create_model as create_model, list_models as list_models
    from muybridge.motion.flow import compute_flow as compute_flow
    from muybridge.motion.keyframes import pick_keyframes as pick_keyframes
    from muybridge.motion.readings import MotionObserver as MotionObserver
    from muybridge.motion.shots import detect_shots as detect_shots
    from muybridge.pipeline.analyze import analyze as analyze
    from muybridge.pipeline.ask import ask as ask
    from muybridge.pipeline.caption import caption as caption
    from muybridge.pipeline.find import find_moments as find_moments
    from muybridge.pipeline.indexing import index_folder as index_folder
    from muybridge.text.reader import read_text as read_text
    from muybridge.values import (
        Answer as Answer,
        Clip as Clip,
        Frame as Frame,
        Picture as Picture,
        Prediction as Prediction,
        Segment as Segment,
        Signal as Signal,
        TextLine as TextLine,
        TextTrack as TextTrack,
        Timeline as Timeline,
        VideoMetadata as VideoMetadata,
    )
    from muybridge.video.reader import open_video as open_video
    from muybridge.video.sampling import sample_clip as sample_clip
