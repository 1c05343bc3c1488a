"""Tubelets: how a clip becomes tokens, what attention over them costs, and why they need positions."""

import torch

from muybridge.models import ViViT, create_model

with torch.device("meta"):  # shapes only, no memory
    model = ViViT(num_frames=16, size_px=224)
    tokens = model.vivit["embeddings"].patch_embeddings(torch.zeros(1, 3, 16, 224, 224))
_, t, s, dim = tokens.shape
print(
    f"16 frames of 224x224 in tubelets of 2x16x16: {t} moments x {s} places = {t * s} tokens of {dim} numbers\n"
)

print(f"{'frames':>7}{'tokens':>8}{'joint pairs':>14}{'space, then time':>18}{'times fewer':>13}")
for frames in (8, 16, 32, 64):
    t = frames // 2
    joint, split = (t * s) ** 2, t * s * s + s * t * t
    print(f"{frames:>7}{t * s:>8}{joint:>14,}{split:>18,}{joint / split:>13.1f}")

print("\nthe same clip forward and backward, largest difference of the logits:")
size = {"num_frames": 8, "size_px": 64, "tubelet": (1, 16, 16), "dim": 48, "depth": 2, "num_heads": 3}
clip = torch.randn(1, 3, 8, 64, 64, generator=torch.Generator().manual_seed(0))
for positions in (True, False):
    torch.manual_seed(0)
    model = create_model("vivit", mlp_dim=96, positions=positions, **size).eval()
    with torch.inference_mode():
        difference = (model(clip) - model(clip.flip(2))).abs().max().item()
    print(f"    {'with' if positions else 'without'} learned positions: {difference:.1e}")
