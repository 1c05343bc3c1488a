"""The values that flow between the parts: frozen, typed, with `to_dict()` and `from_dict()`.

Times are seconds of the source, from its presentation timestamps. Ranges are half-open `[start, end)`.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError

__all__ = [
    "Answer",
    "Clip",
    "Frame",
    "LeftOut",
    "Picture",
    "Polygon",
    "Prediction",
    "Segment",
    "Signal",
    "StreamInfo",
    "TextLine",
    "TextTrack",
    "Timeline",
    "VideoMetadata",
]

Polygon = tuple[tuple[float, float], ...]
"""Corners (x, y) in pixels of the upright source, clockwise from the upper left of the text."""


class LeftOut(Protocol):
    """The pictures of a video that were not shown, for who needs to know what happened between two that were."""

    def seconds(self, after: float, before: float) -> list[float]:
        """When those between the two moments appear, without decoding them."""
        ...

    def frames(self, after: float, before: float, view: Any) -> list[Frame]:
        """Those between the two moments, decoded anew: as much work as tens of pictures."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture and the moment at which it is shown.

    Args:
        pixels: (H, W, 3) uint8 RGB, or (H, W) uint8 luma where a view asked for it.
        pts_seconds: when the frame appears.
        duration_seconds: how long it stays; 0.0 where the source does not say.
        index: its 0-based place in the source's order of presentation.
        closer: gives the same moment as another `muybridge.observer.View` shows it, such as at full size; only
            during `Observer.observe`, since the decoded picture is let go afterwards. None for a frame that was
            made from pixels alone.
        left_out: gives the pictures that a view with `sparing` does not show; None where there are none.

    >>> Frame(np.zeros((4, 6, 3), np.uint8), pts_seconds=0.5).to_dict()
    {'index': 0, 'pts_seconds': 0.5, 'duration_seconds': 0.0, 'width': 6, 'height': 4}
    """

    pixels: NDArray[np.uint8]
    pts_seconds: float
    duration_seconds: float = 0.0
    index: int = 0
    closer: Callable[[Any], Frame] | None = None
    left_out: LeftOut | None = None

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    def to_dict(self) -> dict[str, Any]:
        """Times and size; the pixels stay behind."""
        return {
            "index": self.index,
            "pts_seconds": self.pts_seconds,
            "duration_seconds": self.duration_seconds,
            "width": self.width,
            "height": self.height,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Frames of one video with their times, in one block.

    Args:
        pixels: (T, H, W, 3) uint8 RGB.
        pts_seconds: (T,) float64, when each frame appears.
        indices: (T,) int64, each frame's place in the source.
        path: where it came from.

    Raises:
        ShapeError: arrays that do not fit each other.

    >>> clip = Clip(np.zeros((2, 4, 6, 3), np.uint8), np.array([0.0, 0.5]), np.array([0, 15]))
    >>> len(clip), clip[1].pts_seconds
    (2, 0.5)
    """

    pixels: NDArray[np.uint8]
    pts_seconds: NDArray[np.float64]
    indices: NDArray[np.int64]
    path: str = ""

    def __post_init__(self) -> None:
        shape = self.pixels.shape
        if len(shape) != 4 or shape[3] != 3 or self.pixels.dtype != np.uint8:
            raise ShapeError(f"Clip.pixels is {shape} {self.pixels.dtype}; it must be (T, H, W, 3) uint8")
        for name in ("pts_seconds", "indices"):
            if getattr(self, name).shape != shape[:1]:
                raise ShapeError(f"Clip.{name} is {getattr(self, name).shape}; it must be {shape[:1]}")

    def __len__(self) -> int:
        return int(self.pixels.shape[0])

    def __getitem__(self, position: int) -> Frame:
        return Frame(
            self.pixels[position], float(self.pts_seconds[position]), index=int(self.indices[position])
        )

    def __iter__(self) -> Iterator[Frame]:
        return (self[position] for position in range(len(self)))

    def to_dict(self) -> dict[str, Any]:
        """Times, indices and size; the pixels stay behind."""
        num_frames, height, width, _ = self.pixels.shape
        return {
            "path": self.path,
            "num_frames": num_frames,
            "width": width,
            "height": height,
            "pts_seconds": self.pts_seconds.tolist(),
            "indices": self.indices.tolist(),
        }


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream of a container."""

    index: int
    kind: str
    codec: str
    language: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class VideoMetadata:
    """What a container says of its video, in words that mean the same for every container.

    Args:
        path: the file, or the address of the source.
        container: the container's short name, such as `"mov,mp4,m4a,3gp,3g2,mj2"`.
        codec: the codec's short name, such as `"h264"`.
        width: pixels of the upright picture, after rotation.
        height: pixels of the upright picture, after rotation.
        duration_seconds: from the first frame's start to the last frame's end; None for a live source.
        start_seconds: when the first frame appears.
        num_frames: how many frames there are; None where it cannot be known without decoding.
        frames_per_second: the average rate; None where unknown.
        frame_rate_kind: `"constant"`, `"variable"`, or `"unknown"` where the packets were not read.
        rotation_degrees: the clockwise turn that makes the stored picture upright: 0, 90, 180 or 270.
        pixel_format: as stored, such as `"yuv420p10le"`.
        bit_depth: bits per sample as stored.
        color_space: `"bt601"`, `"bt709"`, `"bt2020"`, `"rgb"` or `"unspecified"`.
        color_range: `"limited"`, `"full"` or `"unspecified"`.
        stream_index: which stream of the container this is.
        streams: all streams of the container.
        is_mirrored: whether the turned picture is mirrored left to right as well.
    """

    path: str
    container: str = ""
    codec: str = ""
    width: int = 0
    height: int = 0
    duration_seconds: float | None = None
    start_seconds: float = 0.0
    num_frames: int | None = None
    frames_per_second: float | None = None
    frame_rate_kind: Literal["constant", "variable", "unknown"] = "unknown"
    rotation_degrees: int = 0
    pixel_format: str = ""
    bit_depth: int = 8
    color_space: str = "unspecified"
    color_range: str = "unspecified"
    stream_index: int = 0
    streams: tuple[StreamInfo, ...] = ()
    is_mirrored: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"streams": [stream.to_dict() for stream in self.streams]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        known = _known(cls, data)
        known["streams"] = tuple(StreamInfo(**stream) for stream in data.get("streams", ()))
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Segment:
    """Something that is so from `start_seconds` until just before `end_seconds`.

    Args:
        start_seconds: the first moment at which it is so.
        end_seconds: the first moment at which it is so no longer.
        kind: what sort of thing: `"shot"`, `"keyframe"`, `"motion"`, `"camera"`, `"action"`, `"text"`, …
        label: what it is, for people: `"wave"`, `"camera pans left"`, the words that are read.
        score: confidence in [0, 1]; None where there is none to give.
        attributes: whatever else is known, as JSON values: numbers that made it say so, evidence.

    Raises:
        OptionError: times that are not finite, or an end before its start.

    >>> scene = Segment(1.0, 3.5, "shot", "shot 2")
    >>> scene.duration_seconds, scene.overlap_seconds(Segment(3.0, 9.0, "text", "HELLO"))
    (2.5, 0.5)
    >>> Segment.from_dict(scene.to_dict()) == scene
    True
    """

    start_seconds: float
    end_seconds: float
    kind: str = "segment"
    label: str = ""
    score: float | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        start, end = float(self.start_seconds), float(self.end_seconds)
        if not (math.isfinite(start) and math.isfinite(end)):
            raise OptionError(f"a segment from {start} to {end}: both times must be finite")
        if end < start:
            raise OptionError(f"a segment from {start} to {end}: it must not end before it starts")
        object.__setattr__(self, "start_seconds", start)
        object.__setattr__(self, "end_seconds", end)
        if self.score is not None:
            object.__setattr__(self, "score", float(self.score))

    @property
    def duration_seconds(self) -> float:
        """How long it lasts."""
        return self.end_seconds - self.start_seconds

    def overlap_seconds(self, other: Segment) -> float:
        """How long both are so at once; 0.0 where they never are."""
        start = max(self.start_seconds, other.start_seconds)
        return max(0.0, min(self.end_seconds, other.end_seconds) - start)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "start_seconds": self.start_seconds,
            "end_seconds": self.end_seconds,
            "kind": self.kind,
            "label": self.label,
            "score": self.score,
            "attributes": dict(self.attributes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(**_known(cls, data))


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """A number over time, such as the motion energy; chunks of one name follow each other.

    Args:
        name: what is measured.
        seconds: (N,) float64, ascending: when each value begins to hold.
        values: (N,) float64.
        unit: the unit of the values, such as `"pixels per second"`; empty for a plain ratio.

    Raises:
        ShapeError: arrays that are not one-dimensional and equally long.

    >>> Signal("motion", np.array([0.0, 1.0]), np.array([0.25, 0.5])).to_dict()["values"]
    [0.25, 0.5]
    """

    name: str
    seconds: NDArray[np.float64]
    values: NDArray[np.float64]
    unit: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "seconds", np.asarray(self.seconds, np.float64))
        object.__setattr__(self, "values", np.asarray(self.values, np.float64))
        if self.seconds.ndim != 1 or self.seconds.shape != self.values.shape:
            raise ShapeError(
                f"signal {self.name!r}: seconds {self.seconds.shape} and values {self.values.shape}"
                " must both be (N,)"
            )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Signal):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.values)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "name": self.name,
            "unit": self.unit,
            "seconds": self.seconds.tolist(),
            "values": self.values.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(**_known(cls, data))


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that belongs to a moment of the source, such as a keyframe.

    Args:
        name: unique within its timeline, and fit for a file name: such as `"keyframe-0003"`.
        jpeg: the image, encoded as JPEG.
        pts_seconds: the moment it shows.
        width: pixels.
        height: pixels.
    """

    name: str
    jpeg: bytes
    pts_seconds: float
    width: int
    height: int

    @property
    def file_name(self) -> str:
        """The name of the file in which a report keeps it."""
        return f"{self.name}.jpg"

    def to_dict(self, *, with_image: bool = False) -> dict[str, Any]:
        """As JSON values; the image itself, in base64, only where asked for."""
        data: dict[str, Any] = {
            "name": self.name,
            "pts_seconds": self.pts_seconds,
            "width": self.width,
            "height": self.height,
        }
        return data | ({"jpeg": base64.b64encode(self.jpeg).decode()} if with_image else {})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; without the image, `jpeg` is empty."""
        return cls(**(_known(cls, data) | {"jpeg": base64.b64decode(data.get("jpeg", ""))}))


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a classifier says of a video: labels with their probabilities, the likeliest first.

    >>> Prediction(("wave", "clap"), (0.9, 0.1), model="starter").label
    'wave'
    """

    labels: tuple[str, ...]
    scores: tuple[float, ...]
    model: str

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.scores):
            raise ShapeError(f"{len(self.labels)} labels for {len(self.scores)} scores")
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "scores", tuple(float(score) for score in self.scores))

    @property
    def label(self) -> str:
        """The likeliest label."""
        return self.labels[0]

    @property
    def score(self) -> float:
        """The likeliest label's probability."""
        return self.scores[0]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"labels": list(self.labels), "scores": list(self.scores), "model": self.model}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(tuple(data["labels"]), tuple(data["scores"]), data["model"])


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text in an image.

    Args:
        text: what is written.
        score: confidence in [0, 1].
        polygon: its corners in pixels of the upright image.
        character_scores: one confidence for each character of `text`; empty where the engine gives none.
    """

    text: str
    score: float
    polygon: Polygon
    character_scores: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "text": self.text,
            "score": self.score,
            "polygon": [list(corner) for corner in self.polygon],
            "character_scores": list(self.character_scores),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(
            data["text"],
            data["score"],
            _polygon(data["polygon"]),
            tuple(data.get("character_scores", ())),
        )


@dataclass(frozen=True, slots=True)
class TextTrack:
    """One line of text over the time it is on the screen.

    Args:
        text: what is written.
        start_seconds: when it appears.
        end_seconds: when it is gone.
        score: confidence in [0, 1].
        polygon: its corners where it was read best, in pixels of the upright source.
        num_readings: how many frames the text was read from.
    """

    text: str
    start_seconds: float
    end_seconds: float
    score: float
    polygon: Polygon
    num_readings: int = 1

    def to_segment(self) -> Segment:
        """The same as a segment of kind `"text"`."""
        attributes = {"polygon": [list(corner) for corner in self.polygon], "num_readings": self.num_readings}
        return Segment(self.start_seconds, self.end_seconds, "text", self.text, self.score, attributes)

    @classmethod
    def from_segment(cls, segment: Segment) -> Self:
        """The inverse of `to_segment`."""
        return cls(
            segment.label,
            segment.start_seconds,
            segment.end_seconds,
            segment.score or 0.0,
            _polygon(segment.attributes.get("polygon", ())),
            segment.attributes.get("num_readings", 1),
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"polygon": [list(corner) for corner in self.polygon]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(**(_known(cls, data) | {"polygon": _polygon(data["polygon"])}))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, the segments it rests on, and whether the video shows it at all.

    >>> Answer("The video does not show it.", known=False).to_dict()
    {'text': 'The video does not show it.', 'evidence': [], 'known': False}
    """

    text: str
    evidence: tuple[Segment, ...] = ()
    known: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "text": self.text,
            "evidence": [segment.to_dict() for segment in self.evidence],
            "known": self.known,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(data["text"], tuple(Segment.from_dict(item) for item in data["evidence"]), data["known"])


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that was found in one video, on one clock.

    Args:
        metadata: the video.
        segments: sorted by start, then end, then kind.
        signals: one for each name.
        pictures: the images that segments name in their `"picture"` attribute.
        warnings: what was wrong with the source, in words, such as the seconds that could not be decoded.
        observers: the names of the observers that watched, so that what they did not find is known to be absent;
            empty where it is not known who watched.

    >>> timeline = Timeline(VideoMetadata("cat.mp4"), (Segment(0, 2, "shot"), Segment(1, 2, "text", "MEOW")))
    >>> [segment.label for segment in timeline.of("text")]
    ['MEOW']
    >>> Timeline.from_dict(timeline.to_dict()) == timeline
    True
    """

    metadata: VideoMetadata
    segments: tuple[Segment, ...] = ()
    signals: tuple[Signal, ...] = ()
    pictures: tuple[Picture, ...] = ()
    warnings: tuple[str, ...] = ()
    observers: tuple[str, ...] = ()

    FORMAT = "muybridge-timeline/1"

    def __post_init__(self) -> None:
        ordered = sorted(self.segments, key=lambda s: (s.start_seconds, s.end_seconds, s.kind, s.label))
        object.__setattr__(self, "segments", tuple(ordered))

    @classmethod
    def of_findings(
        cls,
        metadata: VideoMetadata,
        findings: Iterable[Segment | Signal | Picture],
        warnings: Iterable[str] = (),
        observers: Iterable[str] = (),
    ) -> Self:
        """Sort what observers reported; chunks of one signal are joined in the order they came."""
        segments: list[Segment] = []
        chunks: dict[str, list[Signal]] = {}
        pictures: list[Picture] = []
        for finding in findings:
            if isinstance(finding, Segment):
                segments.append(finding)
            elif isinstance(finding, Signal):
                chunks.setdefault(finding.name, []).append(finding)
            else:
                pictures.append(finding)
        signals = tuple(
            Signal(
                name,
                np.concatenate([chunk.seconds for chunk in parts]),
                np.concatenate([chunk.values for chunk in parts]),
                parts[0].unit,
            )
            for name, parts in chunks.items()
        )
        return cls(metadata, tuple(segments), signals, tuple(pictures), tuple(warnings), tuple(observers))

    @property
    def path(self) -> str:
        """The video's path."""
        return self.metadata.path

    @property
    def duration_seconds(self) -> float:
        """The video's length; for a live source, the end of its last segment."""
        if self.metadata.duration_seconds is not None:
            return self.metadata.duration_seconds
        return max((segment.end_seconds for segment in self.segments), default=0.0)

    def of(self, kind: str) -> list[Segment]:
        """The segments of one kind, in order of time."""
        return [segment for segment in self.segments if segment.kind == kind]

    def signal(self, name: str) -> Signal | None:
        """The signal of that name, or None."""
        return next((signal for signal in self.signals if signal.name == name), None)

    def with_path(self, path: str) -> Timeline:
        """The same timeline for the same bytes at another path."""
        return replace(self, metadata=replace(self.metadata, path=path))

    def to_dict(self, *, with_images: bool = False) -> dict[str, Any]:
        """As JSON values; pictures without their pixels unless asked for."""
        return {
            "format": self.FORMAT,
            "metadata": self.metadata.to_dict(),
            "segments": [segment.to_dict() for segment in self.segments],
            "signals": [signal.to_dict() for signal in self.signals],
            "pictures": [picture.to_dict(with_image=with_images) for picture in self.pictures],
            "warnings": list(self.warnings),
            "observers": list(self.observers),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            OptionError: the data is not a timeline, or one of a newer version.
        """
        if data.get("format") != cls.FORMAT:
            raise OptionError(
                f"not a timeline of this version: format is {data.get('format')!r}, known is {cls.FORMAT!r};"
                " analyze the video again with this version"
            )
        return cls(
            VideoMetadata.from_dict(data["metadata"]),
            tuple(Segment.from_dict(item) for item in data["segments"]),
            tuple(Signal.from_dict(item) for item in data["signals"]),
            tuple(Picture.from_dict(item) for item in data["pictures"]),
            tuple(data["warnings"]),
            tuple(data.get("observers", ())),
        )


def _known(cls: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    # Unknown keys are left out: a newer version may write more than this one reads.
    names = {item.name for item in fields(cls)}
    return {key: value for key, value in data.items() if key in names}


def _polygon(corners: Iterable[Iterable[float]]) -> Polygon:
    return tuple((float(x), float(y)) for x, y in corners)
