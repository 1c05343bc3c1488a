"""torchvision's other video models, behind the interface of the own ones.

s3d           Inception with factorized convolutions               arXiv:1712.04851
mvit_v1_b     attention that pools as it goes up, like a CNN       arXiv:2104.11227
mvit_v2_s     the same with relative positions                     arXiv:2112.01526
swin3d_t/s/b  attention inside windows that shift                  arXiv:2106.13230
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import nn

from muybridge.errors import MuybridgeError, require_extra
from muybridge.models.input_check import check_clip
from muybridge.models.registry import register
from muybridge.models.weights import Weights, kinetics400_labels

__all__ = ["mvit_v1_b", "mvit_v2_s", "s3d", "swin3d_b", "swin3d_s", "swin3d_t"]

Triplet = tuple[float, float, float]
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_KINETICS = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)
_HALF = (0.45, 0.45, 0.45), (0.225, 0.225, 0.225)


def _record(
    file_name: str,
    top1: float,
    top5: float,
    *,
    normalization: tuple[Triplet, Triplet],
    num_frames: int,
    frames_per_second: float,
    num_clips: int,
    resize_px: int | tuple[int, int] = 256,
    name: str = "kinetics400",
) -> Weights:
    return Weights(
        name,
        url=f"https://download.pytorch.org/models/{file_name}",
        sha256=file_name.partition(".")[0].rpartition("-")[2],  # eight digits are all that is published
        license="BSD-3-Clause",
        source="https://docs.pytorch.org/vision/stable/models.html#video-classification",
        labels=kinetics400_labels(),
        mean=normalization[0],
        std=normalization[1],
        num_frames=num_frames,
        frames_per_second=frames_per_second,
        size_px=224,
        resize_px=resize_px,
        accuracy={"top1": top1, "top5": top5},
        protocol=(
            f"whole videos at {frames_per_second:g} frames per second,"
            f" {num_clips} clip{'s' if num_clips > 1 else ''} of {num_frames} frames each, center crop"
        ),
    )


def _torchvision_model(
    name: str,
    num_classes: int,
    *,
    min_frames: int = 1,
    num_frames: int | None = None,
    size_px: int | None = None,
) -> nn.Module:
    try:
        video = require_extra("torchvision.models.video", extra="hub")
    except RuntimeError as error:
        # Its compiled operators were built for another torch; that is no missing extra, so pip would do nothing.
        raise MuybridgeError(
            f"the installed torchvision does not fit torch {torch.__version__} ({error}); install the pair that"
            " belongs together: https://github.com/pytorch/vision#installation"
        ) from error
    model: nn.Module = getattr(video, name)(num_classes=num_classes)
    check = functools.partial(
        _check_input, num_frames=num_frames, size_px=size_px, min_frames=min_frames, min_size_px=32
    )
    # A hook, not a wrapper: the names of the parameters stay the published ones.
    model.register_forward_pre_hook(check)
    return model


def _check_input(module: nn.Module, inputs: tuple[Any, ...], **limits: Any) -> None:
    check_clip(inputs[0], **limits)


@register(
    inputs=((3, 16, 224, 224),),
    head="classifier.1",
    extra="hub",
    weights=(
        _record(
            "s3d-d76dad2f.pth",
            68.368,
            88.050,
            normalization=_KINETICS,
            num_frames=128,
            frames_per_second=15.0,
            num_clips=1,
            resize_px=(256, 256),
        ),
    ),
    paper="Rethinking Spatiotemporal Feature Learning, arXiv:1712.04851",
)
def s3d(*, num_classes: int = 400) -> nn.Module:
    """Inception with its 3D convolutions factorized.

    Args:
        num_classes: K, the size of the output.
    """
    return _torchvision_model("s3d", num_classes, min_frames=14)


@register(
    inputs=((3, 16, 224, 224),),
    head="head.1",
    extra="hub",
    weights=(
        _record(
            "mvit_v1_b-dbeb1030.pth",
            78.477,
            93.582,
            normalization=_HALF,
            num_frames=16,
            frames_per_second=7.5,
            num_clips=5,
        ),
    ),
    paper="Multiscale Vision Transformers, arXiv:2104.11227",
)
def mvit_v1_b(*, num_classes: int = 400) -> nn.Module:
    """A transformer whose tokens are pooled from stage to stage.

    Args:
        num_classes: K, the size of the output.
    """
    return _torchvision_model("mvit_v1_b", num_classes, num_frames=16, size_px=224)


@register(
    inputs=((3, 16, 224, 224),),
    head="head.1",
    extra="hub",
    weights=(
        _record(
            "mvit_v2_s-ae3be167.pth",
            80.757,
            94.665,
            normalization=_HALF,
            num_frames=16,
            frames_per_second=7.5,
            num_clips=5,
        ),
    ),
    paper="MViTv2: Improved Multiscale Vision Transformers, arXiv:2112.01526",
)
def mvit_v2_s(*, num_classes: int = 400) -> nn.Module:
    """The second multiscale transformer, with relative positions.

    Args:
        num_classes: K, the size of the output.
    """
    return _torchvision_model("mvit_v2_s", num_classes, num_frames=16, size_px=224)


_swin = functools.partial(
    _record, normalization=_IMAGENET, num_frames=32, frames_per_second=15.0, num_clips=12
)
_SWIN_PAPER = "Video Swin Transformer, arXiv:2106.13230"


@register(
    inputs=((3, 16, 224, 224),),
    head="head",
    extra="hub",
    weights=(_swin("swin3d_t-7615ae03.pth", 77.715, 93.519),),
    paper=_SWIN_PAPER,
)
def swin3d_t(*, num_classes: int = 400) -> nn.Module:
    """Attention inside shifting windows, tiny.

    Args:
        num_classes: K, the size of the output.
    """
    return _torchvision_model("swin3d_t", num_classes)


@register(
    inputs=((3, 16, 224, 224),),
    head="head",
    extra="hub",
    weights=(_swin("swin3d_s-da41c237.pth", 79.521, 94.158),),
    paper=_SWIN_PAPER,
)
def swin3d_s(*, num_classes: int = 400) -> nn.Module:
    """Attention inside shifting windows, small.

    Args:
        num_classes: K, the size of the output.
    """
    return _torchvision_model("swin3d_s", num_classes)


@register(
    inputs=((3, 16, 224, 224),),
    head="head",
    extra="hub",
    weights=(
        _swin("swin3d_b_22k-7c6ae6fa.pth", 81.643, 95.574, name="kinetics400_imagenet22k"),
        _swin("swin3d_b_1k-24f7c7c6.pth", 79.427, 94.386),
    ),
    paper=_SWIN_PAPER,
)
def swin3d_b(*, num_classes: int = 400) -> nn.Module:
    """Attention inside shifting windows, base.

    Args:
        num_classes: K, the size of the output.
    """
    return _torchvision_model("swin3d_b", num_classes)
