"""What is true in a procedural world, in words: sentences, questions with answers, moments for queries.

Nothing here looks at pixels: all follows from the scenes that the pixels are painted from.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from muybridge.training.world_scene import MOTIONS, Event, Scene
from muybridge.values import Segment

__all__ = [
    "QUESTION_KINDS",
    "Moment",
    "Question",
    "describe_event",
    "describe_scene",
    "find_truth",
    "list_questions",
]

QUESTION_KINDS = ("color", "shape", "motion", "order", "yes or no", "count", "camera", "text")

_WAYS = {"moves left": (-1, 0), "moves right": (1, 0), "moves up": (0, -1), "moves down": (0, 1)}
_STRAYS = math.sin(0.15)  # how far beside its way a move of the world itself goes
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a world, with its one true answer; `kind` is one of `QUESTION_KINDS`."""

    text: str
    answer: str
    kind: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Moment:
    """A query and all the times at which it is so, in seconds of the video."""

    query: str
    windows: tuple[tuple[float, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"query": self.query, "windows": [list(window) for window in self.windows]}


def describe_event(scene: Scene, event: Event) -> str:
    """One event as a clause, such as `"the red circle moves left"`."""
    clause = f"the {scene.actors[event.actor].name} {event.motion}"
    return clause if event.other is None else f"{clause} the {scene.actors[event.other].name}"


def describe_scene(scene: Scene) -> str:
    """All that happens in a scene as one sentence, in the order in which it starts."""
    clauses = [describe_event(scene, event) for event in scene.events]
    return ", then ".join(clauses) if clauses else "nothing moves"


def find_truth(scenes: Sequence[Scene]) -> tuple[list[Segment], list[Moment]]:
    """The segments of a whole video, of all kinds, and the moments for every query that it answers."""
    segments: list[Segment] = []
    windows: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    start = 0.0
    for number, scene in enumerate(scenes, 1):
        end = start + scene.duration_seconds
        segments.append(Segment(start, end, "shot", f"shot {number}"))
        segments.append(Segment(start, end, "caption", describe_scene(scene)))
        segments.append(Segment(start, end, "camera", f"camera {scene.camera.motion}"))
        for event in scene.events:
            actor, query = scene.actors[event.actor], describe_event(scene, event)
            window = (round(start + event.start_seconds, 6), round(start + event.end_seconds, 6))
            facts: dict[str, Any] = {
                "caption": query,
                "actor": event.actor,
                "color": actor.color,
                "shape": actor.shape,
            }
            if event.contact_seconds is not None:
                facts["contact_seconds"] = start + event.contact_seconds
            segments.append(Segment(*window, "action", event.motion, attributes=facts))
            windows[query].append(window)
        segments += [
            Segment(start + word.start_seconds, start + word.end_seconds, "text", word.text)
            for word in scene.words
        ]
        start = end
    return segments, [Moment(query, tuple(found)) for query, found in windows.items()]


def list_questions(
    scenes: Sequence[Scene], random: np.random.Generator, motions: Sequence[str] = MOTIONS
) -> list[Question]:
    """Every question with exactly one right answer; yes and no are drawn so that each is as likely.

    Args:
        scenes: the video. Questions about order, number and camera are asked only of a single scene.
        random: draws what the yes-or-no questions ask about.
        motions: those which may be asked about.
    """
    questions = [*_about_events(scenes), *_about_actors(scenes, random, motions)]
    if len(scenes) == 1:
        questions += _about_the_scene(scenes[0])
    words = [word.text for scene in scenes for word in scene.words]
    if len(words) == 1:
        questions.append(Question("what word can be read?", words[0], "text"))
    return questions


def _about_events(scenes: Sequence[Scene]) -> Iterator[Question]:
    """Who does something that nobody else does, or that is done once."""
    happened = [(scene.actors[event.actor], event) for scene in scenes for event in scene.events]
    times = Counter(event.motion for _, event in happened)
    times.update(
        motion for scene in scenes for event in scene.events for motion in _moves_of_a_hit(scene, event)
    )
    for actor, event in happened:
        if times[event.motion] > 1:
            continue
        what = "hits another" if event.motion == "hits" else event.motion
        if actor.color:
            yield Question(f"what color is the shape that {what}?", actor.color, "color")
        yield Question(f"which shape {what}?", actor.shape, "shape")


def _moves_of_a_hit(scene: Scene, event: Event) -> Iterator[str]:
    """What the hitter and the one who is hit are seen to do beside the hit, each time that one of them does it."""
    if event.other is None:
        return
    before, after = scene.poses(np.array([event.start_seconds, event.end_seconds])).transpose(1, 0, 2)
    for actor in (event.actor, event.other):
        way = (after - before)[actor, :2]
        yield from (motion for motion, side in _WAYS.items() if way @ side > _STRAYS * np.hypot(*way))


def _about_actors(
    scenes: Sequence[Scene], random: np.random.Generator, motions: Sequence[str]
) -> Iterator[Question]:
    """What somebody does who can be named without doubt."""
    cast = [(scene, place) for scene in scenes for place in range(len(scene.actors))]
    names = Counter(scene.actors[place].name for scene, place in cast)
    for scene, place in cast:
        name = scene.actors[place].name
        if names[name] > 1 or any(event.other == place for event in scene.events):
            continue
        does = [event.motion for event in scene.events if event.actor == place]
        if len(does) < 2:
            yield Question(f"what does the {name} do?", does[0] if does else "rests", "motion")
        yes = bool(does) and bool(random.integers(2))
        # Who hits another moves too, so that to deny it would be false.
        others = [m for m in motions if m not in does and not ("hits" in does and m in _WAYS)]
        asked = str(random.choice(does if yes else others)) if others else ""
        if does and others:  # a "no" about somebody who rests would make "no" the better guess
            asked_as = _infinitive("hits another" if asked == "hits" else asked)
            yield Question(f"does the {name} {asked_as}?", "yes" if yes else "no", "yes or no")


def _about_the_scene(scene: Scene) -> Iterator[Question]:
    acting = list(dict.fromkeys(event.actor for event in scene.events))
    if len(acting) > 1:
        for when, event in (("first", scene.events[0]), ("last", scene.events[-1])):
            actor = scene.actors[event.actor]
            if actor.color:
                yield Question(f"what color is the shape that acts {when}?", actor.color, "order")
            yield Question(f"which shape acts {when}?", actor.shape, "order")
    yield Question("how many shapes are there?", _NUMBERS[len(scene.actors)], "count")
    yield Question("what does the camera do?", scene.camera.motion, "camera")


def _infinitive(motion: str) -> str:
    verb, _, rest = motion.partition(" ")
    return f"{verb.removesuffix('s')} {rest}".strip()
