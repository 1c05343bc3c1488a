"""Train the starter model: 27 actions, fights, and none of these, out of few recordings of six people.

    python recipes/starter/train.py DATA OUTPUT                      # all subjects: the model that ships
    python recipes/starter/train.py DATA OUTPUT --hold-out 1 2       # leave subjects (and a third of the fights) out

DATA holds `utd-mhad-rgb`, `utd-mhad-depth` and `surveillance-fight`. Decoded recordings and painted clips are kept in
OUTPUT/.. so that a second run, and one that leaves others out, starts at once. README.md beside this file tells the
sizes, hours and results.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from muybridge.actions.views import read_size, spatial_views
from muybridge.models import create_model
from muybridge.models.causal import CausalNet
from muybridge.models.checkpoint import save_checkpoint
from muybridge.models.weights import Weights
from muybridge.training.actors import (
    Actor,
    empty_room,
    load_actors,
    read_actor,
    read_color_actor,
    read_depth_actor,
)
from muybridge.training.augmentation import mirrored_labels
from muybridge.training.choreography import ARM_MOTIONS
from muybridge.training.classification import normalize
from muybridge.training.clip_pool import PooledClips, paint_pool
from muybridge.training.loop import Trainer
from muybridge.training.painted_clips import ActorClips
from muybridge.training.puppets import boxing, clapping, puppet, strange, walking
from muybridge.training.scenery import room_picture
from muybridge.training.settings import TrainingSettings
from muybridge.training.silhouettes import ClipShape, Stage

ACTIONS = (
    "swipe left", "swipe right", "wave", "clap", "throw", "cross arms", "shoot a basketball", "draw an x",
    "draw a circle clockwise", "draw a circle counterclockwise", "draw a triangle", "bowl", "box",
    "swing a baseball bat", "tennis forehand", "curl an arm", "tennis serve", "push with two hands",
    "knock on a door", "catch", "pick up and throw", "jog in place", "walk in place", "stand up", "sit down",
    "lunge", "squat",
)  # fmt: skip
LABELS = (*ACTIONS, "fight", "none of these")
FIGHT, NONE = LABELS.index("fight"), LABELS.index("none of these")
MIRRORED = {LABELS.index(label): LABELS.index(other) for label, other in mirrored_labels(LABELS).items()}
CLAP, BOX = LABELS.index("clap"), LABELS.index("box")
PEOPLE = ((1, 2), (3, 4), (5, 6))  # who is left out together, and with whom a third of the fights
VARIANTS = 8
# How often a clip is shown beside others: silhouettes are the hardest to learn, color clips the fewest.
SILHOUETTE_WEIGHT, COLOR_WEIGHT, NONE_WEIGHT = 2.5, 1.75, 1.25
PUPPETS_PER_MOTION, PUPPET_VARIANTS = 100, 2
COVER_WEIGHT = 1.0


@dataclass(frozen=True)
class Step:
    """One part of the training: plain and small, then everything, then at full size, with puppets, and without."""

    name: str
    size_px: int
    rate: float
    final_rate: float
    puppet_share: float = 0.0  # of what is shown, beside the puppets that clap, box and do what is no class
    closer_share: float = 0.0  # of the looks go close to what moves


STEPS = (
    Step("1-plain", 64, 2e-3, 1.0),
    Step("2-scenes", 64, 2e-3, 0.5),
    Step("3-full-size", 96, 1.5e-3, 0.0),
    Step("4-again", 96, 1e-3, 0.0),
    Step("5-puppets", 96, 1e-3, 0.6, puppet_share=0.2),
    Step("6-recordings", 96, 6e-4, 0.0),
    Step("7-closer", 96, 1e-3, 0.0, closer_share=0.6),
)
# What ships is the average of these steps' weights: strangers are understood better by it than by any of them.
AVERAGED = ("4-again", "6-recordings", "7-closer")
RECORD = Weights(
    "starter",
    license="Apache-2.0",
    source="https://github.com/muybridge-video/muybridge/tree/main/recipes/starter",
    labels=LABELS,
    mean=(0.45, 0.45, 0.45),
    std=(0.25, 0.25, 0.25),
    num_frames=16,
    frames_per_second=8.0,
    size_px=96,
    resize_px=(96, 96),
    closest_zoom=2.0,
    num_clips=3,
)


@dataclass(frozen=True)
class Recordings:
    """All that was recorded, by kind."""

    depth: list[Actor]
    color: list[Actor]
    fights: list[Actor]
    others: list[Actor]

    @classmethod
    def read(cls, data: Path, cache: Path, others: Sequence[Path]) -> Recordings:
        """Decode them, or take what `cache` keeps of an earlier run."""
        cache.mkdir(parents=True, exist_ok=True)
        depth_paths = sorted(data.glob("utd-mhad-depth/*/*.mp4"))
        color_paths = sorted(data.glob("utd-mhad-rgb/*/*.mp4"))
        pairs = [
            (path, depth)
            for path in color_paths
            if (depth := data / "utd-mhad-depth" / path.parent.name / path.name).exists()
        ]
        return cls(
            load_actors(cache / "depth.npz", lambda: [read_depth_actor(p, _action(p)) for p in depth_paths]),
            load_actors(cache / "color.npz", lambda: _color(pairs)),
            load_actors(cache / "fights.npz", lambda: _fights(data / "surveillance-fight")),
            load_actors(cache / "others.npz", lambda: [read_actor(p, NONE, 0) for p in others]),
        )

    def part(self, number: int) -> Recordings:
        """One of the parts that are left out together: two people and a third of the fights; `others` in each."""

        def of(actors: list[Actor], groups: Sequence[int]) -> list[Actor]:
            return [a for a in actors if a.group in groups]

        people = (2 * number + 1, 2 * number + 2)
        return Recordings(
            of(self.depth, people), of(self.color, people), of(self.fights, (number,)), self.others
        )


def part_of(parser: argparse.ArgumentParser, subjects: Sequence[int]) -> int:
    """Which part these people are; ends the program where they are none."""
    if tuple(subjects) not in PEOPLE:
        parser.error(f"subjects {tuple(subjects)}: people go in pairs, {', '.join(map(str, PEOPLE))}")
    return PEOPLE.index(tuple(subjects))


def _action(path: Path) -> int:
    return int(path.name[1:3]) - 1


def _color(pairs: Sequence[tuple[Path, Path]]) -> list[Actor]:
    room = empty_room(pairs[::2])
    return [read_color_actor(color, depth, room, _action(color)) for color, depth in pairs]


def _fights(folder: Path) -> list[Actor]:
    """Fights and what is none."""
    return [
        read_actor(path, label, fold_of(path))
        for kind, label in (("fight", FIGHT), ("nofight", NONE))
        for path in sorted((folder / kind).glob("*.mp4"))
    ]


def fold_of(path: Path) -> int:
    """With which people a surveillance clip is left out; neighbors in number may be of one camera: a fold is a run."""
    found = re.search(r"\d+", path.stem)
    assert found, f"{path} has no number"
    return (int(found[0]) - 1) // 50


def pictures_of(part: Recordings) -> list[NDArray[np.uint8]]:
    """What may stand behind a person."""
    pictures = [actor.frames[len(actor.frames) // 2] for actor in (*part.fights, *part.color[::4])]
    return pictures + [frame for actor in part.others for frame in actor.frames[::40]]


def training_set(part: Recordings, shape: ClipShape, *, seed: int) -> ActorClips:
    """What is painted of a part: bodies before other backgrounds, clips as they are, and none of the classes."""
    stage = Stage(shape, pictures_of(part), seed=seed, plain_share=0.05, turned_share=0.35)
    chance = np.random.default_rng(seed)
    puppets = [puppet(chance, clapping, CLAP, yaw_degrees=chance.normal(0, 20)) for _ in range(28)]
    puppets += [puppet(chance, boxing, BOX, yaw_degrees=chance.uniform(-95, 95)) for _ in range(28)]
    puppets += [
        puppet(chance, strange, NONE, yaw_degrees=chance.normal(0, 40), stoutest=2.0) for _ in range(24)
    ]
    return ActorClips(
        stage,
        [*part.depth, *part.color, *puppets],
        [*part.color, *part.fights, *part.others * 4],
        mirrored=MIRRORED,
        none_label=NONE,
        num_none=80,
        passers_by=[puppet(chance, walking, NONE, yaw_degrees=chance.normal(0, 20)) for _ in range(16)],
    )


def puppet_set(parts: Sequence[Recordings], shape: ClipShape, *, seed: int) -> ActorClips:
    """Puppets that do what people do with their arms, each in a way of its own, before backgrounds of these parts."""
    chance = np.random.default_rng(seed)
    actors = [
        puppet(
            chance,
            motion,
            LABELS.index(label),
            yaw_degrees=chance.normal(0, 20),
            stoutest=1.3,
            length_seconds=chance.uniform(1.7, 2.8),
        )
        for label, motion in ARM_MOTIONS.items()
        for _ in range(PUPPETS_PER_MOTION)
    ]
    stage = Stage(shape, [picture for part in parts for picture in pictures_of(part)], seed=seed)
    return ActorClips(stage, actors, [], mirrored=MIRRORED, none_label=NONE, num_none=0)


def emphasis(sets: Sequence[ActorClips]) -> list[float]:
    """How often each item of the sets of `training_set` is shown, relative to the others."""
    weights = []
    for clips in sets:
        for actor in (*clips.composed, *clips.shown):
            if actor.is_depth and actor.group >= 0:
                weights.append(SILHOUETTE_WEIGHT)
            else:
                is_color = not actor.is_depth and actor.label not in (FIGHT, NONE)
                weights.append(COLOR_WEIGHT if is_color else 1.0)
        weights += [NONE_WEIGHT] * clips.num_none
    return weights


def plain_set(parts: Sequence[Recordings], shape: ClipShape, *, seed: int) -> ActorClips:
    """Plain silhouettes, to begin with."""
    stage = Stage(shape, [], seed=seed, plain_share=1.0)
    depth = [actor for part in parts for actor in part.depth]
    return ActorClips(stage, depth, [], mirrored=MIRRORED, none_label=NONE, num_none=0)


class Guided(nn.Module):
    """The network in training: it must also say, for each cell of 8×8 pixels, how much of it people cover.

    Out of a label alone a network learns late that it should look at the person, and of few clips first learns
    their colors. Where the person is is known of every painted clip, and is told in training only.
    """

    def __init__(self, net: CausalNet) -> None:
        super().__init__()
        self.net = net
        self.cells: Tensor | None = None
        self.cover = nn.Linear(96, 2)
        net.blocks[1].register_forward_hook(self._keep)

    def _keep(self, _module: nn.Module, _inputs: Any, output: tuple[Tensor, Tensor]) -> None:
        self.cells = output[0]

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """Clips (B, 3, T, S, S) → logits (B, T, K); cover and its change since the last frame (B, T, S/8, S/8, 2)."""
        logits = self.net.frame_logits(normalize(clips, mean=RECORD.mean, std=RECORD.std))
        assert self.cells is not None
        return logits.float(), self.cover(self.cells).float()


def guided_loss(model: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Cross-entropy at the last frame, which has seen all, and half as much at earlier ones; error of the cover."""
    clips, targets, covered = batch
    logits, cover = model(clips)

    def label_loss(at: int) -> Tensor:
        return functional.cross_entropy(logits[:, at], targets, label_smoothing=0.1)

    labels = (label_loss(-1) + 0.25 * (label_loss(8) + label_loss(11))) / 1.5
    known = (covered >= 0).float()
    present = functional.binary_cross_entropy_with_logits(
        cover[..., 0], covered.clamp(min=0), reduction="none"
    )
    change = (cover[:, 1:, ..., 1] - 4 * covered.diff(dim=1)).square()
    where = (present * known).sum() / known.sum().clamp(min=1)
    movement = (change * known[:, 1:]).sum() / known.sum().clamp(min=1)
    return labels + COVER_WEIGHT * (where + movement)


