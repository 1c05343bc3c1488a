"""One scene of the procedural world: who is there, what they do when, and where the camera looks.

Everything is in scene units: the height of the view is 1, (0, 0) is its middle while the camera rests, x goes
right and y down. So one scene can be drawn at any size. A pose is (x, y, turn, log scale, opacity); all motion
is a sum of pieces, each of which adds a change to the pose of one actor between two moments:

    pose(t) = pose(0) + Σ change · ease((t − start) / (end − start))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CAMERA_MOTIONS",
    "COLORS",
    "MOTIONS",
    "SHAPES",
    "WORDS",
    "Actor",
    "Camera",
    "Event",
    "Piece",
    "Scene",
    "Word",
]

Floats = NDArray[np.float64]

COLORS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {
        "red": (214, 40, 40),
        "green": (40, 160, 60),
        "blue": (45, 85, 220),
        "yellow": (240, 205, 40),
        "purple": (150, 60, 190),
        "white": (240, 240, 240),
    }
)
"""Color word → RGB; each actor's own shade varies a little around it."""

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")

MOTIONS = (
    "moves left",
    "moves right",
    "moves up",
    "moves down",
    "turns left",
    "turns right",
    "grows",
    "shrinks",
    "jumps",
    "appears",
    "disappears",
    "hits",
)
"""What an actor can do. Turning left is counter-clockwise. `"hits"` needs a second actor, who is pushed on."""

CAMERA_MOTIONS = ("rests", "pans left", "pans right", "tilts up", "tilts down", "zooms in", "zooms out")

WORDS = (
    "HELLO",
    "EXIT",
    "OPEN",
    "STOP",
    "NORTH",
    "RADIO",
    "COFFEE",
    "MUSIC",
    "TRAIN",
    "HOTEL",
    "RIVER",
    "GARDEN",
    "MARKET",
    "SILVER",
    "WINTER",
    "PLANET",
)

_CAMERA_CHANGES = {  # (x, y, log zoom) that one unit of the camera's amplitude means
    "rests": (0.0, 0.0, 0.0),
    "pans left": (-1.0, 0.0, 0.0),
    "pans right": (1.0, 0.0, 0.0),
    "tilts up": (0.0, -1.0, 0.0),
    "tilts down": (0.0, 1.0, 0.0),
    "zooms in": (0.0, 0.0, 1.0),
    "zooms out": (0.0, 0.0, -1.0),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Something that can be seen and moves.

    Args:
        color: a key of `COLORS`; empty for a cut-out picture, which has its own colors.
        shape: one of `SHAPES`, or the name of a cut-out picture.
        size: its diameter in scene units.
        pose: (x, y, turn in radians, log scale, opacity) at the scene's start.
        texture: how its surface is painted, one of `world_drawing.TEXTURES`.
        tint: what is added to its color, (R, G, B).

    >>> Actor("red", "star", 0.3, (0, 0, 0, 0, 1)).name
    'red star'
    """

    color: str
    shape: str
    size: float
    pose: tuple[float, float, float, float, float]
    texture: str = "plain"
    tint: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def name(self) -> str:
        """How sentences call it."""
        return f"{self.color} {self.shape}".strip()


@dataclass(frozen=True, slots=True)
class Piece:
    """A change of one actor's pose between two moments; a bump comes back, a ramp stays."""

    actor: int
    start_seconds: float
    end_seconds: float
    change: tuple[float, float, float, float, float]
    bump: bool = False

    def progress(self, seconds: Floats) -> Floats:
        """(T,) how much of the change is there at each moment, 0 to 1."""
        p = np.clip((seconds - self.start_seconds) / (self.end_seconds - self.start_seconds), 0.0, 1.0)
        return np.asarray(4.0 * p * (1.0 - p) if self.bump else p)


@dataclass(frozen=True, slots=True)
class Event:
    """An actor does something from one moment to another, in seconds of the scene.

    Args:
        actor: its place in `Scene.actors`.
        motion: one of `MOTIONS`.
        other: who is hit; None for all other motions.
        contact_seconds: when a hit happens.
    """

    start_seconds: float
    end_seconds: float
    actor: int
    motion: str
    other: int | None = None
    contact_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that starts half its way before the middle of the scene and ends half its way behind it.

    Args:
        motion: one of `CAMERA_MOTIONS`.
        amplitude: the whole way: in scene units for pan and tilt, in log zoom for zooms.
    """

    motion: str = "rests"
    amplitude: float = 0.0

    def poses(self, seconds: Floats, duration_seconds: float) -> Floats:
        """(T, 3): x and y of what is in the middle of the picture, and log zoom.

        >>> Camera("pans left", 0.2).poses(np.array([0.0, 2.0]), 2.0)[:, 0].tolist()
        [0.1, -0.1]
        """
        way = self.amplitude * (seconds / duration_seconds - 0.5)
        return np.outer(way, _CAMERA_CHANGES[self.motion])


@dataclass(frozen=True, slots=True)
class Word:
    """Text laid over the picture: its middle in scene units of the resting view, its height likewise."""

    text: str
    start_seconds: float
    end_seconds: float
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Scene:
    """One shot: actors before a background, what they do, and the camera.

    Args:
        seed: decides the background and the sensor's noise.
        duration_seconds: its length.
        aspect: width of the view by its height.
        actors: from back to front.
        events: in order of time.
        pieces: the motion that the events consist of.
        camera: what the camera does.
        words: the text laid over it.
    """

    seed: int
    duration_seconds: float
    aspect: float
    actors: tuple[Actor, ...]
    events: tuple[Event, ...]
    pieces: tuple[Piece, ...]
    camera: Camera = Camera()
    words: tuple[Word, ...] = ()

    def poses(self, seconds: Floats) -> Floats:
        """(N, T, 5): x, y, turn, log scale and opacity of each actor at each second of the scene."""
        poses = np.repeat(
            np.array([actor.pose for actor in self.actors], float)[:, None, :], len(seconds), axis=1
        )
        for piece in self.pieces:
            poses[piece.actor] += piece.progress(seconds)[:, None] * np.array(piece.change)[None, :]
        return poses
