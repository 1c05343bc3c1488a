"""The procedural world: from one seed a video, and the whole truth about it.

    seed + settings ──► scenes (world_scene) ──► pixels (world_drawing), flow, masks
                            └──────────────────► segments, captions, questions, moments (world_truth)

Textured shapes and cut-out pictures move, turn, grow, jump, appear, and push each other, before painted or given
backgrounds, under a moving camera, with words laid over them. It is a world made for training and testing: every task
of this package can be learned and measured on it in minutes, without any download, and every answer is known
exactly. It is not the real world: what a network learns here it knows about *these* shapes and backgrounds,
and nothing measured here says how well it would do on recordings of people.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError, UnknownNameError
from muybridge.training.world_drawing import TEXTURES
from muybridge.training.world_painter import ScenePainter
from muybridge.training.world_plan import ScenePlan, split_time
from muybridge.training.world_scene import (
    CAMERA_MOTIONS,
    COLORS,
    MOTIONS,
    SHAPES,
    WORDS,
    Actor,
    Camera,
    Scene,
    Word,
)
from muybridge.training.world_truth import Moment, Question, find_truth, list_questions
from muybridge.values import Clip, Frame, Segment

__all__ = ["World", "WorldSettings", "make_world"]

Range = tuple[float, float]
Counts = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class WorldSettings:
    """What kind of world it is; pairs are (lowest, highest), both possible.

    Args:
        width: pixels.
        height: pixels.
        frames_per_second: the rate of the video.
        num_scenes: how many shots, with a hard cut between two.
        scene_seconds: length of each, rounded to whole frames.
        num_actors: of each scene; no two of a scene have the same color or the same shape.
        num_events: of each scene, one after the other; fewer where no more fit.
        event_seconds: length of each; squeezed where a scene is too short.
        rest_seconds: before, between and after events.
        actor_size: diameter by the height of the view.
        motions: which of `MOTIONS` actors do.
        camera_motions: which of `CAMERA_MOTIONS` the camera does.
        camera_amplitude: how far it goes in a scene: in heights of the view, and in log zoom.
        colors: which of `COLORS` there are.
        shapes: which of `SHAPES` there are.
        num_words: how many words appear in each scene, one after the other; fewer where there are no more.
        words: which; of the characters from "!" to "~" and spaces, for no others can be painted.
        noise: standard deviation of the sensor's noise, of 0–255.
        cutouts: name → (h, w, 4) uint8 RGBA: pictures that act beside the shapes.
        backgrounds: (h, w, 3) uint8 RGB: pictures to act before; painted ones where there are none.

    Raises:
        OptionError: numbers that make no video.
        UnknownNameError: a motion, color or shape that nobody painted.
        ShapeError: a picture of another shape or dtype.
    """

    width: int = 64
    height: int = 64
    frames_per_second: float = 8.0
    num_scenes: int = 1
    scene_seconds: Range = (2.0, 2.0)
    num_actors: Counts = (2, 2)
    num_events: Counts = (1, 2)
    event_seconds: Range = (0.75, 0.95)
    rest_seconds: Range = (0.0, 0.2)
    actor_size: Range = (0.24, 0.32)
    motions: tuple[str, ...] = MOTIONS
    camera_motions: tuple[str, ...] = CAMERA_MOTIONS
    camera_amplitude: Range = (0.08, 0.16)
    colors: tuple[str, ...] = tuple(COLORS)
    shapes: tuple[str, ...] = SHAPES
    num_words: Counts = (0, 0)
    words: tuple[str, ...] = WORDS
    noise: float = 3.0
    cutouts: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    backgrounds: Sequence[NDArray[np.uint8]] = ()

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 16 or not 0 < self.frames_per_second < inf or self.num_scenes < 1:
            raise OptionError(
                f"{self.num_scenes} scenes of {self.width}×{self.height} at {self.frames_per_second} frames per second:"
                " there must be a scene, a rate above 0, and at least 16×16 pixels"
            )
        for name in ("scene_seconds", "num_actors", "num_events", "event_seconds", "rest_seconds", "actor_size",
                     "camera_amplitude", "num_words"):  # fmt: skip
            low, high = getattr(self, name)
            least = "<" if name == "event_seconds" else "≤"
            if not 0 <= low <= high < inf or (low == 0 and least == "<"):
                raise OptionError(
                    f"WorldSettings.{name} is ({low}, {high}); it must be 0 {least} lowest ≤ highest, and finite"
                )
        if not 0 <= self.noise < inf:
            raise OptionError(f"WorldSettings.noise is {self.noise}; it must be 0 or more, and finite")
        if not self.camera_motions:
            raise OptionError("WorldSettings.camera_motions is empty; give ('rests',) for a camera at rest")
        for word in self.words:
            if not word.strip() or not (word.isascii() and word.isprintable()):
                raise OptionError(
                    f"WorldSettings.words has {word!r}; a word is of printable ASCII characters"
                )
        for what, names, known in (
            ("motion", self.motions, MOTIONS),
            ("camera motion", self.camera_motions, CAMERA_MOTIONS),
            ("color", self.colors, tuple(COLORS)),
            ("shape", self.shapes, SHAPES),
        ):
            for name in names:
                if name not in known:
                    raise UnknownNameError(what, name, known)
        kinds = len(self.shapes) + len(self.cutouts)
        if self.num_actors[0] < 1 or self.num_actors[1] > min(len(self.colors), kinds):
            raise OptionError(
                f"num_actors is {self.num_actors}; with {len(self.colors)} colors and {kinds} shapes it must be"
                f" between 1 and {min(len(self.colors), kinds)}, since no two look alike"
            )
        _check_pictures(self.cutouts.values(), 4, "cutouts")
        _check_pictures(self.backgrounds, 3, "backgrounds")


def _check_pictures(pictures: Any, channels: int, name: str) -> None:
    for picture in pictures:
        if picture.ndim != 3 or picture.shape[2] != channels or picture.dtype != np.uint8:
            raise ShapeError(
                f"{name}: {picture.shape} {picture.dtype}; pictures are (h, w, {channels}) uint8"
            )


def make_world(seed: int, settings: WorldSettings | None = None) -> World:
    """Make the world of a seed: the same seed and settings give the same video and the same truth.

    Args:
        seed: 0 or more.
        settings: what kind of world; None for two seconds of two shapes, 64×64 at 8 frames per second.

    Raises:
        OptionError: a negative seed, or events for which a scene has no time.

    >>> world = make_world(3)
    >>> world.clip().pixels.shape
    (16, 64, 64, 3)
    >>> world.caption
    'the red circle moves up'
    """
    if seed < 0:
        raise OptionError(f"seed is {seed}; it must be 0 or more")
    settings = settings or WorldSettings()
    scenes = [
        _plan_scene(np.random.default_rng([seed, number]), settings) for number in range(settings.num_scenes)
    ]
    return World(seed, settings, tuple(scenes))


def _plan_scene(random: np.random.Generator, settings: WorldSettings) -> Scene:
    rate = settings.frames_per_second
    duration = max(2, round(random.uniform(*settings.scene_seconds) * rate)) / rate
    camera = Camera(str(random.choice(settings.camera_motions)), random.uniform(*settings.camera_amplitude))
    aspect = settings.width / settings.height
    plan = ScenePlan(random, aspect, slack=0.0 if camera.motion == "rests" else camera.amplitude / 2)
    num_actors = int(random.integers(settings.num_actors[0], settings.num_actors[1] + 1))
    kinds = random.permutation([*settings.shapes, *settings.cutouts])[:num_actors]
    for kind, color in zip(kinds, random.permutation(settings.colors), strict=False):
        plan.add_actor(
            Actor(
                "" if kind in settings.cutouts else str(color),
                str(kind),
                float(random.uniform(*settings.actor_size)),
                (0.0, 0.0, float(random.uniform(-0.25, 0.25)), 0.0, 1.0),
                str(random.choice(TEXTURES)),
                tuple(random.uniform(-14, 14, 3).tolist()),
            )
        )
    num_events = int(random.integers(settings.num_events[0], settings.num_events[1] + 1))
    for start, end in split_time(random, duration, num_events, settings.event_seconds, settings.rest_seconds):
        plan.add_event(settings.motions, start, end)
    return Scene(
        int(random.integers(2**31)), duration, aspect, tuple(plan.actors), tuple(plan.events), tuple(plan.pieces),
        camera, tuple(_plan_words(random, settings, duration)),
    )  # fmt: skip


def _plan_words(random: np.random.Generator, settings: WorldSettings, duration: float) -> Iterator[Word]:
    num_words = int(random.integers(settings.num_words[0], settings.num_words[1] + 1))
    rate = settings.frames_per_second
    for number, text in enumerate(random.permutation(settings.words)[:num_words]):
        start = round(duration * (number + random.uniform(0.0, 0.2)) / num_words * rate) / rate
        start = min(start, duration - 1 / rate)  # where there are more words than frames
        end = round(duration * (number + random.uniform(0.8, 1.0)) / num_words * rate) / rate
        height = min(random.uniform(0.09, 0.13), 0.9 * settings.width / settings.height / len(text))
        yield Word(
            str(text), start, max(end, start + 1 / rate), 0.0, float(random.choice([-0.36, 0.36])), height
        )


class World:
    """A video of the procedural world with the whole truth about it; from `make_world`.

    Frame n is shown at n / frames_per_second; a scene of S seconds has S · frames_per_second frames.

    Args:
        seed: where it came from.
        settings: its kind.
        scenes: its shots, one after the other.
    """

    def __init__(self, seed: int, settings: WorldSettings, scenes: tuple[Scene, ...]) -> None:
        self.seed, self.settings, self.scenes = seed, settings, scenes
        rate = settings.frames_per_second
        counts = [round(scene.duration_seconds * rate) for scene in scenes]
        self._first_frames = np.concatenate([[0], np.cumsum(counts)]).astype(int)
        self.num_frames = int(self._first_frames[-1])
        self.duration_seconds = self.num_frames / rate
        segments, moments = find_truth(scenes)
        self.segments: list[Segment] = segments
        """Shots, captions, camera, actions and text, on the video's clock."""
        self.moments: list[Moment] = moments
        """Each query that the video answers, with all its times."""
        self._painter: tuple[int, ScenePainter] | None = None

    @property
    def caption(self) -> str:
        """Everything that happens, in one sentence a scene."""
        return ". ".join(segment.label for segment in self.segments if segment.kind == "caption")

    @property
    def questions(self) -> list[Question]:
        """Every question with exactly one right answer."""
        random = np.random.default_rng([self.seed, 2**16])
        return list_questions(self.scenes, random, self.settings.motions)

    def render(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        """Paint some frames.

        Args:
            indices: which, 0-based.

        Returns:
            (T, H, W, 3) uint8 RGB.

        Raises:
            OptionError: an index outside the video.
        """
        pixels = np.empty((len(indices), self.settings.height, self.settings.width, 3), np.uint8)
        for place, index in enumerate(indices):
            painter, number = self._at(int(index))
            painter.paint(number, pixels[place])
        return pixels

    def clip(self) -> Clip:
        """The whole video as one block."""
        indices = np.arange(self.num_frames)
        return Clip(
            self.render(indices), indices / self.settings.frames_per_second, indices, f"world-{self.seed}"
        )

    def __iter__(self) -> Iterator[Frame]:
        rate = self.settings.frames_per_second
        for index in range(self.num_frames):
            yield Frame(self.render([index])[0], index / rate, 1 / rate, index)

    def labels(self, index: int) -> NDArray[np.int16]:
        """(H, W) what each pixel of a frame shows: 0 the background, n the scene's n-th actor, −1 a word."""
        painter, number = self._at(index)
        return painter.labels(number)

    def masks(self, index: int) -> NDArray[np.bool_]:
        """(N, H, W) where each actor of that frame's scene is seen."""
        painter, number = self._at(index)
        actors = np.arange(1, len(painter.scene.actors) + 1, dtype=np.int16)
        return np.equal(painter.labels(number)[None], actors[:, None, None])

    def circles(self, scene: int = 0) -> NDArray[np.float64]:
        """(N, T, 3): x, y and radius in pixels of the circle around each actor, in each frame of one scene.

        Raises:
            OptionError: no such scene.
        """
        if not 0 <= scene < len(self.scenes):
            raise OptionError(f"scene {scene}; the world has scenes 0 to {len(self.scenes) - 1}")
        return self._at(int(self._first_frames[scene]))[0].circles()

    def flow(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Where everything goes from a frame to the next.

        Returns:
            (H, W, 2) float32 pixels (dx, dy), and (H, W) bool: True where the next frame does not show it any more.

        Raises:
            OptionError: the next frame is another shot's, or there is none.
        """
        painter, number = self._at(index)
        if index + 1 in self._first_frames:
            raise OptionError(f"frame {index} is the last of its shot: nothing flows over a cut")
        return painter.flow(number)

    def to_dict(self) -> dict[str, Any]:
        """The truth as JSON values: segments, questions, moments."""
        return {
            "seed": self.seed,
            "num_frames": self.num_frames,
            "frames_per_second": self.settings.frames_per_second,
            "caption": self.caption,
            "segments": [segment.to_dict() for segment in self.segments],
            "questions": [question.to_dict() for question in self.questions],
            "moments": [moment.to_dict() for moment in self.moments],
        }

    def write(self, path: str | Path) -> None:
        """Write the video, and the truth beside it as `.json`.

        Args:
            path: ends in `.mp4`, `.mkv` or `.mov`.

        Raises:
            OutputError: it cannot be written there.
        """
        from muybridge.video.writer import VideoWriter

        path = Path(path)
        settings = self.settings
        with VideoWriter(
            path, width=settings.width, height=settings.height, frames_per_second=settings.frames_per_second
        ) as writer:
            for frame in self:
                writer.write(frame.pixels)
        path.with_suffix(".json").write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")

    def _at(self, index: int) -> tuple[ScenePainter, int]:
        """The painter of a frame's scene, and the frame's number in it; only the last scene's is kept."""
        if not 0 <= index < self.num_frames:
            raise OptionError(f"frame {index}; the world has frames 0 to {self.num_frames - 1}")
        scene = int(np.searchsorted(self._first_frames, index, side="right")) - 1
        if self._painter is None or self._painter[0] != scene:
            self._painter = (scene, self._paint_scene(self.scenes[scene]))
        return self._painter[1], index - int(self._first_frames[scene])

    def _paint_scene(self, scene: Scene) -> ScenePainter:
        settings = self.settings
        return ScenePainter(
            scene,
            height=settings.height,
            width=settings.width,
            frames_per_second=settings.frames_per_second,
            noise=settings.noise,
            cutouts=settings.cutouts,
            backgrounds=settings.backgrounds,
        )
