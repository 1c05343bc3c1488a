"""The procedural world: one seed, a video, and the whole truth about it."""

import tempfile
from pathlib import Path

import numpy as np

from muybridge.training.world import WorldSettings, make_world

settings = WorldSettings(
    width=320, height=180, frames_per_second=12, num_scenes=3, scene_seconds=(3.0, 5.0), num_actors=(2, 3),
    num_events=(2, 3), event_seconds=(1.0, 1.5), num_words=(0, 1),
)  # fmt: skip
world = make_world(11, settings)
path = Path(tempfile.mkdtemp()) / "world.mp4"
world.write(path)
print(
    f"{path}: {world.num_frames} frames, {world.duration_seconds:.1f} s; the truth lies beside it as .json\n"
)
for segment in world.segments:
    if segment.kind != "caption":
        print(f"{segment.start_seconds:6.2f} {segment.end_seconds:6.2f}  {segment.kind:<7}", end="")
        print(segment.attributes.get("caption", segment.label))

print("\nquestions with one right answer:")
for question in world.questions[:4]:
    print(f"  {question.text} {question.answer}")

index = round(next(s for s in world.segments if s.kind == "action").start_seconds * 12) + 3
flow, hidden = world.flow(index)
print(f"\nframe {index}: background flows {np.round(flow[0, 0], 2)} pixels, {hidden.sum()} pixels get hidden")
for mask, actor in zip(world.masks(index), world.scenes[0].actors, strict=True):
    print(f"  {actor.name:<16}{mask.sum():5} pixels, moving by {np.round(flow[mask].mean(axis=0), 2)}")
