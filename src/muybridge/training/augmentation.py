"""Chance that a clip survives as itself: one draw for the whole clip, so that what moves is only what moved.

    frames ──► background ──► crop ──► mirror ──► color ──► blur ──► frames
                                         │
                                         └─ the label may turn: "swipe left" in a mirror is "swipe right"

Drawing anew for each frame would add motion that nobody made. Time is varied before, when the frames are
chosen: faster, slower, with jitter (`Augmentation.moments`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError

__all__ = ["Augmentation", "mirrored_labels", "replace_background"]

Pixels = NDArray[np.uint8]

_SIDE = re.compile(r"left|right|(?:counter)?clockwise")
_OPPOSITES = {
    "left": "right",
    "right": "left",
    "clockwise": "counterclockwise",
    "counterclockwise": "clockwise",
}
# Words that hold "left" or "right" and have no side.
_SIDELESS = re.compile(
    r"(?:al|b|birth|copy|f|up|(?:play|ship|wheel)?w)right(?:e\w+|ful\w*|ly|ness|s)?"
    r"|right(?:eous\w*|ful\w*|s)|cleft(?:s|ed)?|leftovers?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far a clip may be changed in training.

    Args:
        crop_area: least and greatest part of the picture that is kept.
        crop_aspect: least and greatest width to height of that part.
        mirror: how often left and right change places, from 0 to 1; the classes' new names come from
            `mirrored_labels`, or from the dataset.
        brightness: factor up to 1 ± this.
        contrast: likewise.
        saturation: likewise.
        hue: turn of the colors up to ± this part of the circle.
        gray: how often the color is taken out.
        blur: how often the clip is blurred.
        speed: least and greatest factor of the speed.
        jitter: each frame comes up to ± this part of the step earlier or later.
        background: how often the background is replaced, where a mask is known.

    Raises:
        OptionError: an option outside what is allowed.

    >>> augmentation = Augmentation(mirror=0.0)
    >>> pixels, is_mirrored = augmentation.apply(
    ...     np.zeros((4, 48, 64, 3), np.uint8), size_px=32, generator=np.random.default_rng(0))
    >>> pixels.shape, is_mirrored
    ((4, 32, 32, 3), False)
    """

    crop_area: tuple[float, float] = (0.5, 1.0)
    crop_aspect: tuple[float, float] = (0.8, 1.25)
    mirror: float = 0.5
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.3
    hue: float = 0.05
    gray: float = 0.1
    blur: float = 0.1
    speed: tuple[float, float] = (0.8, 1.25)
    jitter: float = 0.2
    background: float = 0.5

    def __post_init__(self) -> None:
        for name in (
            "mirror",
            "gray",
            "blur",
            "background",
            "jitter",
            "brightness",
            "contrast",
            "saturation",
        ):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} is {getattr(self, name)}; it must be from 0 to 1")
        if not 0 <= self.hue <= 0.5:
            raise OptionError(f"hue is {self.hue}; it must be from 0 to 0.5")
        for name in ("crop_area", "crop_aspect", "speed"):
            low, high = getattr(self, name)
            if not 0 < low <= high or (name == "crop_area" and high > 1):
                raise OptionError(f"{name} is {(low, high)}; it must be a positive range, an area at most 1")

    @classmethod
    def none(cls) -> Augmentation:
        """Nothing is changed.

        >>> Augmentation.none().mirror
        0.0
        """
        return cls(
            crop_area=(1.0, 1.0),
            crop_aspect=(1.0, 1.0),
            mirror=0.0,
            brightness=0.0,
            contrast=0.0,
            saturation=0.0,
            hue=0.0,
            gray=0.0,
            blur=0.0,
            speed=(1.0, 1.0),
            jitter=0.0,
            background=0.0,
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }

    def moments(
        self, first: float, last: float, num_frames: int, step: float, *, generator: np.random.Generator
    ) -> NDArray[np.float64]:
        """When the frames of a clip are taken: at a random place, speed and jitter.

        Args:
            first: the video's first moment.
            last: its last.
            num_frames: of the clip (T).
            step: between its frames, at unchanged speed.
            generator: the source of chance.

        Returns:
            (T,) ascending; they may lie after the last moment of a video that is too short.

        >>> Augmentation(jitter=0.0, speed=(2.0, 2.0)).moments(
        ...     0.0, 3.0, 4, 0.5, generator=np.random.default_rng(0)).tolist()
        [0.0, 1.0, 2.0, 3.0]
        """
        step = step * math.exp(generator.uniform(*np.log(self.speed)))
        room = max(0.0, last - first - (num_frames - 1) * step)
        start = first + generator.uniform(0.0, room)
        moments = start + step * np.arange(num_frames)
        if self.jitter:
            moments += step * self.jitter * generator.uniform(-1, 1, num_frames)
        ascending: NDArray[np.float64] = np.sort(np.maximum(moments, first))
        return ascending

    def apply(
        self,
        pixels: Pixels,
        *,
        size_px: int,
        generator: np.random.Generator,
        may_mirror: bool = True,
        mask: Pixels | None = None,
        backgrounds: Sequence[Pixels] = (),
    ) -> tuple[Pixels, bool]:
        """Change a clip.

        Args:
            pixels: (T, H, W, 3) uint8.
            size_px: side of the result.
            generator: the source of chance; the same state gives the same clip.
            may_mirror: False for a clip whose mirror image is of no known class.
            mask: (T, H, W) uint8, 255 where the person is.
            backgrounds: pictures (H, W, 3) uint8 of any size to put behind the person.

        Returns:
            (T, size_px, size_px, 3) uint8, and whether left and right have changed places.

        Raises:
            ShapeError: not (T, H, W, 3) uint8.
        """
        import cv2

        if pixels.ndim != 4 or pixels.shape[3] != 3 or pixels.dtype != np.uint8:
            raise ShapeError(f"a clip is {pixels.shape} {pixels.dtype}; it must be (T, H, W, 3) uint8")
        if mask is not None and len(backgrounds) and generator.random() < self.background:
            pixels = replace_background(pixels, mask, backgrounds[int(generator.integers(len(backgrounds)))])
        left, top, width, height = self._box(pixels.shape[2], pixels.shape[1], generator)
        method = cv2.INTER_AREA if min(width, height) > size_px else cv2.INTER_LINEAR
        result = np.empty((len(pixels), size_px, size_px, 3), np.uint8)
        for source, target in zip(pixels, result, strict=True):
            part = source[top : top + height, left : left + width]
            cv2.resize(part, (size_px, size_px), dst=target, interpolation=method)
        is_mirrored = may_mirror and bool(generator.random() < self.mirror)
        if is_mirrored:
            result = np.ascontiguousarray(result[:, :, ::-1])
        colors = self._color_matrix(result, generator)
        if colors is not None:
            flat = result.reshape(-1, size_px, 3)
            result = np.asarray(cv2.transform(flat, colors), np.uint8).reshape(result.shape)
        if generator.random() < self.blur:
            sigma = generator.uniform(0.3, 1.0) * size_px / 112
            for frame in result:
                cv2.GaussianBlur(frame, (0, 0), sigma, dst=frame)
        return result, is_mirrored

    def _box(self, width: int, height: int, generator: np.random.Generator) -> tuple[int, int, int, int]:
        """(left, top, width, height) of the part that is kept."""
        area = generator.uniform(*self.crop_area) * min(width, height) ** 2
        aspect = math.exp(generator.uniform(*np.log(self.crop_aspect)))
        # Of the largest square in the picture: a wide picture would else be squeezed.
        w = min(width, max(1, round(math.sqrt(area * aspect))))
        h = min(height, max(1, round(math.sqrt(area / aspect))))
        if self.crop_area == (1.0, 1.0) and self.crop_aspect == (1.0, 1.0):
            return round((width - w) / 2), round((height - h) / 2), w, h
        return int(generator.integers(width - w + 1)), int(generator.integers(height - h + 1)), w, h

    def _color_matrix(self, pixels: Pixels, generator: np.random.Generator) -> NDArray[np.float64] | None:
        """Brightness, contrast, saturation and hue as one (3, 4) matrix; None where nothing changes."""

        def factor(reach: float) -> float:
            return 1 + float(generator.uniform(-reach, reach))

        scale, contrast, saturation = factor(self.brightness), factor(self.contrast), factor(self.saturation)
        turn = 2 * math.pi * float(generator.uniform(-self.hue, self.hue))
        if generator.random() < self.gray:
            saturation = 0.0
        if (scale, contrast, saturation, turn) == (1.0, 1.0, 1.0, 0.0):
            return None
        weights = np.array([0.299, 0.587, 0.114])
        to_gray = np.tile(weights, (3, 1))
        saturate = saturation * np.eye(3) + (1 - saturation) * to_gray
        linear = scale * contrast * saturate @ _rotation_about_gray(turn)
        # Contrast turns about the mean brightness of the clip, not of each frame.
        mean = scale * float(pixels[:, ::4, ::4].reshape(-1, 3).mean(axis=0) @ weights)
        return np.concatenate([linear, np.full((3, 1), mean * (1 - contrast))], axis=1)


