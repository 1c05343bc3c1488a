"""Boundary matching: where the points lie that a proposal is judged by, and a network that learns the map."""

import torch

from muybridge.models.boundary_matching import BoundaryMatchingNet, sampling_mask

mask = sampling_mask(16, 16, num_points=8)  # (moment, point, duration - 1, start)
print("weights by which the proposal [4, 8) reads 16 moments, a quarter of its length beyond either side:")
for point in range(8):
    print("   ", "".join(" .:-=+*#"[min(7, round(7 * w))] for w in mask[:, point, 3, 4].tolist()))

torch.manual_seed(0)
net = BoundaryMatchingNet(3, 12, max_duration=8, num_points=8, width=32)
optimizer = torch.optim.Adam(net.parameters(), lr=0.005)


def videos(size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features that are on during one action, and the action's start and duration."""
    start, duration = torch.randint(0, 8, (size,)), torch.randint(2, 5, (size,))
    moments = torch.arange(12)
    inside = (moments >= start[:, None]) & (moments < (start + duration)[:, None])
    return inside[:, None] + 0.1 * torch.randn(size, 3, 12), start, duration


for _ in range(80):
    features, start, duration = videos(16)
    loss = torch.nn.functional.cross_entropy(
        net(features).confidence[:, 0].flatten(1), (duration - 1) * 12 + start
    )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
features, start, duration = videos(1)
confidence = net(features).confidence[0, 0].masked_fill(~net.valid, -1e9).flatten().softmax(0).view(8, 12)
print(f"\nan action at [{start.item()}, {(start + duration).item()}); confidence by duration and start:")
for d in range(8):
    print(f"    {d + 1} ", "".join(" .:-=+*#"[min(7, round(7 * p))] for p in confidence[d].tolist()))
