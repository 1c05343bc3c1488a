"""Augmentation: the same change for every frame, exact where it can be worked out by hand, and no label is lost."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.training.augmentation import Augmentation, mirrored_labels, replace_background

NONE = {name: getattr(Augmentation.none(), name) for name in Augmentation.__dataclass_fields__}


def only(**changes: object) -> Augmentation:
    return Augmentation(**{**NONE, **changes})  # type: ignore[arg-type]


def texture(num_frames: int = 4, height: int = 40, width: int = 60) -> NDArray[np.uint8]:
    picture = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
    return np.repeat(picture, num_frames, axis=0)


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_a_still_picture_stays_still(seed: int) -> None:
    augmentation = Augmentation(blur=0.5, gray=0.3, hue=0.2)
    result, _ = augmentation.apply(texture(), size_px=24, generator=np.random.default_rng(seed))
    assert (result == result[:1]).all()
    again, _ = augmentation.apply(texture(), size_px=24, generator=np.random.default_rng(seed))
    assert np.array_equal(result, again)


def test_nothing_is_the_middle_of_the_picture() -> None:
    result, mirrored = only().apply(texture(), size_px=40, generator=np.random.default_rng(0))
    assert np.array_equal(result, texture()[:, :, 10:50])
    assert not mirrored


def test_mirror_by_hand() -> None:
    pixels = texture(width=40)
    result, mirrored = only(mirror=1.0).apply(pixels, size_px=40, generator=np.random.default_rng(0))
    assert mirrored
    assert np.array_equal(result, pixels[:, :, ::-1])
    result, mirrored = only(mirror=1.0).apply(
        pixels, size_px=40, generator=np.random.default_rng(0), may_mirror=False
    )
    assert not mirrored
    assert np.array_equal(result, pixels)


def test_colors_by_hand() -> None:
    pixels = np.full((2, 8, 8, 3), (200, 100, 50), np.uint8)
    gray, _ = only(gray=1.0).apply(pixels, size_px=8, generator=np.random.default_rng(0))
    luma = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    assert np.abs(gray.astype(int) - luma).max() <= 1
    # Turning the hue by a third of the circle permutes the channels; any turn keeps their sum.
    turned, _ = only(hue=0.5).apply(pixels, size_px=8, generator=np.random.default_rng(5))
    assert not np.array_equal(turned, pixels)
    assert turned.max() == 255 or abs(int(turned[0, 0, 0].sum()) - 350) <= 2
    for seed in range(20):
        brighter, _ = only(brightness=0.5).apply(
            pixels // 2, size_px=8, generator=np.random.default_rng(seed)
        )
        ratio = brighter[0, 0, 0] / (pixels[0, 0, 0] // 2)
        assert ratio.max() - ratio.min() < 0.03
        assert 0.48 < ratio.mean() < 1.52


def test_contrast_keeps_the_mean() -> None:
    pixels = np.full((1, 8, 8, 3), 100, np.uint8)
    pixels[:, :, 4:] = 140
    for seed in range(10):
        result, _ = only(contrast=0.5).apply(pixels, size_px=8, generator=np.random.default_rng(seed))
        assert abs(float(result.mean()) - 120) < 1


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_crops_lie_inside_and_keep_their_area(seed: int) -> None:
    augmentation = only(crop_area=(0.3, 0.6), crop_aspect=(0.75, 1.33))
    left, top, width, height = augmentation._box(60, 40, np.random.default_rng(seed))
    assert 0 <= left <= 60 - width
    assert 0 <= top <= 40 - height
    assert 0.27 <= width * height / 1600 <= 0.64
    assert 0.7 <= width / height <= 1.45


@given(st.integers(0, 10_000), st.floats(0.0, 1.0))
@settings(max_examples=60, deadline=None)
def test_moments_ascend_from_the_start(seed: int, jitter: float) -> None:
    augmentation = only(speed=(0.5, 2.0), jitter=jitter)
    moments = augmentation.moments(1.0, 9.0, 8, 0.25, generator=np.random.default_rng(seed))
    assert (np.diff(moments) >= 0).all()
    assert moments[0] >= 1.0
    assert moments[-1] <= 9.0 + 0.5
    assert 0.5 * 0.25 * 7 - 0.25 <= moments[-1] - moments[0] <= 2.0 * 0.25 * 9


def test_speed_and_place_vary() -> None:
    rows = [
        only(speed=(0.5, 2.0)).moments(0.0, 9.0, 8, 0.25, generator=np.random.default_rng(seed))
        for seed in range(50)
    ]
    steps = np.array([np.diff(row)[0] for row in rows])
    assert steps.min() < 0.16
    assert steps.max() > 0.4
    assert np.std([row[0] for row in rows]) > 1


def test_background_replacement() -> None:
    pixels = texture()
    mask = np.zeros(pixels.shape[:3], np.uint8)
    mask[:, 10:30, 20:40] = 255
    behind = np.full((100, 30, 3), 7, np.uint8)
    result = replace_background(pixels, mask, behind)
    assert np.array_equal(result[:, 10:30, 20:40], pixels[:, 10:30, 20:40])
    assert (result[:, :10] == 7).all()
    with pytest.raises(ShapeError, match="the mask is"):
        replace_background(pixels, mask[:2], behind)
    with pytest.raises(ShapeError, match="the background is"):
        replace_background(pixels, mask, behind[..., 0])


@pytest.mark.parametrize(
    ("labels", "mirrored"),
    [
        ("clap, Swipe_Left, Swipe_Right", "clap, Swipe_Right, Swipe_Left"),
        ("turn left", "-"),
        ("bright light, leftover", "bright light, leftover"),
        ("circle anticlockwise, circle clockwise", "circle clockwise, circle anticlockwise"),
        ("SwipeLeft, SwipeRight, Clap", "SwipeRight, SwipeLeft, Clap"),
        ("swipe_left2, swipe_right2, SWIPELeft", "swipe_right2, swipe_left2, -"),
        ("CircleClockwise, CircleCounterClockwise", "CircleCounterClockwise, CircleClockwise"),
        ("turn cw, turn CCW", "turn CCW, turn cw"),
        ("turn leftwards, swipeleft, righthanded", "-, -, -"),
        ("turn leftwards, turn rightwards", "turn rightwards, turn leftwards"),
        ("copyright, cleft lip, stand upright", "copyright, cleft lip, stand upright"),
        ("swipe upright, swipe upleft", "swipe upleft, swipe upright"),
        ("from left to right, from right to left", "from right to left, from left to right"),
        ("left hand clockwise, right hand clockwise", "-, -"),
        (
            "left hand clockwise, right hand counter-clockwise, left hand anticlockwise, right hand clockwise",
            "right hand counter-clockwise, left hand clockwise, right hand clockwise, left hand anticlockwise",
        ),
        ("Clap, clap", "Clap, clap"),
    ],
)
def test_names_in_the_mirror(labels: str, mirrored: str) -> None:
    images = mirrored_labels(labels.split(", "))
    assert ", ".join(images.get(label, "-") for label in labels.split(", ")) == mirrored


def test_given_names_win_and_must_exist() -> None:
    assert mirrored_labels(["a", "b"], given={"a": "b", "b": "a"}) == {"a": "b", "b": "a"}
    with pytest.raises(OptionError, match="'c' is no class; the classes are a, b"):
        mirrored_labels(["a", "b"], given={"a": "c"})


@pytest.mark.parametrize(
    "changes",
    [{"mirror": 2.0}, {"speed": (0.0, 1.0)}, {"crop_area": (0.5, 1.5)}, {"hue": 0.7}, {"jitter": -1.0}],
)
def test_options_outside_what_is_allowed(changes: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=next(iter(changes))):
        only(**changes)
    with pytest.raises(ShapeError):
        only().apply(np.zeros((4, 8, 8), np.uint8), size_px=8, generator=np.random.default_rng(0))
