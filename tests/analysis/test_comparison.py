"""Comparing videos: copies are found through scaling, trimming and light; strangers are not."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from muybridge.analysis.comparison import _looks, compare_videos, match_fingerprints, model_features
from muybridge.analysis.descriptors import describe_frames, fingerprint, oriented_gradients
from muybridge.errors import OptionError, ShapeError, VideoOpenError
from muybridge.models.registry import create_model
from muybridge.models.weights import Weights, set_weights
from muybridge.values import Frame
from muybridge.video.reader import open_video
from muybridge.video.writer import VideoWriter

Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def scene(seed: int, num_frames: int = 40) -> list[NDArray[np.uint8]]:
    """Soft blobs that drift: pictures that change slowly, as a camera's do."""
    rng = np.random.default_rng(seed)
    noise = rng.uniform(0, 255, (160 + 2 * num_frames, 160 + 2 * num_frames, 3)).astype(np.float32)
    world = cv2.GaussianBlur(noise, (0, 0), 9)
    world = (world - world.min()) / (world.max() - world.min()) * 255
    return [world[2 * t : 2 * t + 96, t : t + 128].astype(np.uint8) for t in range(num_frames)]


def write(path: Path, frames: list[NDArray[np.uint8]]) -> Path:
    height, width = frames[0].shape[:2]
    with VideoWriter(path, width=width, height=height, frames_per_second=10) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def thinned(path: Path, numbers: list[int]) -> Path:
    """Some frames of a recording of 6 s at 10 a second, each at its own time."""
    frames = scene(0, 60)
    with VideoWriter(path, width=128, height=96, frames_per_second=10) as writer:
        for number in numbers:
            writer.write(frames[number], number / 10)
    return path


def duration(path: Path) -> float:
    with open_video(path) as video:
        assert video.metadata.duration_seconds is not None
        return video.metadata.duration_seconds


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("original") / "original.mp4", scene(0))


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: cv2.resize(pixels, (64, 48), interpolation=cv2.INTER_AREA),
        lambda pixels: np.clip(pixels.astype(int) + 25, 0, 255).astype(np.uint8),
        lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 1.5),
    ],
    ids=["smaller", "brighter", "blurred"],
)
def test_a_changed_copy_is_the_same_recording(change: Change, original: Path, tmp_path: Path) -> None:
    copy = write(tmp_path / "copy.mp4", [change(frame) for frame in scene(0)])
    found = compare_videos(original, copy)
    assert found.same_recording
    assert found.shared_share > 0.9
    assert found.offset_seconds == pytest.approx(0.0, abs=0.01)
    assert found.appearance > 0.9
    assert found.motion > 0.7


def test_a_part_is_found_and_placed(original: Path, tmp_path: Path) -> None:
    part = write(tmp_path / "part.mp4", scene(0)[14:])
    found = compare_videos(original, part)
    assert found.same_recording
    assert found.offset_seconds == pytest.approx(-1.4, abs=0.11)
    back = compare_videos(part, original)
    assert back.offset_seconds == pytest.approx(1.4, abs=0.11)
    assert back.shared_seconds == pytest.approx(found.shared_seconds)


RATES = {
    "full": list(range(60)),
    "five": list(range(0, 60, 2)),
    "two": list(range(0, 60, 5)),
    "varying": [*range(20), *range(20, 60, 4)],
}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("five", "five"),
        ("full", "five"),
        ("two", "two"),
        ("full", "two"),
        ("full", "varying"),
        ("varying", "five"),
    ],
)
def test_few_frames_a_second_are_the_same_recording(a: str, b: str, tmp_path: Path) -> None:
    first = thinned(tmp_path / "a.mp4", RATES[a])
    second = thinned(tmp_path / "b.mp4", RATES[b])
    for found in (compare_videos(first, second), compare_videos(second, first)):
        assert found.same_recording
        assert found.offset_seconds == pytest.approx(0.0, abs=0.001)
        assert found.shared_seconds == pytest.approx(min(duration(first), duration(second)), abs=0.051)
        assert found.shared_share == pytest.approx(1.0)


def test_a_part_of_few_frames_a_second_is_placed(tmp_path: Path) -> None:
    whole = thinned(tmp_path / "whole.mp4", RATES["full"])
    part = tmp_path / "part.mp4"
    with VideoWriter(part, width=128, height=96, frames_per_second=10) as writer:
        for number in range(20, 50, 2):
            writer.write(scene(0, 60)[number], (number - 20) / 10)
    found = compare_videos(whole, part)
    assert found.same_recording
    assert found.offset_seconds == pytest.approx(-2.0, abs=0.001)
    assert found.shared_seconds == pytest.approx(duration(part), abs=0.051)


