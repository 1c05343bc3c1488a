"""Tensor → logits: one idea per file, plus the registry and the weights.

Read from top to bottom, these files tell the field:

1. `simple3d`        a 3D convolution sees space and time at once
2. `factorized`      (2+1)D: first space, then time
3. `resnet3d`        the two as residual networks, with public Kinetics weights
4. `vivit`           tubelets and attention (`vivit_weights`: where it starts)
5. `two_stream`      one network for what is there, one for how it moves
6. `frame_encoder`   a network for pictures, and a small one over what it says of each frame
7. `causal`          (layers in `causal_layers`) a stream, frame by frame, without looking back twice
8. `temporal_proposals`, `boundary_matching`   over features of a long video: where actions start and end
9. `temporal_shift`  2D convolutions that see time through shifted channels: eyes that are quick to train
10. `video_captioner`, `video_qa`   `attention` and a `vocabulary` over `visual_tokens`: say it, answer it
11. `moment_detr`    (with `span_matching`) find it: the moments of a long video of which a sentence speaks
12. `hub_torchvision`, `hub_transformers`   the same interface for what others publish

Then `registry` (names → builders), `weights` (what belongs to a checkpoint), `download` and `checkpoint`
(from a URL to a loaded module), `hub_folder` (the hub's format), `input_check`, and `export` (a model as a file).
"""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {
    "BoundaryMatchingNet": "muybridge.models.boundary_matching",
    "CausalNet": "muybridge.models.causal",
    "CausalStream": "muybridge.models.causal",
    "FactorizedConv3d": "muybridge.models.factorized",
    "FrameEncoderNet": "muybridge.models.frame_encoder",
    "ModelEntry": "muybridge.models.registry",
    "Simple3DCNN": "muybridge.models.simple3d",
    "TemporalHead": "muybridge.models.frame_encoder",
    "TemporalProposalNet": "muybridge.models.temporal_proposals",
    "TwoStream": "muybridge.models.two_stream",
    "VideoQANet": "muybridge.models.video_qa",
    "VideoCaptioner": "muybridge.models.video_captioner",
    "TemporalShiftNet": "muybridge.models.temporal_shift",
    "MomentDETR": "muybridge.models.moment_detr",
    "ViViT": "muybridge.models.vivit",
    "VideoResNet": "muybridge.models.resnet3d",
    "Weights": "muybridge.models.weights",
    "check_clip": "muybridge.models.input_check",
    "create_model": "muybridge.models.registry",
    "list_models": "muybridge.models.registry",
    "model_entry": "muybridge.models.registry",
    "register": "muybridge.models.registry",
    "weights_of": "muybridge.models.weights",
}
_SUBMODULES = (
    "available",
    "boundary_matching",
    "causal",
    "causal_layers",
    "checkpoint",
    "download",
    "export",
    "factorized",
    "folding",
    "frame_encoder",
    "hub_folder",
    "hub_torchvision",
    "hub_transformers",
    "input_check",
    "registry",
    "resnet3d",
    "simple3d",
    "temporal_proposals",
    "two_stream",
    "vocabulary",
    "visual_tokens",
    "video_qa",
    "video_captioner",
    "temporal_shift",
    "span_matching",
    "moment_detr",
    "attention",
    "vivit",
    "vivit_weights",
    "weights",
)

__getattr__, __dir__ = attach(__name__, _NAMES, _SUBMODULES)
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.models.boundary_matching import BoundaryMatchingNet as BoundaryMatchingNet
    from muybridge.models.causal import CausalNet as CausalNet, CausalStream as CausalStream
    from muybridge.models.factorized import FactorizedConv3d as FactorizedConv3d
    from muybridge.models.frame_encoder import (
        FrameEncoderNet as FrameEncoderNet,
        TemporalHead as TemporalHead,
    )
    from muybridge.models.input_check import check_clip as check_clip
    from muybridge.models.moment_detr import MomentDETR as MomentDETR
    from muybridge.models.registry import (
        ModelEntry as ModelEntry,
        create_model as create_model,
        list_models as list_models,
        model_entry as model_entry,
        register as register,
    )
    from muybridge.models.resnet3d import VideoResNet as VideoResNet
    from muybridge.models.simple3d import Simple3DCNN as Simple3DCNN
    from muybridge.models.temporal_proposals import TemporalProposalNet as TemporalProposalNet
    from muybridge.models.temporal_shift import TemporalShiftNet as TemporalShiftNet
    from muybridge.models.two_stream import TwoStream as TwoStream
    from muybridge.models.video_captioner import VideoCaptioner as VideoCaptioner
    from muybridge.models.video_qa import VideoQANet as VideoQANet
    from muybridge.models.vivit import ViViT as ViViT
    from muybridge.models.weights import Weights as Weights, weights_of as weights_of