def _rotation_about_gray(angle: float) -> NDArray[np.float64]:
    """Turns colors about the axis from black to white (Rodrigues' formula)."""
    axis = np.ones(3) / math.sqrt(3)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return (
        math.cos(angle) * np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * np.outer(axis, axis)
    )


def replace_background(pixels: Pixels, mask: Pixels, background: Pixels) -> Pixels:
    """Put a person before another background.

    Args:
        pixels: (T, H, W, 3) uint8.
        mask: (T, H, W) uint8, 255 on the person, 0 beside, between at the edge.
        background: (H', W', 3) uint8 of any size; it is cut and scaled to fill the picture.

    Returns:
        (T, H, W, 3) uint8.

    Raises:
        ShapeError: shapes that do not belong together.

    >>> clip = np.full((1, 2, 2, 3), 200, np.uint8)
    >>> mask = np.array([[[255, 0], [51, 255]]], np.uint8)
    >>> replace_background(clip, mask, np.zeros((5, 5, 3), np.uint8))[0, :, :, 0].tolist()
    [[200, 0], [40, 200]]
    """
    from muybridge.video.transforms import resize_clip

    if mask.shape != pixels.shape[:3] or mask.dtype != np.uint8:
        raise ShapeError(f"the mask is {mask.shape} {mask.dtype}; it must be {pixels.shape[:3]} uint8")
    if background.ndim != 3 or background.shape[2] != 3 or background.dtype != np.uint8:
        raise ShapeError(
            f"the background is {background.shape} {background.dtype}; it must be (H, W, 3) uint8"
        )
    behind = resize_clip(background[None], (pixels.shape[2], pixels.shape[1]))[0].astype(np.int32)
    alpha = mask[..., None].astype(np.int32)
    # Rounded division by 255 in integers.
    blended = (pixels * alpha + behind * (255 - alpha) + 127) // 255
    return np.asarray(blended, np.uint8)


