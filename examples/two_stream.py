"""Two streams: what a frame shows, how it moves, and where the two are fused."""

import torch

from muybridge.models.two_stream import TwoStream, stack_flow

# Five flow fields of a square that moves right by 3 pixels while the camera pans down by 2.
fields = torch.zeros(5, 64, 64, 2)
fields[..., 1] = -2.0
for t in range(5):
    fields[t, 24:40, 10 + 3 * t : 26 + 3 * t, 0] = 3.0

for name, center in (("as measured", False), ("each field's mean taken out", True)):
    stack = stack_flow(fields, center=center)
    print(f"{name}: channels dx1, dy1, … {tuple(stack.shape)}")
    print("    on the square   ", [round(value, 2) for value in stack[:4, 32, 20].tolist()])
    print("    on the background", [round(value, 2) for value in stack[:4, 5, 5].tolist()])

torch.manual_seed(0)
rgb, flow = torch.rand(1, 3, 1, 64, 64), stack_flow(fields)[None]
print("\nprobabilities of 4 classes:")
for fusion in ("average", "learned", "middle"):
    model = TwoStream(4, num_flow_fields=5, fusion=fusion, width=16).eval()
    with torch.no_grad():
        if fusion == "average":
            print("    spatial alone ", model.spatial(rgb[:, :, 0]).softmax(-1).numpy().round(3))
            print("    temporal alone", model.temporal(flow).softmax(-1).numpy().round(3))
        probabilities = model(rgb, flow).softmax(-1).numpy().round(3)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"    {fusion:<14}", probabilities, f"{parameters:,} parameters")
