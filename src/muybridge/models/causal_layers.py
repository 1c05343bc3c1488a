"""The layers of a causal network: over time they see the present and the past, never the future.

Each layer that looks back is called with what it must know of the past, and returns that for the next
call. So a whole clip, a chunk of it and a single frame run through the same code. Shapes are (B, T, H, W,
C): channels last makes a convolution over space an ordinary 2D one without a copy, and a convolution over
time a linear map.

Sources: Lin et al., "TSM: Temporal Shift Module for Efficient Video Understanding", ICCV 2019 (the shift
over the past); Kondratyuk et al., "MoViNets: Mobile Video Networks for Efficient Video Recognition", CVPR
2021 (the stream buffer); Tran et al., "A Closer Look at Spatiotemporal Convolutions", CVPR 2018 (space,
then time).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

__all__ = ["ConvBlock", "ShiftBlock", "SpatialConv", "TemporalConv", "TemporalShift", "halved"]


def halved(size_px: int, stride: int = 2) -> int:
    """The size of a padded convolution's output."""
    return -(-size_px // stride)


class TemporalConv(nn.Module):
    """A convolution over time that sees the present and the `kernel_size - 1` frames before it.

    Over the channels of `kernel_size` neighbouring frames laid side by side, it is one linear map.

    >>> conv = TemporalConv(4, kernel_size=3)
    >>> clip = torch.randn(1, 5, 2, 2, 4)
    >>> whole, _ = conv(clip, conv.empty_past(1, 2, 2))
    >>> first, past = conv(clip[:, :3], conv.empty_past(1, 2, 2))
    >>> second, past = conv(clip[:, 3:], past)
    >>> torch.allclose(whole, torch.cat([first, second], dim=1), atol=1e-6)
    True
    """

    def __init__(self, channels: int, *, kernel_size: int = 3) -> None:
        super().__init__()
        self.channels = channels
        self.kernel_size = kernel_size
        self.linear = nn.Linear(kernel_size * channels, channels, bias=False)
        nn.init.kaiming_normal_(self.linear.weight, nonlinearity="relu")

    def empty_past(self, batch_size: int, height: int, width: int) -> Tensor:
        """Zeros: before the first frame there was nothing."""
        shape = (batch_size, self.kernel_size - 1, height, width, self.channels)
        return self.linear.weight.new_zeros(shape)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Map frames (B, T, H, W, C) and their past (B, k-1, H, W, C) to frames and the next past."""
        num_frames = x.shape[1]
        frames = torch.cat([past, x], dim=1)
        if num_frames > 1:  # a single frame costs less as a linear map
            return self._convolved(frames), frames[:, num_frames:]
        side_by_side = [frames[:, k : k + num_frames] for k in range(self.kernel_size)]
        return self.linear(torch.cat(side_by_side, dim=-1)), frames[:, num_frames:]

    def _convolved(self, frames: Tensor) -> Tensor:
        """The same map for many frames: time and place are the two axes of a picture, so that nothing is copied."""
        batch_size, length, height, width, channels = frames.shape
        kernel = self.linear.weight.view(channels, self.kernel_size, channels).permute(0, 2, 1)
        picture = frames.reshape(batch_size, length, height * width, channels).permute(0, 3, 1, 2)
        # Contiguous, since the fallback for bfloat16 on processors without it cannot learn through a view.
        mapped = functional.conv2d(picture, kernel[..., None].contiguous(), self.linear.bias)
        return mapped.permute(0, 2, 3, 1).reshape(batch_size, -1, height, width, channels)


class TemporalShift(nn.Module):
    """Give an eighth of the channels the values of the frame before: movement for no parameter at all.

    >>> shift = TemporalShift(8)
    >>> x = torch.arange(1.0, 3.0).view(1, 2, 1, 1, 1).expand(1, 2, 1, 1, 8)
    >>> shift(x, shift.empty_past(1, 1, 1))[0].squeeze()
    tensor([[0., 1., 1., 1., 1., 1., 1., 1.],
            [1., 2., 2., 2., 2., 2., 2., 2.]])
    """

    def __init__(self, channels: int, *, shifted_share: float = 1 / 8) -> None:
        super().__init__()
        self.channels = channels
        self.num_shifted = max(1, int(channels * shifted_share))

    def empty_past(self, batch_size: int, height: int, width: int) -> Tensor:
        """Zeros: before the first frame there was nothing."""
        return torch.zeros(batch_size, 1, height, width, self.num_shifted)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Map frames (B, T, H, W, C) and the last shifted channels (B, 1, H, W, S) to the same."""
        shifted = torch.cat([past, x[..., : self.num_shifted]], dim=1)
        return torch.cat([shifted[:, :-1], x[..., self.num_shifted :]], dim=-1), shifted[:, -1:]


class SpatialConv(nn.Module):
    """A 2D convolution of each frame alone, batch norm, ReLU: (B, T, H, W, C) → (B, T, H', W', C')."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False
        )
        self.norm: nn.Module = nn.BatchNorm2d(out_channels)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def fold_norm(self) -> None:
        """Work the batch norm into the weights: the same function, one pass over the frames less."""
        assert isinstance(self.norm, nn.BatchNorm2d)
        self.conv = fuse_conv_bn_eval(self.conv, self.norm)
        self.norm = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Convolve all frames in one 2D call; both permutations only rename axes."""
        frames = x.flatten(0, 1).permute(0, 3, 1, 2)
        frames = functional.relu(self.norm(self.conv(frames))).permute(0, 2, 3, 1)
        return frames.reshape(*x.shape[:2], *frames.shape[1:])


class ConvBlock(nn.Module):
    """Convolve over space, then over time; each adds to what it got where the shapes agree."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int) -> None:
        super().__init__()
        self.keeps_shape = stride == 1 and in_channels == out_channels
        self.stride = stride
        self.space = SpatialConv(in_channels, out_channels, kernel_size=3, stride=stride)
        self.time = TemporalConv(out_channels)
        self.norm: nn.Module = nn.BatchNorm1d(out_channels)

    def fold_norm(self) -> None:
        """Work the batch norms into the weights before them."""
        assert isinstance(self.norm, nn.BatchNorm1d)
        self.space.fold_norm()
        self.time.linear = fuse_linear_bn_eval(self.time.linear, self.norm)
        self.norm = nn.Identity()

    def empty_past(self, batch_size: int, height: int, width: int) -> Tensor:
        """The past before the first frame of (height, width) as this block gets them."""
        return self.time.empty_past(batch_size, halved(height, self.stride), halved(width, self.stride))

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Map frames (B, T, H, W, C) and this block's past to frames and the next past."""
        space = self.space(x)
        if self.keeps_shape:
            space = space + x
        time, past = self.time(space, past)
        time = self.norm(time.flatten(0, 3)).view_as(time)
        return functional.relu(space + time), past


class ShiftBlock(nn.Module):
    """Shift some channels into the future, then convolve over space: the convolution mixes now and before."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int) -> None:
        super().__init__()
        self.keeps_shape = stride == 1 and in_channels == out_channels
        self.shift = TemporalShift(in_channels)
        self.space = SpatialConv(in_channels, out_channels, kernel_size=3, stride=stride)

    def fold_norm(self) -> None:
        """Work the batch norm into the weights before it."""
        self.space.fold_norm()

    def empty_past(self, batch_size: int, height: int, width: int) -> Tensor:
        """The past before the first frame of (height, width) as this block gets them."""
        return self.shift.empty_past(batch_size, height, width).to(self.space.conv.weight)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Map frames (B, T, H, W, C) and this block's past to frames and the next past."""
        shifted, past = self.shift(x, past)
        space = self.space(shifted)
        return (x + space if self.keeps_shape else space), past
