"""Learning to see: what is in each cell of the picture, and what it is doing.

    world ──► clip ──TemporalShiftNet──► grid of features ──linear──► color, shape, motion of each cell
      └────► circles of the actors ──► the same as classes ──────────────────┘ cross-entropy

The world knows where everything is, so the network that all others look through can be taught directly; the
captioner, the question answerer and the grounding network start from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from muybridge.errors import OptionError
from muybridge.models.temporal_shift import TemporalShiftNet
from muybridge.training.world import World, WorldSettings, make_world
from muybridge.training.world_scene import COLORS, MOTIONS

__all__ = [
    "FACTS",
    "NETWORK_WORLD",
    "TEST_SEEDS",
    "CellClips",
    "CellReader",
    "cell_accuracy",
    "cell_targets",
    "cells_loss",
    "clip_to_tensor",
    "clips_of",
]

NETWORK_WORLD = WorldSettings(
    width=48,
    height=48,
    num_actors=(1, 3),
    num_events=(1, 2),
    event_seconds=(0.75, 1.6),
    actor_size=(0.3, 0.38),
    shapes=("circle", "square", "triangle", "cross"),
    motions=tuple(motion for motion in MOTIONS if motion not in ("appears", "disappears", "hits")),
)
"""What the own networks are trained on: two seconds, 48×48 pixels, up to three of four shapes, nine motions."""

FACTS: Mapping[str, tuple[str, ...]] = {
    "color": ("nothing", *COLORS),
    "shape": NETWORK_WORLD.shapes,
    "motion": ("rests", *NETWORK_WORLD.motions),
}
"""What is told of a cell, and the classes of it."""

_CELL_PX = 8
_UNKNOWN = -100  # cross_entropy leaves it out
TEST_SEEDS = 10**6
"""Seeds from here on are for tests; training draws smaller ones."""


def clip_to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """(T, H, W, 3) uint8 → (3, T, H, W) float32 from −1 to 1.

    >>> clip_to_tensor(np.full((2, 8, 8, 3), 255, np.uint8)).shape
    torch.Size([3, 2, 8, 8])
    """
    return torch.from_numpy(pixels).permute(3, 0, 1, 2).float() / 127.5 - 1.0


def clips_of(worlds: Iterable[World], model: nn.Module) -> Tensor:
    """The clips of worlds (B, 3, T, H, W), where a model can look at them: on its device."""
    clips = torch.stack([clip_to_tensor(world.clip().pixels) for world in worlds])
    return clips.to(next(model.parameters()).device)


def cell_targets(world: World) -> dict[str, NDArray[np.int64]]:
    """What each 8×8 cell of each pair of frames shows, as classes of `FACTS`.

    Args:
        world: of one scene.

    Returns:
        fact → (T/2, H/8, W/8) int64; shape and motion are −100 where there is nothing.

    >>> cell_targets(make_world(0, NETWORK_WORLD))["color"].shape
    (8, 6, 6)
    """
    scene, settings = world.scenes[0], world.settings
    rows, columns, steps = settings.height // _CELL_PX, settings.width // _CELL_PX, world.num_frames // 2
    y, x = (np.mgrid[0:rows, 0:columns] + 0.5) * _CELL_PX - 0.5
    circles = world.circles()[:, : 2 * steps].reshape(len(scene.actors), steps, 2, 3).mean(axis=2)
    seconds = (2 * np.arange(steps) + 0.5) / settings.frames_per_second
    found = {name: np.full((steps, rows, columns), _UNKNOWN) for name in FACTS}
    found["color"][:] = 0
    for place, actor in enumerate(scene.actors):
        motions = np.zeros(steps, np.int64)
        for event in scene.events:
            if event.actor == place:
                during = (event.start_seconds <= seconds) & (seconds < event.end_seconds)
                motions[during] = FACTS["motion"].index(event.motion)
        cx, cy, radius = (circles[place, :, n, None, None] for n in range(3))
        here = np.hypot(x - cx, y - cy) < 0.8 * radius
        here |= (np.abs(x - cx) <= _CELL_PX / 2) & (np.abs(y - cy) <= _CELL_PX / 2)
        found["color"][here] = FACTS["color"].index(actor.color)
        found["shape"][here] = FACTS["shape"].index(actor.shape)
        found["motion"][here] = np.broadcast_to(motions[:, None, None], here.shape)[here]
    return found


class CellClips(Dataset[dict[str, Tensor]]):
    """Worlds without end: each item is some frames of another one in every epoch.

    What is in a cell shows in a second, so the time goes into many worlds instead of many frames of each.

    Args:
        num_clips: how many make an epoch.
        num_frames: of each clip, an even number.
        settings: of the world.

    Raises:
        OptionError: no clips.

    >>> sorted(CellClips(4)[0])
    ['clip', 'color', 'motion', 'shape']
    """

    def __init__(
        self, num_clips: int, *, num_frames: int = 8, settings: WorldSettings = NETWORK_WORLD
    ) -> None:
        if num_clips < 1 or num_frames < 2 or num_frames % 2:
            raise OptionError(
                f"{num_clips} clips of {num_frames} frames; give a clip, and an even number of frames"
            )
        self.num_clips, self.num_frames, self.settings = num_clips, num_frames, settings

    def __len__(self) -> int:
        return self.num_clips

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        # The trainer seeds numpy by its seed, the epoch and the index.
        world = make_world(np.random.randint(TEST_SEEDS), self.settings)
        num_steps = self.num_frames // 2
        first = np.random.randint(world.num_frames // 2 - num_steps + 1)
        targets = {
            name: torch.from_numpy(value[first : first + num_steps])
            for name, value in cell_targets(world).items()
        }
        frames = np.arange(2 * first, 2 * first + self.num_frames)
        return {"clip": clip_to_tensor(world.render(frames)), **targets}


class CellReader(nn.Module):
    """A network that sees, and one linear layer for each fact of a cell.

    Args:
        eyes: clips (B, 3, T, H, W) → (B, D, t, h, w).

    >>> CellReader(TemporalShiftNet())(torch.zeros(1, 3, 16, 48, 48))["shape"].shape
    torch.Size([1, 4, 8, 6, 6])
    """

    def __init__(self, eyes: TemporalShiftNet) -> None:
        super().__init__()
        self.eyes = eyes
        self.heads = nn.ModuleDict({name: nn.Linear(eyes.num_features, len(FACTS[name])) for name in FACTS})

    def forward(self, clips: Tensor) -> dict[str, Tensor]:
        """Fact → logits (B, K, t, h, w)."""
        cells = self.eyes(clips).movedim(1, -1)
        return {name: head(cells).movedim(-1, 1) for name, head in self.heads.items()}


def cells_loss(model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    """The sum of the cross-entropies of all facts; cells that show nothing count a third."""
    logits = model(batch["clip"])
    total = torch.zeros((), device=batch["clip"].device)
    for name, classes in FACTS.items():
        weight = torch.ones(len(classes), device=total.device)
        if name == "color":
            weight[0] = 1 / 3
        total = total + functional.cross_entropy(logits[name].float(), batch[name], weight=weight)
    return total


@torch.no_grad()
def cell_accuracy(
    model: nn.Module, *, num_clips: int = 200, settings: WorldSettings = NETWORK_WORLD
) -> dict[str, float]:
    """The share of cells that are right, for each fact, on worlds kept for tests; nothing counts only as a color."""
    right = dict.fromkeys(FACTS, 0)
    count = dict.fromkeys(FACTS, 0)
    for first in range(0, num_clips, 20):
        worlds = [make_world(TEST_SEEDS + n, settings) for n in range(first, min(first + 20, num_clips))]
        logits = model(clips_of(worlds, model))
        for row, world in enumerate(worlds):
            for name, target in cell_targets(world).items():
                known = target != _UNKNOWN
                says = logits[name][row].argmax(dim=0).cpu().numpy()
                right[name] += int((says == target)[known].sum())
                count[name] += int(known.sum())
    return {f"{name}_accuracy": right[name] / count[name] for name in FACTS}
