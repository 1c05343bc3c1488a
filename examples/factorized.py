"""(2+1)D: a 3D convolution in two steps, first over space, then over time. What it costs and what it can do."""

import torch
from torch import nn

from muybridge.models import FactorizedConv3d
from muybridge.models.factorized import matching_mid_channels


def parameters(module: nn.Module) -> int:
    """Weights and biases of the convolutions."""
    return sum(p.numel() for m in module.modules() if isinstance(m, nn.Conv3d) for p in m.parameters())


print(f"{'layer':<24}{'full':>9}{'(2+1)D':>9}{'saved':>7}   same size with")
for a, b, kernel in ((3, 64, (3, 7, 7)), (64, 128, (3, 3, 3)), (128, 256, (3, 3, 3))):
    full = parameters(nn.Conv3d(a, b, kernel))
    half = parameters(FactorizedConv3d(a, b, kernel_size=kernel))
    mid = matching_mid_channels(a, b, kernel)
    name = f"{a} to {b}, {'x'.join(map(str, kernel))}"
    print(f"{name:<24}{full:>9,}{half:>9,}{1 - half / full:>7.0%}   {mid} channels between")

# A kernel that is a product of a picture and a rhythm comes out the same, to the last digits.
picture, rhythm = torch.randn(1, 1, 1, 3, 3), torch.randn(1, 1, 3, 1, 1)
clip = torch.randn(1, 1, 8, 16, 16)
at_once = nn.functional.conv3d(clip, picture * rhythm)
in_two_steps = nn.functional.conv3d(nn.functional.conv3d(clip, picture), rhythm)
print(f"\nseparable kernel, difference of the two ways: {(at_once - in_two_steps).abs().max():.1e}")

# Motion along a diagonal is no such product: its best approximation by one step of each loses two thirds.
diagonal = torch.eye(3)  # rows are frames, columns are places
u, s, v = torch.linalg.svd(diagonal)
lost = 1 - s[0] ** 2 / (s**2).sum()
print(f"moving bar, lost with one channel between: {lost:.0%}; with three channels between: 0%")
print("so the channels between carry the motion, and the ReLU there is an extra gain")
