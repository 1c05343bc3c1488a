"""Temporal shift: a 2D convolution sees time for nothing, because its neighbors' channels are pushed into it.

    frame t−1   a b c d        a' stays, b comes from the frame before, c from the frame after:
    frame t     a b c d   ──►  every 2D convolution mixes three moments, at the price of a copy
    frame t+1   a b c d

Blocks of shift, convolution, norm and ReLU halve the picture until a grid of cells is left; pairs of frames are
averaged at the end. So each cell's features know what is there and how it moves, the network can be run over a video
of any length, and it is cheap enough to be trained on two cores.

Paper: Lin, Gan, Han, TSM: Temporal Shift Module for Efficient Video Understanding, ICCV 2019, arXiv:1811.08383.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from muybridge.errors import OptionError, ShapeError
from muybridge.models.registry import register

__all__ = ["TemporalShiftNet", "shift_in_time", "temporal_shift"]


def shift_in_time(features: Tensor, num_frames: int, *, share: float = 0.25) -> Tensor:
    """Replace a share of each frame's channels by the frame before's, and as many by the frame after's.

    Args:
        features: (B·T, C, H, W).
        num_frames: T.
        share: of the channels that go each way.

    Returns:
        (B·T, C, H, W); beyond the first and the last frame lie zeros.

    >>> frames = torch.arange(1.0, 4.0).view(3, 1, 1, 1).expand(3, 4, 1, 1)
    >>> shift_in_time(frames, 3).flatten(1).tolist()
    [[0.0, 2.0, 1.0, 1.0], [1.0, 3.0, 2.0, 2.0], [2.0, 0.0, 3.0, 3.0]]
    """
    moved = int(features.shape[1] * share)
    frames = features.view(-1, num_frames, *features.shape[1:])
    before = functional.pad(frames[:, :-1, :moved], (0, 0, 0, 0, 0, 0, 1, 0))
    after = functional.pad(frames[:, 1:, moved : 2 * moved], (0, 0, 0, 0, 0, 0, 0, 1))
    return torch.cat((before, after, frames[:, :, 2 * moved :]), dim=2).flatten(0, 1)


class ShiftBlock(nn.Module):
    """Shift, convolution, batch norm, ReLU; around it a shortcut where the shape stays: (B·T, C, H, W)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)
        self.is_residual = stride == 1 and in_channels == out_channels

    def forward(self, features: Tensor, num_frames: int) -> Tensor:
        """(B·T, C, H, W) → (B·T, C', H / stride, W / stride)."""
        out: Tensor = functional.relu(self.norm(self.conv(shift_in_time(features, num_frames))))
        return features + out if self.is_residual else out


class TemporalShiftNet(nn.Module):
    """Clips (B, 3, T, H, W) → a grid of features for each pair of frames (B, D, T/2, H/8, W/8).

    Args:
        width: channels of the first layer; doubled at each halving of the picture.
        num_features: D.
        num_blocks: blocks at the last size.

    Raises:
        OptionError: numbers that are not positive.

    >>> TemporalShiftNet()(torch.zeros(2, 3, 16, 48, 48)).shape
    torch.Size([2, 128, 8, 6, 6])
    """

    def __init__(self, *, width: int = 32, num_features: int = 128, num_blocks: int = 2) -> None:
        super().__init__()
        if min(width, num_features, num_blocks) < 1:
            raise OptionError(
                f"width={width}, num_features={num_features}, num_blocks={num_blocks}: all must be at least 1"
            )
        self.num_features = num_features
        # The first layer sees each frame between its neighbors, so that motion is there from the start.
        self.stem = nn.Conv2d(9, width, 5, stride=2, padding=2, bias=False)
        self.norm = nn.BatchNorm2d(width)
        blocks = [ShiftBlock(width, 2 * width, 2), ShiftBlock(2 * width, num_features, 2)]
        blocks += [ShiftBlock(num_features, num_features, 1) for _ in range(num_blocks)]
        self.blocks = nn.ModuleList(blocks)

    def forward(self, clips: Tensor) -> Tensor:
        """(B, 3, T, H, W) → (B, D, T/2, H/8, W/8).

        Raises:
            ShapeError: not a clip, or an odd number of frames.
        """
        if clips.ndim == 5 and clips.shape[2] % 2:
            raise ShapeError(f"expected clips (B, 3, T, H, W) with an even T, got {tuple(clips.shape)}")
        frames = self.each_frame(clips)
        return (frames[:, :, ::2] + frames[:, :, 1::2]) / 2

    def each_frame(self, clips: Tensor) -> Tensor:
        """The same before frames are paired: (B, 3, T, H, W) → (B, D, T, H/8, W/8), for any T.

        Raises:
            ShapeError: not a clip.
        """
        if clips.ndim != 5 or clips.shape[1] != 3 or clips.shape[2] == 0:
            raise ShapeError(f"expected clips (B, 3, T, H, W), got {tuple(clips.shape)}")
        batch, _, num_frames, height, width = clips.shape
        frames = clips.transpose(1, 2)
        before = torch.cat((frames[:, :1], frames[:, :-1]), dim=1)
        after = torch.cat((frames[:, 1:], frames[:, -1:]), dim=1)
        x = torch.cat((frames, before - frames, after - frames), dim=2).reshape(-1, 9, height, width)
        x = functional.relu(self.norm(self.stem(x.contiguous(memory_format=torch.channels_last))))
        for block in self.blocks:
            x = block(x, num_frames)
        return x.view(batch, num_frames, *x.shape[1:]).transpose(1, 2)


@register(
    inputs=((3, 16, 48, 48),),
    task="features",
    paper="TSM: Temporal Shift Module for Efficient Video Understanding, arXiv:1811.08383",
)
def temporal_shift(*, width: int = 32, num_features: int = 128, num_blocks: int = 2) -> TemporalShiftNet:
    """2D convolutions that see time through shifted channels: a grid of features for each pair of frames.

    Args:
        width: channels of the first layer.
        num_features: D.
        num_blocks: blocks at the last size.

    >>> sum(parameter.numel() for parameter in temporal_shift().parameters())
    395232
    """
    return TemporalShiftNet(width=width, num_features=num_features, num_blocks=num_blocks)
