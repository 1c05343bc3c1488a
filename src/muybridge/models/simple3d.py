"""A 3D convolution slides over time as it slides over space, so its filters can answer to motion.

The simplest network that shows it, after C3D: three convolutions, two poolings, an average, a line.

    stage                                            shape (C, T, H, W) for a 16-frame 112x112 clip
    input                                            3   x 16 x 112 x 112
    conv 3x7x7, stride 1x2x2, batch norm, ReLU       64  x 16 x 56 x 56     time is kept, space is halved
    max-pool 1x3x3, stride 1x2x2                     64  x 16 x 28 x 28
    conv 3x3x3, batch norm, ReLU                     128 x 16 x 28 x 28
    max-pool 2x2x2                                   128 x 8  x 14 x 14     now time is halved as well
    conv 3x3x3, batch norm, ReLU                     256 x 8  x 14 x 14
    average over T, H, W                             256
    linear                                           K

Early layers keep every frame: a motion that lasts two frames would be gone after pooling over time.

Paper: Tran et al., Learning Spatiotemporal Features with 3D Convolutional Networks, ICCV 2015,
arXiv:1412.0767.
"""

from __future__ import annotations

import torch
from torch import nn

from muybridge.models.input_check import check_clip
from muybridge.models.registry import register

__all__ = ["Simple3DCNN", "simple3d"]


class Simple3DCNN(nn.Module):
    """Three 3D convolutions, a global average and a linear layer.

    Args:
        num_classes: K, the size of the output.
        in_channels: 3 for RGB, 1 for gray, 2 for optical flow.

    Input (B, in_channels, T, H, W) float32 with T >= 2 and H, W >= 5; output (B, K) logits.

    >>> Simple3DCNN(num_classes=10)(torch.zeros(2, 3, 8, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, num_classes: int = 400, *, in_channels: int = 3) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.stem = nn.Sequential(
            nn.Conv3d(in_channels, 64, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3)),
            nn.BatchNorm3d(64),
            nn.ReLU(inplace=True),
        )
        self.pool1 = nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))
        self.stage1 = nn.Sequential(
            nn.Conv3d(64, 128, 3, padding=1), nn.BatchNorm3d(128), nn.ReLU(inplace=True)
        )
        self.pool2 = nn.MaxPool3d(2)
        self.stage2 = nn.Sequential(
            nn.Conv3d(128, 256, 3, padding=1), nn.BatchNorm3d(256), nn.ReLU(inplace=True)
        )
        self.fc = nn.Linear(256, num_classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, T, H, W) → (B, K) logits."""
        check_clip(clip, channels=self.in_channels, min_frames=2, min_size_px=5)
        x = self.pool1(self.stem(clip))
        x = self.pool2(self.stage1(x))
        x = self.stage2(x)
        logits: torch.Tensor = self.fc(x.mean(dim=(2, 3, 4)))
        return logits


@register(
    inputs=((3, 16, 112, 112),),
    head="fc",
    paper="Learning Spatiotemporal Features with 3D Convolutional Networks, arXiv:1412.0767",
)
def simple3d(*, num_classes: int = 400, in_channels: int = 3) -> Simple3DCNN:
    """Three 3D convolutions, the smallest network that sees motion.

    Args:
        num_classes: K, the size of the output.
        in_channels: channels of the input.

    >>> sum(parameter.numel() for parameter in simple3d(num_classes=400).parameters())
    1238288
    """
    return Simple3DCNN(num_classes, in_channels=in_channels)
