"""(2+1)D: a 3D convolution in two steps, first over space (1 x k x k), then over time (t x 1 x 1).

    full         in ──[ t x k x k ]──────────────────────────────► out      in·out·t·k·k weights
    factorized   in ──[ 1 x k x k ]──► mid ──ReLU──[ t x 1 x 1 ]──► out     in·mid·k·k + mid·out·t weights

With `mid = out` it costs a quarter to a half less; the ReLU between makes it more expressive than the one it
replaces, and it trains more easily. R(2+1)D chooses `mid` so that the number of weights stays that of the full
convolution:

    mid = floor( t·k·k·in·out / (k·k·in + t·out) )

which separates the gain of the factorization from that of mere size.

Paper: Tran et al., A Closer Look at Spatiotemporal Convolutions for Action Recognition, CVPR 2018,
arXiv:1711.11248 (section 3.5).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from muybridge.errors import OptionError
from muybridge.models.input_check import check_clip
from muybridge.models.registry import register

__all__ = ["Factorized3DCNN", "FactorizedConv3d", "factorized3d", "matching_mid_channels"]

Triple = tuple[int, int, int]


def matching_mid_channels(in_channels: int, out_channels: int, kernel_size: Triple = (3, 3, 3)) -> int:
    """The number of channels between the steps that gives the weights of the full convolution.

    Args:
        in_channels: channels that come in.
        out_channels: channels that go out.
        kernel_size: (t, kh, kw) of the full convolution.

    >>> matching_mid_channels(64, 64)
    144
    >>> 64 * 144 * 9 + 144 * 64 * 3 == 64 * 64 * 27
    True
    """
    t, kh, kw = kernel_size
    return max(1, t * kh * kw * in_channels * out_channels // (kh * kw * in_channels + t * out_channels))


def _triple(value: int | Triple, name: str) -> Triple:
    if isinstance(value, int):
        value = (value, value, value)
    if len(value) != 3 or min(value) < 1:
        raise OptionError(f"{name} is {value}; it must be one positive number or three (t, h, w)")
    return value


class FactorizedConv3d(nn.Sequential):
    """A 1 x k x k convolution, then a t x 1 x 1 convolution; batch norm and ReLU after each.

    Args:
        in_channels: channels that come in.
        out_channels: channels that go out.
        kernel_size: (t, kh, kw), odd numbers, or one number for all three.
        stride: (t, h, w) or one number; space strides in the first step, time in the second.
        mid_channels: channels between the steps; None for `out_channels`; `"match"` for R(2+1)D's formula.
        bias: biases of the convolutions; the batch norms make them idle, so large networks leave them out.

    Input (B, in_channels, T, H, W), output (B, out_channels, T', H', W'): the shape of the full
    convolution with padding k // 2.

    Raises:
        OptionError: an even kernel, or a number of channels that is not positive.

    >>> layer = FactorizedConv3d(3, 64, kernel_size=(3, 7, 7), stride=(1, 2, 2))
    >>> layer(torch.zeros(1, 3, 8, 32, 32)).shape
    torch.Size([1, 64, 8, 16, 16])
    >>> [sum(p.numel() for p in FactorizedConv3d(a, b, kernel_size=k).parameters() if p.ndim > 1) + 2 * b
    ...  for a, b, k in [(3, 64, (3, 7, 7)), (64, 128, 3), (128, 256, 3)]]
    [21824, 123136, 492032]
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int | Triple = 3,
        stride: int | Triple = 1,
        mid_channels: int | Literal["match"] | None = None,
        bias: bool = True,
    ) -> None:
        kernel, steps = _triple(kernel_size, "kernel_size"), _triple(stride, "stride")
        if any(size % 2 == 0 for size in kernel):
            raise OptionError(f"kernel_size is {kernel}; even kernels have no center, use odd ones")
        if mid_channels == "match":
            mid = matching_mid_channels(in_channels, out_channels, kernel)
        else:
            mid = out_channels if mid_channels is None else mid_channels
        if min(in_channels, out_channels, mid) < 1:
            raise OptionError(f"channels {in_channels} → {mid} → {out_channels} must all be 1 or more")
        (t, kh, kw), (st, sh, sw) = kernel, steps
        super().__init__(
            nn.Conv3d(
                in_channels, mid, (1, kh, kw), stride=(1, sh, sw), padding=(0, kh // 2, kw // 2), bias=bias
            ),
            nn.BatchNorm3d(mid),
            nn.ReLU(inplace=True),
            nn.Conv3d(mid, out_channels, (t, 1, 1), stride=(st, 1, 1), padding=(t // 2, 0, 0), bias=bias),
            nn.BatchNorm3d(out_channels),
            nn.ReLU(inplace=True),
        )
        self.in_channels, self.mid_channels, self.out_channels = in_channels, mid, out_channels


class Factorized3DCNN(nn.Module):
    """`Simple3DCNN` with each convolution factorized: the same stages and shapes, 40% fewer weights.

    Args:
        num_classes: K, the size of the output.
        in_channels: channels of the input.
        mid_channels: as in `FactorizedConv3d`.

    Input (B, in_channels, T, H, W) float32 with T >= 2 and H, W >= 5; output (B, K) logits.

    >>> Factorized3DCNN(num_classes=10)(torch.zeros(2, 3, 8, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        num_classes: int = 400,
        *,
        in_channels: int = 3,
        mid_channels: int | Literal["match"] | None = None,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.stem = FactorizedConv3d(
            in_channels, 64, kernel_size=(3, 7, 7), stride=(1, 2, 2), mid_channels=mid_channels
        )
        self.pool1 = nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))
        self.stage1 = FactorizedConv3d(64, 128, mid_channels=mid_channels)
        self.pool2 = nn.MaxPool3d(2)
        self.stage2 = FactorizedConv3d(128, 256, mid_channels=mid_channels)
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
    paper="A Closer Look at Spatiotemporal Convolutions for Action Recognition, arXiv:1711.11248",
)
def factorized3d(
    *, num_classes: int = 400, in_channels: int = 3, mid_channels: int | Literal["match"] | None = None
) -> Factorized3DCNN:
    """Three (2+1)D convolutions, first over space, then over time.

    Args:
        num_classes: K, the size of the output.
        in_channels: channels of the input.
        mid_channels: channels between the two steps, as in `FactorizedConv3d`.

    >>> sum(parameter.numel() for parameter in factorized3d(num_classes=400).parameters())
    741584
    """
    return Factorized3DCNN(num_classes, in_channels=in_channels, mid_channels=mid_channels)
