"""Two videos in a store: found by their words, by their meaning, by a clip; nothing where nothing matches."""

import tempfile
from pathlib import Path

import cv2
import numpy as np

from muybridge import index_folder
from muybridge.motion.scenes import ScenesObserver
from muybridge.search import LooksObserver, cut_clip, open_store
from muybridge.video import VideoWriter

folder = Path(tempfile.mkdtemp())
spoken = {"kitchen": "She chops an onion.", "station": "The train to Paris leaves at noon."}
for seed, (name, line) in enumerate(spoken.items()):
    noise = np.random.default_rng(seed).uniform(0, 255, (10, 40, 3)).astype(np.float32)
    wide = cv2.resize(noise, (480, 120), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)
    with VideoWriter(folder / f"{name}.mp4", width=160, height=120, frames_per_second=10) as writer:
        for step in range(60):
            writer.write(np.ascontiguousarray(wide[:, 4 * step : 4 * step + 160]))
    (folder / f"{name}.srt").write_text(f"1\n00:00:01,000 --> 00:00:03,000\n{line}\n")

store = open_store(folder / "store")
report = index_folder(folder, store=store, observers=[ScenesObserver(), LooksObserver()])
print(f"{len(report.added)} videos, {report.video_seconds:.0f} seconds")

for query in ("onions", "cutting vegetables", "railway", "submarine"):
    found = store.find(query)
    print(f"\n{query}:" if found else f"\n{query}: nothing matches")
    for match in found:
        times = f"{match.start_seconds:.0f}–{match.end_seconds:.0f} s"
        print(f"  {Path(match.path).name} {times}: {match.label} [{match.why}]")

clip = cut_clip(store.find("Paris")[0], folder / "clip.mp4")
print(f"\n{clip.name} occurs in:")
for match in store.find_like(clip, limit=1):
    print(f"  {Path(match.path).name} at {match.start_seconds:.1f} s: {match.why}")
