"""Residual networks over space and time: how much of a video network has to be 3D?

Three answers with one skeleton, eighteen layers each:

    r3d_18        every convolution is 3x3x3
    mc3_18        3D at the bottom, 1x3x3 (frame by frame) from layer2 up: motion is seen early or not at all
    r2plus1d_18   every 3x3x3 is factorized into 1x3x3 and 3x1x1, at equal size

    stage     r3d_18, r2plus1d_18         mc3_18            shape (C, T, H, W) for a 16-frame 112x112 clip
    stem      stride 1x2x2                the same          64  x 16 x 56 x 56
    layer1    2 blocks                    the same          64  x 16 x 56 x 56
    layer2    2 blocks, stride 2x2x2      stride 1x2x2      128 x 8  x 28 x 28     (mc3: 128 x 16 x 28 x 28)
    layer3    2 blocks, stride 2x2x2      stride 1x2x2      256 x 4  x 14 x 14     (mc3: 256 x 16 x 14 x 14)
    layer4    2 blocks, stride 2x2x2      stride 1x2x2      512 x 2  x 7  x 7      (mc3: 512 x 16 x 7  x 7)
    average over T, H, W, then linear                       K

The names of the parameters are those of torchvision's video ResNets, so their Kinetics-400 checkpoints
load unchanged.

Paper: Tran et al., A Closer Look at Spatiotemporal Convolutions for Action Recognition, CVPR 2018,
arXiv:1711.11248.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from muybridge.models.factorized import matching_mid_channels
from muybridge.models.input_check import check_clip
from muybridge.models.registry import register
from muybridge.models.weights import Weights, kinetics400_labels

__all__ = ["VideoResNet", "mc3_18", "r2plus1d_18", "r3d_18"]

Conv = Callable[[int, int, int, int], nn.Module]
"""(in_channels, out_channels, mid_channels, stride) → a convolution without bias."""


def _conv_3d(in_channels: int, out_channels: int, mid_channels: int, stride: int) -> nn.Module:
    return nn.Conv3d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)


def _conv_spatial(in_channels: int, out_channels: int, mid_channels: int, stride: int) -> nn.Module:
    return nn.Conv3d(
        in_channels, out_channels, (1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1), bias=False
    )


def _conv_2plus1d(in_channels: int, out_channels: int, mid_channels: int, stride: int) -> nn.Module:
    # Unlike FactorizedConv3d it ends without batch norm and ReLU: the block adds its own.
    return nn.Sequential(
        nn.Conv3d(
            in_channels, mid_channels, (1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1), bias=False
        ),
        nn.BatchNorm3d(mid_channels),
        nn.ReLU(inplace=True),
        nn.Conv3d(
            mid_channels, out_channels, (3, 1, 1), stride=(stride, 1, 1), padding=(1, 0, 0), bias=False
        ),
    )


class ResidualBlock(nn.Module):
    """Two convolutions and a bridge around them: relu(conv2(conv1(x)) + x).

    Input (B, in_channels, T, H, W), output (B, out_channels, T', H', W') with T' and H', W' divided by the
    stride.
    """

    def __init__(self, in_channels: int, out_channels: int, conv: Conv, stride: int = 1) -> None:
        super().__init__()
        # The published R(2+1)D computes the middle channels once, from the block's input, for both
        # convolutions. Computed # for each, the second would be wider in the first block of a stage and no
        # public checkpoint would # fit.
        mid_channels = matching_mid_channels(in_channels, out_channels)
        self.conv1 = nn.Sequential(
            conv(in_channels, out_channels, mid_channels, stride),
            nn.BatchNorm3d(out_channels),
            nn.ReLU(inplace=True),
        )
        self.conv2 = nn.Sequential(
            conv(out_channels, out_channels, mid_channels, 1), nn.BatchNorm3d(out_channels)
        )
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            time_stride = 1 if conv is _conv_spatial else stride
            self.downsample = nn.Sequential(
                nn.Conv3d(in_channels, out_channels, 1, stride=(time_stride, stride, stride), bias=False),
                nn.BatchNorm3d(out_channels),
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) → (B, C', T', H', W')."""
        bridge = x if self.downsample is None else self.downsample(x)
        out: torch.Tensor = self.relu(self.conv2(self.conv1(x)) + bridge)
        return out


class VideoResNet(nn.Module):
    """A stem, four stages of two residual blocks, an average and a linear layer.

    Args:
        stem: (B, 3, T, H, W) → (B, 64, T, H/2, W/2).
        convs: the kind of convolution of each of the four stages.
        num_classes: K, the size of the output.

    Input (B, 3, T, H, W) float32; output (B, K) logits. Any T, H, W will do; Kinetics weights expect 16 x
    112 x 112.
    """

    def __init__(self, stem: nn.Module, convs: tuple[Conv, Conv, Conv, Conv], num_classes: int) -> None:
        super().__init__()
        self.stem = stem
        self.layer1 = self._stage(64, 64, convs[0], stride=1)
        self.layer2 = self._stage(64, 128, convs[1], stride=2)
        self.layer3 = self._stage(128, 256, convs[2], stride=2)
        self.layer4 = self._stage(256, 512, convs[3], stride=2)
        self.fc = nn.Linear(512, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.fc.weight, std=0.01)
        nn.init.zeros_(self.fc.bias)

    @staticmethod
    def _stage(in_channels: int, out_channels: int, conv: Conv, *, stride: int) -> nn.Sequential:
        return nn.Sequential(
            ResidualBlock(in_channels, out_channels, conv, stride),
            ResidualBlock(out_channels, out_channels, conv),
        )

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        """(B, 3, T, H, W) → (B, 512, T', H', W'), the last stage before the average."""
        check_clip(clip)
        x = self.layer1(self.stem(clip))
        x = self.layer3(self.layer2(x))
        features: torch.Tensor = self.layer4(x)
        return features

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """(B, 3, T, H, W) → (B, K) logits."""
        logits: torch.Tensor = self.fc(self.features(clip).mean(dim=(2, 3, 4)))
        return logits


def _stem_3d() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(3, 64, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False),
        nn.BatchNorm3d(64),
        nn.ReLU(inplace=True),
    )


