"""What networks cost before they are trained: three 3D convolutions, attention, and whole models."""

import torch

from muybridge.analysis.cost import attention_cost, conv3d_cost, model_cost
from muybridge.models import create_model

print(f"{'in, out, kernel':<20}{'parameters':>12}{'(2+1)D':>10}{'saved':>7}{'multiply-adds':>15}")
for spec, size in (
    ((3, 64, 3, 7, 7), (16, 224, 224)),
    ((64, 128, 3, 3, 3), (8, 56, 56)),
    ((128, 256, 3, 3, 3), (4, 28, 28)),
):
    cost = conv3d_cost(spec, size)
    saved = f"{cost.parameter_savings:.0%}"
    print(
        f"{str(spec)[1:-1]:<20}{cost.parameters:>12,}{cost.factorized_parameters:>10,}{saved:>7}"
        f"{cost.multiply_adds / 1e9:>13.2f} G"
    )

attention = attention_cost((16, 224, 224))
print(f"\n16 frames of 224x224 are {attention.num_tokens:,} tokens: joint attention takes")
print(f"{attention.ratio:.1f} times the multiply-adds of space, then time")

print(f"\n{'model, 16x112x112':<20}{'parameters':>12}{'multiply-adds':>15}{'inference':>12}{'training':>12}")
for name in ("simple3d", "r3d_18", "r2plus1d_18", "causal_small"):
    with torch.device("meta"):  # shapes only, no memory
        model = create_model(name)
    found = model_cost(model, (16, 112, 112))
    print(
        f"{name:<20}{found.parameters:>12,}{found.giga_multiply_adds:>13.2f} G"
        f"{found.inference_bytes / 2**20:>8.0f} MiB{found.training_bytes / 2**20:>8.0f} MiB"
    )
