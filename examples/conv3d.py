"""A 3D convolution answers to motion: one kernel, and a bar that moves right, left, or not at all."""

import torch

from muybridge.models import Simple3DCNN


def moving_bar(step: int) -> torch.Tensor:
    """(1, 1, 8, 1, 24): a bright column in a row of pixels that moves by `step` in each frame."""
    clip = torch.zeros(1, 1, 8, 1, 24)
    for t in range(8):
        clip[0, 0, t, 0, 12 + step * (t - 4)] = 1.0
    return clip


# The kernel is itself a little film of three frames: a bar that moves right by one pixel per frame.
kernel = torch.eye(3).view(1, 1, 3, 1, 3)
print("kernel, one line per frame:")
for row in kernel[0, 0, :, 0]:
    print("   ", "".join("#" if value else "." for value in row))

print("\nstrongest answer (3 is a perfect match):")
for name, step in (("right", 1), ("still", 0), ("left", -1), ("fast right", 2)):
    answer = torch.nn.functional.conv3d(moving_bar(step), kernel).max().item()
    print(f"    {name:<10} {'#' * round(answer * 8)} {answer:.0f}")

print("\nthe same idea with learned kernels, stage by stage (C, T, H, W):")
model = Simple3DCNN(num_classes=400)
x = torch.zeros(1, 3, 16, 112, 112)
for name in ("stem", "pool1", "stage1", "pool2", "stage2"):
    x = getattr(model, name)(x)
    print(f"    {name:<7}", " x ".join(map(str, x.shape[1:])))
