"""Plans scenes: draws actors, places and motions until they fit together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, UnknownNameError
from muybridge.training.world_scene import MOTIONS, Actor, Event, Piece

__all__ = ["ScenePlan", "split_time"]

Floats = NDArray[np.float64]
_TRIES = 12
_HEADINGS = {"left": math.pi, "right": 0.0, "up": -math.pi / 2, "down": math.pi / 2}


@dataclass
class ScenePlan:
    """Finds actors, places and motions that fit together: nobody leaves the view, nobody runs into another.

    Args:
        random: decides everything.
        aspect: width of the view by its height.
        slack: by how much the camera may cut the view on each side.
    """

    random: np.random.Generator
    aspect: float
    slack: float
    actors: list[Actor] = field(default_factory=list)
    poses: list[Floats] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    trails: list[Floats] = field(default_factory=list)
    """Of each actor the poses that it has had, some of each way."""

    def add_actor(self, actor: Actor, *, tries: int = 40) -> None:
        """Put an actor where it fits; where nothing fits, where the last try fell."""
        for _ in range(tries):
            pose = self._draw_place(actor)
            if self._free(len(self.actors), actor.size, pose[None]):
                break
        self.actors.append(replace(actor, pose=tuple(pose.tolist())))
        self.poses.append(pose)
        self.trails.append(pose[None])

    def _draw_place(self, actor: Actor) -> Floats:
        room_x, room_y = self._room(actor.size / 2)
        place = (self.random.uniform(-room_x, room_x), self.random.uniform(-room_y, room_y))
        return np.array([*place, *actor.pose[2:]])

    def _go(self, actor: int, change: tuple[float, ...], *, bump: bool = False) -> None:
        """Remember that an actor has gone this way."""
        path = self.poses[actor] + np.linspace(0.0, 1.0, 6)[:, None] * np.array(change)
        self.trails[actor] = np.concatenate([self.trails[actor], path])
        if not bump:
            self.poses[actor] = path[-1]

    def _put(self, actor: int) -> bool:
        """Find another place for somebody who has not moved yet, clear of the ways that others have gone."""
        pose = self._draw_place(self.actors[actor])
        radius = self.actors[actor].size / 2
        for other, trail in enumerate(self.trails):
            reach = radius + self.actors[other].size / 2 * np.exp(trail[:, 3])
            if other != actor and np.any(np.hypot(*(trail[:, :2] - pose[:2]).T) < 0.95 * reach):
                return False
        self.actors[actor] = replace(self.actors[actor], pose=tuple(pose.tolist()))
        self.poses[actor], self.trails[actor] = pose, pose[None]
        return True

    def add_event(self, motions: tuple[str, ...], start: float, end: float) -> bool:
        """Let somebody do one of these motions, each as likely as the other where it is possible."""
        done = {(event.actor, event.motion) for event in self.events}
        for motion in self.random.permutation(motions):
            for actor in self.random.permutation(len(self.actors)):
                if (actor, motion) not in done and self._try(int(actor), str(motion), start, end):
                    return True
        return False

    def _try(self, actor: int, motion: str, start: float, end: float) -> bool:
        if motion == "hits":
            return self._try_hit(actor, start, end)
        if motion == "appears":
            return self._try_appear(actor, start, end)
        if self.poses[actor][4] < 0.5:
            return False
        waits = len(self.trails[actor]) == 1
        for _ in range(_TRIES):
            change, bump = _draw_change(motion, self.random)
            if self._fits(actor, change, bump):
                self.pieces.append(Piece(actor, start, end, change, bump))
                self.events.append(Event(start, end, actor, motion))
                self._go(actor, change, bump=bump)
                return True
            if waits:  # so that moving far is as likely as turning on the spot
                self._put(actor)
        return False

    def _try_appear(self, actor: int, start: float, end: float) -> bool:
        if len(self.trails[actor]) > 1:
            return False
        hidden = replace(self.actors[actor], pose=(*self.actors[actor].pose[:4], 0.0))
        self.actors[actor] = hidden
        self._go(actor, (0.0, 0.0, 0.0, 0.0, 0.0))
        self.pieces.append(Piece(actor, start, end, (0.0, 0.0, 0.0, 0.0, 1.0)))
        self.events.append(Event(start, end, actor, "appears"))
        return True

    def _try_hit(self, actor: int, start: float, end: float) -> bool:
        others = [other for other in range(len(self.actors)) if other != actor]
        for other in self.random.choice(others, _TRIES) if others else ():
            if min(self.poses[actor][4], self.poses[other][4]) < 0.5:
                continue
            for waiting in (actor, int(other)):
                if len(self.trails[waiting]) == 1:
                    self._put(waiting)
            way = self.poses[other][:2] - self.poses[actor][:2]
            distance = float(np.hypot(*way))
            gap = distance - self._radius(actor) - self._radius(int(other))
            direction = way / max(distance, 1e-9)
            run = tuple((direction * gap).tolist()) + (0.0, 0.0, 0.0)
            push = tuple((direction * self.random.uniform(0.2, 0.3)).tolist()) + (0.0, 0.0, 0.0)
            if gap < 0.12 or not self._fits(actor, run, False, but=int(other)):
                continue
            if not self._fits(int(other), push, False):
                continue
            contact = start + (end - start) * gap / (gap + float(np.hypot(*push[:2])))
            self.pieces.append(Piece(actor, start, contact, run))
            self.pieces.append(Piece(int(other), contact, end, push))
            self.events.append(Event(start, end, actor, "hits", int(other), contact))
            self._go(actor, run)
            self._go(int(other), push)
            return True
        return False

    def _fits(self, actor: int, change: tuple[float, ...], bump: bool, *, but: int | None = None) -> bool:
        """Whether the way stays in the view, at a size that can be seen, and clear of the others."""
        path = self.poses[actor] + np.linspace(0.0, 1.0, 6)[1:, None] * np.array(change)
        last = path[-1]
        if not -0.6 <= last[3] <= 0.75:
            return False
        size = self.actors[actor].size
        room_x, room_y = self._room(size / 2 * math.exp(last[3]))
        inside = abs(last[0]) <= room_x and abs(last[1]) <= room_y
        return inside and self._free(actor, size, path, but=but)

    def _free(self, actor: int, size: float, path: Floats, *, but: int | None = None) -> bool:
        radius = size / 2 * np.exp(path[:, 3])
        for other in range(len(self.actors)):
            if other in (actor, but):
                continue
            away = np.hypot(*(path[:, :2] - self.poses[other][:2]).T)
            if np.any(away < 0.95 * (radius + self._radius(other))):
                return False
        return True

    def _radius(self, actor: int) -> float:
        return self.actors[actor].size / 2 * math.exp(self.poses[actor][3])

    def _room(self, radius: float) -> tuple[float, float]:
        edge = radius + self.slack
        return max(0.0, self.aspect / 2 - edge), max(0.0, 0.5 - edge)


def _draw_change(
    motion: str, random: np.random.Generator
) -> tuple[tuple[float, float, float, float, float], bool]:
    """How the pose changes, and whether it comes back."""
    verb, _, side = motion.partition(" ")
    if verb == "moves":
        heading, way = _HEADINGS[side] + random.uniform(-0.15, 0.15), random.uniform(0.3, 0.45)
        return (way * math.cos(heading), way * math.sin(heading), 0.0, 0.0, 0.0), False
    if verb == "turns":
        angle = math.radians(random.uniform(70, 130))
        return (0.0, 0.0, -angle if side == "left" else angle, 0.0, 0.0), False
    if verb in ("grows", "shrinks"):
        growth = random.uniform(0.4, 0.6)
        return (0.0, 0.0, 0.0, growth if verb == "grows" else -growth, 0.0), False
    if verb == "jumps":
        return (0.0, -random.uniform(0.2, 0.3), 0.0, 0.0, 0.0), True
    if verb == "disappears":
        return (0.0, 0.0, 0.0, 0.0, -1.0), False
    raise UnknownNameError("motion", motion, MOTIONS)


def split_time(
    random: np.random.Generator,
    duration: float,
    num_events: int,
    event_seconds: tuple[float, float],
    rest_seconds: tuple[float, float],
) -> Iterator[tuple[float, float]]:
    """When each event starts and ends: rest, event, rest, …, rest; squeezed where they would not fit.

    Raises:
        OptionError: a scene, or an event when squeezed, of no length.

    >>> list(split_time(np.random.default_rng(0), 4.0, 2, (1.0, 1.0), (0.5, 0.5)))
    [(0.75, 1.75), (2.25, 3.25)]
    """
    if num_events < 1:
        return
    if duration <= 0:
        raise OptionError(f"a scene of {duration} seconds; it must be longer")
    rests = random.uniform(*rest_seconds, num_events + 1)
    events = random.uniform(*event_seconds, num_events)
    total = rests.sum() + events.sum()
    if total > duration:
        rests, events = rests * duration / total, events * duration / total
    else:  # what is left over goes to the two ends
        before = random.uniform(0.0, 1.0) if rest_seconds[0] < rest_seconds[1] else 0.5
        rests[0] += before * (duration - total)
    now = 0.0
    for rest, event in zip(rests, events, strict=False):
        now += float(rest)
        start, end = round(now, 6), round(now + float(event), 6)
        if not start < end:
            raise OptionError(
                f"{num_events} events of {event_seconds} s, {rest_seconds} s apart, leave no time for each in a scene"
                f" of {duration} s; ask for fewer events, shorter rests, or a longer scene"
            )
        yield start, end
        now += float(event)