@torch.no_grad()
def predict(model: nn.Module, clips: Sequence[NDArray[np.uint8]], record: Weights = RECORD) -> Tensor:
    """Probabilities (N, K) of clips (T, S, S, 3) of the size that `read_size` tells; looks as `classify` does."""
    device = next(model.parameters()).device
    rows = []
    for start in range(0, len(clips), 8):
        views = spatial_views(np.stack(clips[start : start + 8]), record)
        block = torch.from_numpy(views).permute(0, 4, 1, 2, 3).to(device)
        rows.append(model(normalize(block, mean=record.mean, std=record.std)).float().softmax(1).cpu())
    return torch.cat(rows)


def average(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of the weights of networks that went one way (Wortsman et al., "Model soups", arXiv:2203.05482)."""
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if value.is_floating_point() else value
        for name, value in states[-1].items()
    }


def unseen_stage(chance: np.random.Generator, shape: ClipShape) -> Stage:
    """Backgrounds and cloths of another seed: none that training saw."""
    rooms = [room_picture(chance, 144, 192) for _ in range(40)]
    return Stage(shape, rooms, seed=999, varied=False)


class HeldOut:
    """Measures a model on people and cameras it has not seen, every few epochs."""

    def __init__(self, recordings: Recordings, record: Weights = RECORD, *, every: int = 1) -> None:
        self.every, self.epoch, self.record = every, 0, record
        side = read_size(record.size_px, record.size_px, record)[0]
        shape = ClipShape(record.num_frames, side, record.frames_per_second or 8.0)
        chance = np.random.default_rng(12345)
        stage = unseen_stage(chance, shape)
        silhouettes = ActorClips(stage, recordings.depth, [], mirrored={}, none_label=NONE, num_none=0)
        painted = [silhouettes.paint(chance, i) for i in range(len(silhouettes))]
        self.silhouettes = [(clip.frames, clip.target) for clip in painted]
        self.color = [(stage.show(chance, a, mirrored=False)[0], a.label) for a in recordings.color]
        self.fights = [(stage.show(chance, a, mirrored=False)[0], a.label) for a in recordings.fights]

    def __call__(self, guided: nn.Module) -> Mapping[str, float]:
        """Top-1 of silhouettes and of color clips among all classes; balanced accuracy of fights."""
        self.epoch += 1
        if self.epoch % self.every:
            return dict.fromkeys(("silhouettes", "color", "fights"), math.nan)
        model, numbers = guided.net, {}
        for name in ("silhouettes", "color"):
            clips = getattr(self, name)
            said = predict(model, [c for c, _ in clips], self.record).argmax(1).numpy()
            right = said == [t for _, t in clips]
            numbers[name] = float(right.mean())
        said = predict(model, [c for c, _ in self.fights], self.record).argmax(1).numpy() == FIGHT
        true = np.array([t == FIGHT for _, t in self.fights])
        numbers["fights"] = float((said[true].mean() + (~said[~true]).mean()) / 2)
        return numbers


def main() -> None:
    """Read the recordings, train step by step, save after each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--hold-out", type=int, nargs="*", default=[], metavar="SUBJECT")
    parser.add_argument(
        "--others", type=Path, nargs="*", default=[], help="videos that show none of the actions"
    )
    parser.add_argument(
        "--epochs", type=int, nargs=7, default=(12, 22, 24, 22, 6, 11, 15), metavar="N", help="of the steps"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    held_out = part_of(parser, options.hold_out) if options.hold_out else None
    store = options.output.parent
    recordings = Recordings.read(options.data, store / "recordings", options.others)
    shown = [n for n in range(len(PEOPLE)) if n != held_out]
    parts = [recordings.part(n) for n in shown]
    test = None if held_out is None else recordings.part(held_out)
    pools = [store / "pools" / f"part{n}" for n in shown]
    full = ClipShape(RECORD.num_frames, RECORD.size_px, RECORD.frames_per_second or 8.0)
    sets = [training_set(part, full, seed=number) for number, part in zip(shown, parts, strict=True)]
    for painted, pool in zip(sets, pools, strict=True):
        paint_pool(painted, pool, variants=VARIANTS, seed=options.seed)
    puppets = puppet_set(parts, full, seed=100)
    puppet_pool = store / "pools" / f"puppets{''.join(map(str, shown))}"
    paint_pool(puppets, puppet_pool, variants=PUPPET_VARIANTS, seed=options.seed)
    weights = emphasis(sets)
    torch.manual_seed(options.seed)
    model = Guided(
        create_model("causal_light", num_classes=len(LABELS)).to(memory_format=torch.channels_last)
    )
    report: dict[str, Any] = {"held_out": options.hold_out, "seed": options.seed}
    ends: dict[str, dict[str, Tensor]] = {}
    for index, (step, epochs) in enumerate(zip(STEPS, options.epochs, strict=True)):
        shape = ClipShape(RECORD.num_frames, step.size_px, full.frames_per_second)
        settings = TrainingSettings(
            epochs=epochs, batch_size=16, learning_rate=step.rate, warmup_epochs=0.5, final_rate=step.final_rate,
            ema_decay=0.985, precision="auto", seed=options.seed + index, workers=options.workers,
        )  # fmt: skip
        trainer = Trainer(model, settings, options.output / step.name, loss=guided_loss, record=RECORD)
        folders, item_weights = pools, weights
        if step.puppet_share:
            of_puppets = step.puppet_share / (1 - step.puppet_share) * sum(weights)
            folders = [*pools, puppet_pool]
            item_weights = [*weights, *[of_puppets / len(puppets)] * len(puppets)]
        clips = (
            PooledClips(folders, size_px=step.size_px, mirrored=MIRRORED, closer_share=step.closer_share)
            if index
            else plain_set(parts, shape, seed=options.seed)
        )
        record = replace(RECORD, size_px=step.size_px, resize_px=(step.size_px, step.size_px))
        check = HeldOut(test, record, every=5) if test else None
        resume = (options.output / step.name / "state.pt").exists()  # stopped before: goes on where it was
        result = trainer.fit(
            clips, evaluate=check, item_weights=item_weights if index else None, resume=resume
        )
        # The average of the weights is learned from in the next step.
        model = result.model.requires_grad_(True)
        report[step.name] = result.to_dict()
        ends[step.name] = copy.deepcopy(model.net.state_dict())
        save_checkpoint(
            options.output / "starter.safetensors", model.net, name="causal_light", weights=RECORD
        )
    model.net.load_state_dict(average([ends[name] for name in AVERAGED]))
    save_checkpoint(options.output / "starter.safetensors", model.net, name="causal_light", weights=RECORD)
    (options.output / "report.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