def test_the_picture_that_stays_is_looked_at(tmp_path: Path) -> None:
    # A slide comes half a tenth after another frame, and stays for two seconds.
    path = tmp_path / "slides.mp4"
    pictures = scene(3, 6)
    with VideoWriter(path, width=128, height=96, frames_per_second=20) as writer:
        for seconds, picture in zip((0.0, 0.1, 0.15, 2.0, 2.05, 2.1), pictures, strict=True):
            writer.write(picture, seconds)
    with open_video(path) as video:
        assert [frame.pts_seconds for frame in _looks(video)] == pytest.approx([0.0, 0.1, 0.15, 2.0, 2.1])


def test_strangers_share_nothing(original: Path, tmp_path: Path) -> None:
    found = compare_videos(original, write(tmp_path / "other.mp4", scene(1)))
    assert not found.same_recording
    assert found.shared_seconds == 0.0
    assert found.offset_seconds is None
    assert found.appearance < 0.6
    assert found.to_dict()["features"] is None


def fixed_camera(start: int, num_frames: int, *, noise: int = 0) -> list[NDArray[np.uint8]]:
    """From frame `start` of a recording that never ends: a still room in which a large thing wanders."""
    room = scene(7, 1)[0]
    thing = cv2.resize(scene(8, 1)[0], (32, 40))
    draw = np.random.default_rng(5)
    stops = draw.uniform(0, 1, (40, 2))  # one for each second
    stir = np.random.default_rng(noise)
    frames = []
    for number in range(start, start + num_frames):
        second, part = divmod(number / 10, 1)
        x, y = stops[int(second)] * (1 - part) + stops[int(second) + 1] * part
        picture = room.astype(float)
        top, left = int(y * 56), int(x * 96)
        picture[top : top + 40, left : left + 32] = thing
        frames.append(np.clip(picture + stir.normal(0, 2, picture.shape), 0, 255).astype(np.uint8))
    return frames


