"""A training set of painted clips: people who do something, clips as they are, and what is none of the classes.

"None" is people who stand still or pass by, crowds, parts of bodies too near to tell, bodies that jump between
unrelated poses, things and pieces of pictures that move, cameras that move, cuts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from muybridge.training.actors import Actor
from muybridge.training.silhouettes import Layer, Stage

__all__ = ["ActorClips", "PaintedClip"]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PaintedClip:
    """What was painted.

    Args:
        frames: (T, S, S, 3).
        target: the class.
        masks: (T, S, S), 255 where people are; None where nobody knows.
    """

    frames: Pixels
    target: int
    masks: Pixels | None


class ActorClips:
    """A training set of painted clips; see `__getitem__`.

    Args:
        stage: paints them.
        composed: actors whose clips are put before other backgrounds.
        shown: clips that are shown as they are, for example those of real cameras.
        mirrored: class → class of the mirrored clip; classes that are missing stay what they are.
        none_label: the class of what is painted to be none of the others.
        num_none: how many such clips an epoch has.
        passers_by: actors who walk, for clips of that class.

    The random numbers come from numpy's global generator, which the training loop seeds for each epoch and item.
    """

    def __init__(
        self,
        stage: Stage,
        composed: Sequence[Actor],
        shown: Sequence[Actor],
        *,
        mirrored: Mapping[int, int],
        none_label: int,
        num_none: int,
        passers_by: Sequence[Actor] = (),
    ) -> None:
        self.stage, self.composed, self.shown, self.passers_by = stage, composed, shown, passers_by
        self.mirrored, self.none_label, self.num_none = mirrored, none_label, num_none

    def __len__(self) -> int:
        return len(self.composed) + len(self.shown) + self.num_none

    def name_of(self, index: int) -> str:
        """The recording behind an item."""
        actors = [*self.composed, *self.shown]
        return actors[index].name if index < len(actors) else "painted"

    def __getitem__(self, index: int) -> tuple[Pixels, int, NDArray[np.float32]]:
        """An item.

        Returns:
            The clip (3, T, S, S) uint8; its class; and for each cell of 8×8 pixels the share (T, S/8, S/8) that people
            cover, −1 where nobody knows.
        """
        painted = self.paint(np.random.default_rng(np.random.randint(2**31)), index)
        cells = self.stage.shape.size_px // 8
        shape = (self.stage.shape.num_frames, cells, cells)
        covered = np.full(shape, -1, np.float32)
        if painted.masks is not None:
            covered = np.stack(
                [cv2.resize(m, (cells, cells), interpolation=cv2.INTER_AREA) for m in painted.masks]
            ).astype(np.float32)
            covered /= 255
        return np.ascontiguousarray(painted.frames.transpose(3, 0, 1, 2)), painted.target, covered

    def paint(self, chance: Generator, index: int) -> PaintedClip:
        """Paint an item with these random numbers."""
        stage, num_composed = self.stage, len(self.composed)
        if index >= num_composed + len(self.shown):
            return self.paint_none(chance)
        mirrored = stage.varied and chance.random() < 0.3
        masks: Pixels | None
        if index >= num_composed:
            actor = self.shown[index - num_composed]
            frames, masks = stage.show(chance, actor, mirrored=mirrored)
        else:
            actor = self.composed[index]
            frames, masks = self._compose(chance, actor, mirrored=mirrored)
        return PaintedClip(
            frames, self.mirrored.get(actor.label, actor.label) if mirrored else actor.label, masks
        )

    def _compose(self, chance: Generator, actor: Actor, *, mirrored: bool) -> Layer:
        stage, size = self.stage, self.stage.shape.size_px
        speed = chance.uniform(0.55, 1.25) if actor.is_depth else chance.uniform(0.75, 1.4)
        actor = stage.moved_actor(chance, actor, speed)
        if chance.random() < stage.plain_share:
            path = np.zeros((stage.shape.num_frames, 2), np.float32)
            place = stage.place(chance, actor, tall_px=size * chance.uniform(0.65, 0.9), mirrored=mirrored)
            colors, opacity = stage.paint_actor(chance, actor, place, path)
            if actor.is_depth:
                colors = np.full_like(colors, 230)
            ground = np.full((8, 8, 3), chance.integers(0, 60), np.uint8)
            return stage.compose(chance, [(colors, opacity)], ground, path), opacity
        path = stage.camera_path(chance)
        place = stage.place(chance, actor, mirrored=mirrored)
        layer = stage.paint_actor(chance, actor, place, path)
        return stage.compose(chance, [layer], stage.background(chance), path), layer[1]

    def paint_none(self, chance: Generator) -> PaintedClip:
        """Something that is no action: see the top of this file."""
        stage, kind = self.stage, chance.random()
        num_frames, size = stage.shape.num_frames, stage.shape.size_px
        path = stage.camera_path(chance)
        if chance.random() < 0.4:
            path = stage.straight_path(chance.normal(0, 1.5, 2))
        people: list[Layer] = []
        things: list[Layer] = []
        actor = self.composed[int(chance.integers(len(self.composed)))]
        last = len(actor.frames) - 1

        if kind < 0.2:  # stands still, and sways a little
            still = 0 if chance.random() < 0.6 else last
            sway = chance.integers(-1, 2, num_frames) * (chance.random() < 0.5)
            standing = actor.at(np.clip(still + sway, 0, last).astype(np.int64))
            people = [stage.paint_actor(chance, standing, stage.place(chance, actor), path)]
        elif kind < 0.5:  # people who pass by: one near, or a crowd far off
            num_people = int(chance.integers(1, 4) if chance.random() < 0.5 else chance.integers(3, 9))
            people = [self._passer_by(chance, path, num_people=num_people) for _ in range(num_people)]
        elif kind < 0.62:  # too near: only a part of the body
            place = stage.place(chance, actor, tall_px=size * chance.uniform(1.9, 4))
            height, width = actor.frames.shape[1:3]
            part = np.array([width / 2, height * chance.uniform(0.1, 0.9)])
            place[:, 2] = size * chance.uniform(0.3, 0.7, 2) - place[:, :2] @ part
            near = actor.at(stage.moments(chance, actor, chance.uniform(0.1, 1)))
            people = [stage.paint_actor(chance, near, place, path)]
        elif kind < 0.87:
            things = stage.paint_things(chance, path)
        elif kind < 0.93:  # a body that jumps between unrelated poses
            poses = actor.at(chance.integers(0, last + 1, num_frames))
            people = [stage.paint_actor(chance, poses, stage.place(chance, actor), path)]
        frames = stage.compose(chance, [*people, *things], stage.background(chance), path)
        masks = np.zeros(frames.shape[:3], np.uint8)
        for _, opacity in people:
            masks = np.maximum(masks, opacity)
        if chance.random() < 0.2:  # a cut
            cut = int(chance.integers(3, num_frames - 3))
            other = self.paint_none(chance)
            assert other.masks is not None
            frames = np.concatenate([frames[:cut], other.frames[cut:]])
            masks = np.concatenate([masks[:cut], other.masks[cut:]])
        return PaintedClip(frames, self.none_label, masks)

    def _passer_by(self, chance: Generator, path: NDArray[np.float32], *, num_people: int) -> Layer:
        """Somebody who crosses the picture; the more people, the smaller and slower."""
        stage, size = self.stage, self.stage.shape.size_px
        actors = self.passers_by if self.passers_by and chance.random() < 0.6 else self.composed
        actor = actors[int(chance.integers(len(actors)))]
        tall = size * float(np.exp(chance.uniform(np.log(0.1), np.log(0.8 if num_people < 4 else 0.35))))
        # A walk of 1.4 m a second is a tenth of one's height in each of eight frames a second.
        velocity = chance.normal(0, [1, 0.35]) * tall * 0.12
        actor = stage.moved_actor(chance, actor, chance.uniform(0.3, 1.3))
        place = stage.place(chance, actor, tall_px=tall, mirrored=chance.random() < 0.5)
        return stage.paint_actor(chance, actor, place, path + stage.straight_path(velocity))
