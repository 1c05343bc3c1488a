"""Shots of files: what the encoder tells, where it tells nothing, and what is done in doubt."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from motion.scenery import dissolve, pan, scene, still
from muybridge.errors import OptionError, VideoError
from muybridge.motion.hints import boundaries_from_hints, groups_of, has_hints, is_doubtful
from muybridge.motion.shots import detect_shots
from muybridge.video.packets import PacketTable
from muybridge.video.reader import open_video
from muybridge.video.writer import VideoWriter

FPS = 25


def table(keys: list[int], sizes: list[int]) -> PacketTable:
    return PacketTable.from_columns(
        pts=range(len(sizes)),
        dts=range(len(sizes)),
        size_bytes=sizes,
        is_keyframe=[place in keys for place in range(len(sizes))],
        seconds_per_tick=0.04,
    )


def film(path: Path, pictures: list[NDArray[np.uint8]], options: str = "") -> Path:
    codec_options = {"x264-params": options} if options else None
    with VideoWriter(
        path, width=128, height=72, frames_per_second=FPS, keyframe_seconds=10, codec_options=codec_options
    ) as writer:
        for picture in pictures:
            writer.write(picture)
    return path


def texture(seed: int) -> NDArray[np.uint8]:
    return scene(seed)


@pytest.fixture(scope="module")
def cut_pictures() -> list[NDArray[np.uint8]]:
    return [p for seed, length in ((1, 60), (2, 80), (3, 50), (4, 70)) for p in still(texture(seed), length)]


CUTS = [2.4, 5.6, 7.6]


@pytest.mark.parametrize("mode", ["fast", "exact"])
@pytest.mark.parametrize(
    "options", ["", "scenecut=0:keyint=30:min-keyint=30", "keyint=1"], ids=["hints", "fixed", "intra"]
)
def test_cuts_of_a_file_however_it_is_encoded(
    tmp_path: Path, cut_pictures: list[NDArray[np.uint8]], mode: str, options: str
) -> None:
    path = film(tmp_path / "cuts.mp4", cut_pictures, options)
    shots = detect_shots(path, mode=mode)  # type: ignore[arg-type]
    assert [shot.start_seconds for shot in shots] == pytest.approx([0.0, *CUTS])
    assert all(a.end_seconds == b.start_seconds for a, b in itertools.pairwise(shots))
    assert shots[-1].end_seconds == pytest.approx(260 / FPS)
    assert [shot.attributes["transition"] for shot in shots] == ["start", "cut", "cut", "cut"]


def test_hints_are_used_where_there_are_some(tmp_path: Path, cut_pictures: list[NDArray[np.uint8]]) -> None:
    with open_video(film(tmp_path / "hints.mp4", cut_pictures)) as video:
        assert has_hints(video.packets)
        found = boundaries_from_hints(video)
    assert found is not None
    assert [boundary.seconds for boundary in found] == pytest.approx(CUTS)
    with open_video(
        film(tmp_path / "fixed.mp4", cut_pictures, "scenecut=0:keyint=30:min-keyint=30")
    ) as video:
        assert boundaries_from_hints(video) is None


def test_a_dissolve_makes_the_fast_mode_look_at_everything(tmp_path: Path) -> None:
    scenes = [texture(seed) for seed in range(1, 6)]
    pictures = [*still(scenes[0], 60), *still(scenes[1], 60), *still(scenes[2], 60)]
    pictures += [*dissolve(scenes[2], scenes[3], 20), *still(scenes[3], 70), *still(scenes[4], 40)]
    path = film(tmp_path / "dissolve.mp4", pictures)
    fast, exact = (detect_shots(path, mode=mode) for mode in ("fast", "exact"))
    assert [shot.attributes["transition"] for shot in exact] == ["start", "cut", "cut", "dissolve", "cut"]
    assert [shot.to_dict() for shot in fast] == [shot.to_dict() for shot in exact]


def test_keyframes_that_show_the_same_are_no_cut(tmp_path: Path) -> None:
    pictures = pan(128 + 200, 200, 1)
    path = film(tmp_path / "pan.mp4", pictures, "keyint=40:min-keyint=7:scenecut=80")
    assert len(detect_shots(path)) == 1


def test_doubt() -> None:
    packets = table(
        [0, 50, 100, 140], [1000] + [50] * 49 + [1000] + [50] * 49 + [900] + [50] * 39 + [900] * 1
    )
    first, second, third, _ = groups_of(packets)
    assert first.is_regular
    assert second.is_regular
    assert not third.is_regular
    assert not is_doubtful(packets, first, 1000, unlike=0.1)
    assert is_doubtful(packets, first, 1000, unlike=0.9), "the clock put that keyframe, not a cut"
    assert not is_doubtful(packets, third, 900, unlike=0.9)
    assert is_doubtful(packets, third, 900, unlike=0.4)
    near = table([0, 40, 60], [1000] + [50] * 9 + [950] + [50] * 29 + [1000] + [50] * 30)
    assert is_doubtful(near, groups_of(near)[0], 1000, unlike=0.9), "a packet as large as a keyframe"
    plain = table([0, 40, 60], [1000] + [50] * 9 + [250] + [50] * 29 + [1000] + [50] * 30)
    assert is_doubtful(plain, groups_of(plain)[0], 1000, unlike=0.9), "it stands out: a plain picture's cut"
    lively = table([0, 40, 60], [1000] + [50, 50, 50, 700] * 9 + [50] * 3 + [1000] + [50] * 30)
    assert not is_doubtful(lively, groups_of(lively)[0], 1000, unlike=0.9), "one of many large packets"
    late = table([0, 80, 100], [1000] + [50] * 49 + [500] + [50] * 29 + [1000] + [50] * 30)
    assert not is_doubtful(late, groups_of(late)[0], 1000, unlike=0.9), "there it would have a keyframe"
    run = table([0, 60, 80], [1000] + [20] * 29 + [250] * 12 + [20] * 18 + [1000] + [20] * 40)
    assert is_doubtful(run, groups_of(run)[0], 1000, unlike=0.9), "a run of large packets"


@pytest.mark.parametrize("gap", [9, 14, 19])
def test_a_cut_to_a_plain_picture_soon_after_another(tmp_path: Path, gap: int) -> None:
    draw = np.random.default_rng(0)
    busy = [cv2.resize(draw.integers(0, 255, (36, 64, 3), np.uint8), (128, 72)) for _ in range(3)]
    pictures = [*still(busy[0], 60), *still(busy[1], gap), *still(texture(2), 50), *still(busy[2], 60)]
    path = film(tmp_path / "near.mp4", pictures)
    cuts = [2.4, (60 + gap) / FPS, (110 + gap) / FPS]
    assert [shot.start_seconds for shot in detect_shots(path)[1:]] == pytest.approx(cuts)


def test_one_frame_and_an_unknown_mode(tmp_path: Path) -> None:
    path = film(tmp_path / "one.mp4", still(texture(1), 1))
    [shot] = detect_shots(path)
    assert (shot.start_seconds, shot.end_seconds) == (0.0, pytest.approx(1 / FPS))
    with pytest.raises(OptionError, match="'fast' or 'exact'"):
        detect_shots(path, mode="quick")  # type: ignore[arg-type]
    with pytest.raises(VideoError):
        detect_shots(tmp_path / "missing.mp4")


@pytest.mark.parametrize("mode", ["fast", "exact"])
def test_real_clips(shared: Path, mode: str) -> None:
    def starts(name: str) -> list[tuple[str, float]]:
        shots = detect_shots(shared / "clips" / name, mode=mode)  # type: ignore[arg-type]
        return [(shot.attributes["transition"], round(shot.start_seconds, 2)) for shot in shots[1:]]

    # Looked up by eye, frame by frame.
    assert starts("bikes.mp4") == [("cut", t) for t in (1.2, 3.04, 5.48, 7.48, 9.68)]
    [dissolved, cut] = starts("nasa_13013.mp4")
    assert dissolved == ("dissolve", pytest.approx(5.5, abs=0.2))
    assert cut == ("cut", 8.01)
    assert starts("bigbuckbunny.mp4") == []
    assert starts("flipping_a_pancake.mkv") == []


def test_rotated_files_are_one_shot(shared: Path) -> None:
    assert len(detect_shots(shared / "clips" / "video_90.mov")) == 1


def test_size_of_the_small_frames_does_not_matter(tmp_path: Path) -> None:
    wide = [cv2.resize(p, (400, 60)) for p in still(texture(1), 40) + still(texture(2), 40)]
    with VideoWriter(tmp_path / "wide.mp4", width=400, height=60, frames_per_second=FPS) as writer:
        for picture in wide:
            writer.write(np.asarray(picture, np.uint8))
    assert len(detect_shots(tmp_path / "wide.mp4")) == 2