def mirrored_labels(labels: Sequence[str], *, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """What each class is called in a mirror.

    In names with "left" or "right", "clockwise" or "counterclockwise" each side changes into its opposite, all at once:
    "left hand clockwise" is "right hand counterclockwise". Capitals, digits and signs part words as spaces do, and a
    side counts inside a word too ("leftwards"), except in words such as "bright". If the opposite is no class, such
    clips are never mirrored, and have no entry here. All other names stay.

    Args:
        labels: the classes.
        given: what is known better: class → class in the mirror.

    Returns:
        Class → class in the mirror, without those that cannot be mirrored.

    Raises:
        OptionError: a given name is no class.

    >>> mirrored_labels(["swipe left", "swipe right", "clap", "turn left"])
    {'swipe left': 'swipe right', 'swipe right': 'swipe left', 'clap': 'clap'}
    >>> mirrored_labels(["draw circle clockwise", "draw circle counter-clockwise"])
    {'draw circle clockwise': 'draw circle counter-clockwise', 'draw circle counter-clockwise': 'draw circle clockwise'}
    """
    known = dict(given or {})
    strangers = sorted({*known, *known.values()} - set(labels))
    if strangers:
        raise OptionError(f"{strangers[0]!r} is no class; the classes are {', '.join(labels)}")
    by_name = {_plain(label): label for label in labels}
    images = {label: known.get(label) or _image(label, by_name) for label in labels}
    return {label: image for label, image in images.items() if image is not None}


def _image(label: str, by_name: Mapping[str, str]) -> str | None:
    """The class in the mirror; None where it is no class."""
    name = _plain(label)
    turned = _SIDE.sub(_opposite, name)
    if turned != name and turned in by_name:  # an "upright" has a side where there is an "upleft"
        return by_name[turned]
    words = [word if _SIDELESS.fullmatch(word) else _SIDE.sub(_opposite, word) for word in name.split()]
    return label if " ".join(words) == name else by_name.get(" ".join(words))


def _plain(label: str) -> str:
    """The words of a name in small letters, and each turn of the clock in one spelling."""
    parted = re.sub(
        r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", " ", label
    )
    words = re.sub(r"[\W_]+", " ", parted).strip().lower()
    return re.sub(
        r"\b(c?)cw\b|(?:(counter|anti) ?)?clock ?wise",
        lambda turn: "counterclockwise" if turn[1] or turn[2] else "clockwise",
        words,
    )


def _opposite(side: re.Match[str]) -> str:
    return _OPPOSITES[side[0]]