def _stem_2plus1d() -> nn.Sequential:
    # 45 channels between: the formula gives 83, the published network has 45.
    return nn.Sequential(
        nn.Conv3d(3, 45, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False),
        nn.BatchNorm3d(45),
        nn.ReLU(inplace=True),
        nn.Conv3d(45, 64, (3, 1, 1), padding=(1, 0, 0), bias=False),
        nn.BatchNorm3d(64),
        nn.ReLU(inplace=True),
    )


def _kinetics400(file_name: str, top1: float, top5: float) -> Weights:
    return Weights(
        "kinetics400",
        url=f"https://download.pytorch.org/models/{file_name}",
        sha256=file_name.partition(".")[0].rpartition("-")[2],  # eight digits are all that is published
        license="BSD-3-Clause",
        source="https://docs.pytorch.org/vision/stable/models/video_resnet.html",
        labels=kinetics400_labels(),
        mean=(0.43216, 0.394666, 0.37645),
        std=(0.22803, 0.22145, 0.216989),
        num_frames=16,
        frames_per_second=15.0,
        size_px=112,
        resize_px=(128, 171),
        accuracy={"top1": top1, "top5": top5},
        protocol="whole videos at 15 frames per second, 5 clips of 16 frames each, center crop",
    )


_PAPER = "A Closer Look at Spatiotemporal Convolutions for Action Recognition, arXiv:1711.11248"
_INPUTS = ((3, 16, 112, 112),)


@register(
    inputs=_INPUTS, head="fc", weights=(_kinetics400("r3d_18-b3b3357e.pth", 63.200, 83.479),), paper=_PAPER
)
def r3d_18(*, num_classes: int = 400) -> VideoResNet:
    """An 18-layer residual network of 3x3x3 convolutions.

    Args:
        num_classes: K, the size of the output.

    >>> sum(parameter.numel() for parameter in r3d_18().parameters())
    33371472
    """
    return VideoResNet(_stem_3d(), (_conv_3d, _conv_3d, _conv_3d, _conv_3d), num_classes)


@register(
    inputs=_INPUTS, head="fc", weights=(_kinetics400("mc3_18-a90a0ba3.pth", 63.960, 84.130),), paper=_PAPER
)
def mc3_18(*, num_classes: int = 400) -> VideoResNet:
    """An 18-layer residual network, 3D in its first stage and frame by frame above.

    Args:
        num_classes: K, the size of the output.

    >>> sum(parameter.numel() for parameter in mc3_18().parameters())
    11695440
    """
    return VideoResNet(_stem_3d(), (_conv_3d, _conv_spatial, _conv_spatial, _conv_spatial), num_classes)


@register(
    inputs=_INPUTS,
    head="fc",
    weights=(_kinetics400("r2plus1d_18-91a641e6.pth", 67.463, 86.175),),
    paper=_PAPER,
)
def r2plus1d_18(*, num_classes: int = 400) -> VideoResNet:
    """An 18-layer residual network of factorized convolutions, the most accurate of the three.

    Args:
        num_classes: K, the size of the output.

    >>> sum(parameter.numel() for parameter in r2plus1d_18().parameters())
    31505325
    """
    return VideoResNet(
        _stem_2plus1d(), (_conv_2plus1d, _conv_2plus1d, _conv_2plus1d, _conv_2plus1d), num_classes
    )
