"""A causal network on a stream: one frame in, one answer out, and a state that survives a restart."""

import time

import torch

from muybridge.models import create_model

torch.manual_seed(0)
model = create_model("causal_tiny", num_classes=5).eval()
clip = torch.rand(3, 32, 96, 96)

stream = model.stream()
pushed = torch.stack([stream.push(frame) for frame in clip.unbind(1)])
with torch.no_grad():
    whole = model.frame_logits(clip[None])[0]
print(f"32 frames pushed one by one: logits {tuple(pushed.shape)}")
print(f"largest difference to the whole clip at once: {(pushed - whole).abs().max():.1e}")

saved = stream.state_dict()
print(f"\nafter {stream.num_frames} frames the network remembers:")
for name, tensor in saved.items():
    print(f"    {name:<11} {' x '.join(map(str, tensor.shape)):<22} {tensor.nbytes / 1024:7.1f} KiB")
again = model.stream()
again.load_state_dict(saved)
print("a restored stream goes on the same:", torch.equal(again.push(clip[:, 0]), stream.push(clip[:, 0])))

start = time.perf_counter()
for frame in clip.unbind(1):
    stream.push(frame)
push = (time.perf_counter() - start) / 32
start = time.perf_counter()
with torch.inference_mode():
    model(clip[None, :, :16])
window = time.perf_counter() - start
print(
    f"\nfor a new frame: {1e3 * push:.1f} ms by pushing it, {1e3 * window:.1f} ms by running 16 frames again"
)