def test_a_part_of_a_fixed_camera_is_placed_by_what_moves(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mp4", fixed_camera(0, 120))
    part = write(tmp_path / "part.mp4", [cv2.resize(p, (64, 48)) for p in fixed_camera(47, 40, noise=1)])
    found = compare_videos(whole, part)
    assert found.same_recording
    assert found.offset_seconds == pytest.approx(-4.7, abs=0.001)
    assert compare_videos(part, whole).offset_seconds == pytest.approx(4.7, abs=0.001)


def test_two_recordings_of_one_camera_are_not_one_recording(tmp_path: Path) -> None:
    first = write(tmp_path / "first.mp4", fixed_camera(0, 100))
    later = write(tmp_path / "later.mp4", fixed_camera(150, 100))
    found = compare_videos(first, later)
    assert found.same_recording is False
    assert found.appearance > 0.9


def test_a_still_picture_fits_at_every_shift(tmp_path: Path) -> None:
    still = write(tmp_path / "still.mp4", [scene(7, 1)[0]] * 30)
    shorter = write(tmp_path / "shorter.mp4", [scene(7, 1)[0]] * 20)
    found = compare_videos(still, shorter)
    assert found.same_recording is None
    assert (found.shared_share, found.offset_seconds) == (1.0, 0.0)
    assert compare_videos(still, write(tmp_path / "other.mp4", [scene(8, 1)[0]] * 30)).same_recording is False


def gesture(lag: float, right: float, down: float, *, num_frames: int = 40) -> list[NDArray[np.uint8]]:
    """A still room in which a small hand is raised and lowered; each take of it a little differently."""
    room, hand = scene(7, 1)[0], cv2.resize(scene(8, 1)[0], (10, 12))
    frames = []
    for number in range(num_frames):
        raised = np.sin(np.pi * number / num_frames + 0.3 * lag) ** 2
        x, y = int(50 + 24 * raised + 4 * right), int(60 - 30 * raised + 4 * down)
        frames.append(room.copy())
        frames[-1][y : y + 12, x : x + 10] = hand
    return frames


TAKE, NEAR_TAKE, OTHER_TAKE = (0.01, 0.45, -0.36), (0.3, 0.31, 0.02), (-0.24, -0.2, 0.31)


def test_another_take_of_a_gesture_is_not_the_same_recording(tmp_path: Path) -> None:
    first = write(tmp_path / "first.mp4", gesture(*TAKE))
    near = compare_videos(first, write(tmp_path / "near.mp4", gesture(*NEAR_TAKE)))
    assert near.same_recording is None
    assert near.appearance > 0.9
    other = compare_videos(first, write(tmp_path / "other.mp4", gesture(*OTHER_TAKE)))
    assert (other.same_recording, other.shared_seconds, other.offset_seconds) == (False, 0.0, None)


def test_a_copy_of_a_gesture_is_placed(tmp_path: Path) -> None:
    first = write(tmp_path / "first.mp4", gesture(*TAKE))
    small = [cv2.resize(picture, (64, 48), interpolation=cv2.INTER_AREA) for picture in gesture(*TAKE)[9:]]
    black = [np.zeros((48, 64, 3), np.uint8)] * 5
    copy = write(tmp_path / "copy.mp4", [*black, *small])
    found = compare_videos(first, copy)
    assert found.same_recording
    assert found.shared_seconds == pytest.approx(3.1)
    assert found.offset_seconds == pytest.approx(-0.4, abs=0.001)
    assert compare_videos(copy, first).offset_seconds == pytest.approx(0.4, abs=0.001)


def restless(num_frames: int, *, per_second: int) -> list[NDArray[np.uint8]]:
    """A still room in which a small hand goes to another place each half second."""
    room, hand = scene(7, 1)[0], cv2.resize(scene(8, 1)[0], (10, 12))
    stops = np.random.default_rng(11).uniform(0, 1, (100, 2))
    frames = []
    for number in range(num_frames):
        half, part = divmod(2 * number / per_second, 1)
        x, y = stops[int(half)] * (1 - part) + stops[int(half) + 1] * part
        left, top = 40 + int(40 * x), 20 + int(40 * y)
        frames.append(room.copy())
        frames[-1][top : top + 12, left : left + 10] = hand
    return frames


def test_a_copy_without_its_middle_is_the_same_recording(tmp_path: Path) -> None:
    frames = restless(300, per_second=10)
    whole = write(tmp_path / "whole.mp4", frames)
    cut = write(tmp_path / "cut.mp4", frames[:165] + frames[225:])
    found = compare_videos(whole, cut)
    assert found.same_recording
    assert found.offset_seconds == pytest.approx(0.0, abs=0.001)
    # 16.5 of 24 s, but for the window of three that the cut is in.
    assert 13.4 < found.shared_seconds < 16.6


def test_a_part_that_begins_between_two_looks_is_the_same_recording(tmp_path: Path) -> None:
    paths = [tmp_path / "whole.mp4", tmp_path / "part.mp4"]
    frames = restless(60, per_second=15)
    for path, some in zip(paths, (frames, frames[13:]), strict=True):
        with VideoWriter(path, width=128, height=96, frames_per_second=15) as writer:
            for picture in some:
                writer.write(picture)
    found = compare_videos(*paths)
    assert found.same_recording
    assert found.offset_seconds == pytest.approx(-13 / 15, abs=0.04)


UTD = Path("actions/utd-mhad-rgb")


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(
    ("one", "other"), [("a02/a02_s2_t1", "a02/a02_s4_t2"), ("a01/a01_s1_t3", "a01/a01_s1_t4")]
)
def test_real_takes_before_one_camera(one: str, other: str, shared: Path, tmp_path: Path) -> None:
    path = shared / UTD / f"{one}.mp4"
    if not path.exists():
        pytest.skip(f"no {path}")
    assert not compare_videos(path, shared / UTD / f"{other}.mp4").same_recording
    with open_video(path) as video:
        frames = [(frame.pts_seconds, frame.pixels) for frame in video if frame.pts_seconds > 0.39]
    begin = frames[0][0]
    height, width = frames[0][1].shape[:2]
    with VideoWriter(tmp_path / "copy.mp4", width=width // 2, height=height // 2) as writer:
        for seconds, pixels in frames:
            half = cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
            writer.write(half, seconds - begin)
    found = compare_videos(path, tmp_path / "copy.mp4")
    assert found.same_recording
    assert found.offset_seconds == pytest.approx(-begin, abs=0.04)


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "start", "later"), [("kth_handclapping.mp4", 5.0, 8.0), ("juggle.mp4", 2.6, 5.2)]
)
def test_a_real_fixed_camera(name: str, start: float, later: float, shared: Path, tmp_path: Path) -> None:
    with open_video(shared / "clips" / name) as video:
        frames = [(frame.pts_seconds, frame.pixels) for frame in video]

    def part(begin: float, end: float) -> Path:
        inside = [(seconds, pixels) for seconds, pixels in frames if begin <= seconds < end]
        height, width = inside[0][1].shape[:2]
        path = tmp_path / f"{begin}.mp4"
        with VideoWriter(path, width=width // 4 * 2, height=height // 4 * 2) as writer:
            for seconds, pixels in inside:
                half = cv2.resize(pixels, (width // 4 * 2, height // 4 * 2), interpolation=cv2.INTER_AREA)
                writer.write(half, seconds - inside[0][0])
        return path

    inside = compare_videos(shared / "clips" / name, part(start, later))
    assert inside.same_recording
    assert inside.offset_seconds == pytest.approx(-start, abs=0.08)
    assert compare_videos(part(0.0, later - 0.1), part(later, 2 * later)).same_recording is False


def test_black_frames_are_no_common_ground() -> None:
    black = [Frame(np.zeros((32, 32, 3), np.uint8), 0.2 * index) for index in range(5)]
    description = describe_frames(black)
    assert description.is_plain.all()
    assert match_fingerprints(description, description) == (0.0, None)
    assert not description.motion.any()


def test_flat_videos_cannot_be_told(original: Path, tmp_path: Path) -> None:
    black = write(tmp_path / "black.mp4", [np.zeros((48, 64, 3), np.uint8)] * 5)
    for other in (black, original):
        found = compare_videos(black, other)
        assert found.same_recording is None
        assert (found.shared_seconds, found.offset_seconds) == (0.0, None)


def test_orientation_and_place_of_edges() -> None:
    image = np.zeros((64, 64), np.float32)
    image[20, 40:] = 200.0  # a horizontal line: brightness changes along y, half a turn's middle
    cells = oriented_gradients(image)
    assert cells.shape == (9, 8, 8)
    row, column = np.unravel_index(cells.sum(axis=0).argmax(), (8, 8))
    assert (row, column >= 5) == (2, True)
    assert cells[:, 2, 6].argmax() in (4, 5)
    assert np.linalg.norm(cells, axis=0).max() <= 1 + 1e-6
    with pytest.raises(ShapeError, match=r"\(60, 64\); it must be"):
        oriented_gradients(np.zeros((60, 64), np.float32))


def test_fingerprints_of_two_pictures_differ_by_half() -> None:
    pictures = [cv2.cvtColor(scene(seed, 1)[0], cv2.COLOR_RGB2GRAY).astype(np.float32) for seed in range(12)]
    prints = [fingerprint(picture) for picture in pictures]
    distances = [int((a != b).sum()) for i, a in enumerate(prints) for b in prints[:i]]
    assert 25 < np.mean(distances) < 39
    assert min(distances) > 10


class TinyClassifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 4)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return self.fc(clip.mean(dim=(2, 3, 4)))  # type: ignore[no-any-return]


def test_features_are_what_the_last_layer_gets(original: Path) -> None:
    model = TinyClassifier()
    with pytest.raises(OptionError, match="random weights"):
        compare_videos(original, original, model=model)
    set_weights(model, Weights("mine", num_frames=4, size_px=64, mean=(0, 0, 0), std=(1, 1, 1)))
    features = model_features(model, original)
    assert features.shape == (3,)
    assert ((features > 0.2) & (features < 0.8)).all()  # the mean color of the clip
    found = compare_videos(original, original, model=model)
    assert found.features == pytest.approx(1.0)
    assert found.model == "TinyClassifier"
    assert not model.fc._forward_pre_hooks


def test_features_are_of_the_pictures_that_the_weights_ask_for(tmp_path: Path) -> None:
    wide = np.zeros((64, 256, 3), np.uint8)
    wide[:, :96] = (255, 0, 0)  # up to the middle quarter
    path = write(tmp_path / "wide.mp4", [wide] * 6)
    model = TinyClassifier()
    red = []
    for resize_px in (
        (32, 32),
        (32, 64),
        None,
    ):  # the whole picture squeezed, its middle half, its middle quarter
        record = Weights("mine", num_frames=4, size_px=32, resize_px=resize_px, mean=(0, 0, 0), std=(1, 1, 1))
        set_weights(model, record)
        red.append(float(model_features(model, path)[0]))
    assert red == pytest.approx([3 / 8, 1 / 4, 0.0], abs=0.03)


def test_the_name_of_the_registry_is_told(original: Path) -> None:
    model = create_model("simple3d", num_classes=4).eval()
    set_weights(model, Weights("mine", num_frames=4, size_px=32))
    assert compare_videos(original, original, model=model).model == "simple3d"


def test_a_model_that_takes_more_than_a_clip_is_refused(original: Path) -> None:
    model = create_model("two_stream", num_classes=4, width=8).eval()
    set_weights(model, Weights("mine", num_frames=4, size_px=32))
    with pytest.raises(
        OptionError, match="two_stream takes rgb and flow; only a model that takes the frames"
    ):
        compare_videos(original, original, model=model)


def test_bad_input(original: Path) -> None:
    with pytest.raises(VideoOpenError):
        compare_videos(original, "nowhere.mp4")
    with pytest.raises(OptionError, match="no frame to describe"):
        describe_frames([])


@pytest.mark.shared
@pytest.mark.slow
def test_real_clips_are_strangers_to_each_other(shared: Path) -> None:
    names = ["flipping_a_pancake.mkv", "arm_wrestling.mp4", "kth_boxing.mp4", "kth_handclapping.mp4"]
    for index, a in enumerate(names):
        for b in names[:index]:
            found = compare_videos(shared / "clips" / a, shared / "clips" / b)
            assert not found.same_recording
            assert found.appearance < 0.65
