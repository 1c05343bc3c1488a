"""By example: a clip is found inside its recording, a copy of another size is a copy, strangers are strangers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from muybridge.errors import OptionError, OutputError, VideoOpenError
from muybridge.observer import View
from muybridge.pipeline import watch
from muybridge.search import LooksObserver, Store, cut_clip, draw_strip
from muybridge.search.looks import look_of, looks_of_file
from muybridge.search.results import Match
from muybridge.search.tables import FileState
from muybridge.values import Timeline
from muybridge.video import VideoWriter, open_video

SCENE_SECONDS = 3.0


def write_film(
    path: Path, seeds: list[int], *, width: int = 160, height: int = 96, quality: int = 20
) -> Path:
    """Three seconds for each seed: a texture that drifts to the left."""
    with VideoWriter(path, width=width, height=height, frames_per_second=10, quality=quality) as writer:
        for seed in seeds:
            noise = np.random.default_rng(seed).uniform(0, 255, (12, 30, 3)).astype(np.float32)
            wide = cv2.resize(noise, (width * 5 // 2, height), interpolation=cv2.INTER_CUBIC).clip(0, 255)
            for step in range(30):
                left = step * width // 40
                writer.write(np.ascontiguousarray(wide[:, left : left + width]).astype(np.uint8))
    return path


def indexed(path: Path) -> Timeline:
    with open_video(path) as video:
        found = watch(video.pictures(), [LooksObserver()], video.metadata)
        return Timeline.of_findings(video.metadata, found)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    return {
        "long": write_film(folder / "long.mp4", [1, 2, 3, 4]),
        "small copy": write_film(folder / "copy.mp4", [1, 2, 3, 4], width=96, height=64, quality=34),
        "other": write_film(folder / "other.mp4", [11, 12, 13]),
        "clip": write_film(folder / "clip.mp4", [3], quality=30),
    }


@pytest.fixture
def filled(store: Store, films: dict[str, Path]) -> Store:
    store.add_all((indexed(films[name]), None) for name in ("long", "small copy", "other"))
    return store


def test_a_clip_is_found_where_it_was_cut_from(filled: Store, films: dict[str, Path]) -> None:
    found = filled.find_like(films["clip"])
    copies = [match for match in found if match.label == "the clip itself"]
    assert {match.path for match in copies} == {str(films["long"]), str(films["small copy"])}
    for match in copies:
        assert match.start_seconds == pytest.approx(2 * SCENE_SECONDS, abs=0.3)
        assert match.end_seconds == pytest.approx(3 * SCENE_SECONDS, abs=0.3)
        assert "frame for frame" in match.why
    assert all(match.path != str(films["other"]) for match in copies)
    only = filled.find_like(films["clip"], files=["other.mp4"])
    assert all(match.path == str(films["other"]) and match.label == "looks alike" for match in only)


def test_a_clip_of_few_frames_a_second_is_found(
    filled: Store, films: dict[str, Path], tmp_path: Path
) -> None:
    with open_video(films["long"]) as video:
        frames = [frame.pixels for frame in video]
    path = tmp_path / "slow.mp4"
    with VideoWriter(path, width=160, height=96, frames_per_second=10) as writer:
        for number in range(60, 90, 5):
            writer.write(frames[number], (number - 60) / 10)
    copies = [match for match in filled.find_like(path) if match.label == "the clip itself"]
    assert {match.path for match in copies} == {str(films["long"]), str(films["small copy"])}
    for match in copies:
        assert match.start_seconds == pytest.approx(2 * SCENE_SECONDS, abs=0.1)
        assert match.similarity == pytest.approx(1.0, abs=0.1)


def test_copies_are_told_from_strangers(filled: Store, films: dict[str, Path]) -> None:
    pairs = filled.duplicates()
    assert [(Path(a).name, Path(b).name) for a, b, _ in pairs] == [("copy.mp4", "long.mp4")]
    assert pairs[0][2] > 0.9


def write_gesture(path: Path, lag: float, right: float, down: float) -> Path:
    """A small hand is raised and lowered in a still room; each take of it a little differently."""
    noise = np.random.default_rng(5).uniform(0, 255, (6, 8, 3)).astype(np.float32)
    room = cv2.resize(noise, (128, 96), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)
    with VideoWriter(path, width=128, height=96, frames_per_second=10) as writer:
        for number in range(40):
            raised = np.sin(np.pi * number / 40 + 0.3 * lag) ** 2
            x, y = int(50 + 24 * raised + 4 * right), int(60 - 30 * raised + 4 * down)
            picture = room.copy()
            picture[y : y + 12, x : x + 10] = 255
            writer.write(picture)
    return path


def test_other_takes_before_one_camera_are_no_copies(store: Store, tmp_path: Path) -> None:
    first = write_gesture(tmp_path / "first.mp4", 0.01, 0.45, -0.36)
    other = write_gesture(tmp_path / "other.mp4", 0.3, 0.31, 0.02)
    store.add_all((indexed(path), None) for path in (first, other))
    assert store.duplicates() == []
    labels = {match.path: match.label for match in store.find_like(first)}
    assert labels == {str(first): "the clip itself", str(other): "the clip itself, or another take of it"}


def test_a_part_before_a_still_camera_is_placed_with_what_cannot_be_told(
    store: Store, tmp_path: Path
) -> None:
    whole = write_gesture(tmp_path / "whole.mp4", 0.01, 0.45, -0.36)
    store.add(indexed(whole))
    with open_video(whole) as video:
        frames = [frame.pixels for frame in video][7:33]
    clip = tmp_path / "clip.mp4"
    with VideoWriter(clip, width=64, height=48, frames_per_second=10, quality=34) as writer:
        for pixels in frames:
            writer.write(cv2.resize(pixels, (64, 48), interpolation=cv2.INTER_AREA))
    match = store.find_like(clip)[0]
    assert match.label == "the clip itself, or another take of it"
    assert (match.start_seconds, match.end_seconds) == pytest.approx((0.7, 3.3), abs=0.11)
    store.add(indexed(clip))
    assert store.duplicates() == []


def test_the_same_bytes_are_copies_also_where_nothing_moves(store: Store, tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "slide.mp4", width=128, height=96, frames_per_second=10) as writer:
        for _ in range(20):
            writer.write(np.full((96, 128, 3), 90, np.uint8))
    paths = [tmp_path / "slide.mp4", tmp_path / "copy.mp4", tmp_path / "changed.mp4"]
    for path in paths[1:]:
        path.write_bytes(paths[0].read_bytes())
    files = [
        FileState(path.stat().st_size, path.stat().st_mtime_ns, digest)
        for path, digest in zip(paths, "aab", strict=True)
    ]
    store.add_all((indexed(path), file) for path, file in zip(paths, files, strict=True))
    assert store.duplicates() == [(str(paths[1]), str(paths[0]), 1.0)]


def test_looks_survive_the_store_and_a_break(films: dict[str, Path]) -> None:
    looks = looks_of_file(films["long"])
    assert [look.start_seconds for look in looks] == pytest.approx([0.0, 4.0, 8.0])
    assert [look.end_seconds for look in looks] == pytest.approx([4.0, 8.0, 12.0])
    whole, first, second = LooksObserver(), LooksObserver(), LooksObserver()
    with open_video(films["long"]) as video:
        frames = list(video.frames(whole.view))
        source = video.metadata
    for observer in (whole, first, second):
        observer.start(source)
    expected = [f for frame in frames for f in whole.observe(frame)] + list(whole.finish(12.0))
    got = [f for frame in frames[:31] for f in first.observe(frame)]
    second.restore(first.state())
    got += [f for frame in frames[31:] for f in second.observe(frame)] + list(second.finish(12.0))
    assert got == expected
    assert look_of(expected[0]).fingerprints.dtype == np.uint64  # type: ignore[arg-type]


def test_the_same_bytes_are_the_same_looks(store: Store, tmp_path: Path) -> None:
    # Pictures that no other is made from, which a pass leaves out, as phones and encoders write them.
    path = tmp_path / "film.mp4"
    options = {"bf": "3", "b-pyramid": "none", "x264-params": "b-adapt=0:scenecut=0"}
    rng = np.random.default_rng(7)
    wide = cv2.resize(rng.integers(0, 256, (30, 120, 3)).astype(np.uint8), (960, 240))
    with VideoWriter(path, width=160, height=120, frames_per_second=25, codec_options=options) as writer:
        for step in range(150):
            writer.write(wide[40:160, 4 * step : 4 * step + 160])
    watched = indexed(path)
    assert [look.seconds.tolist() for look in looks_of_file(path)] == [
        look_of(segment).seconds.tolist() for segment in watched.of("look")
    ]
    store.add(watched)
    match = store.find_like(path)[0]
    assert (match.label, match.similarity) == ("the clip itself", 1.0)
    with open_video(path) as video:
        every = [frame.pts_seconds for frame in video.frames(View(frames_per_second=5.0))]
    assert every != [second for look in looks_of_file(path) for second in look.seconds]  # some were left out


def test_an_example_that_cannot_be_read(filled: Store, tmp_path: Path) -> None:
    with pytest.raises(VideoOpenError):
        filled.find_like(tmp_path / "none.mp4")
    with pytest.raises(OptionError):
        filled.find_like(tmp_path / "none.mp4", limit=0)


def test_a_strip_shows_the_moments(films: dict[str, Path]) -> None:
    match = Match(str(films["long"]), 3.0, 6.0, "text", "x", "", 1.0)
    strip = draw_strip([match, replace(match, start_seconds=6.0, end_seconds=9.0)], num_thumbnails=4)
    assert strip.shape == (2 * 150, 4 * 204, 3)
    with open_video(films["long"]) as video:
        shown = video.frames_at(seconds=[3.375]).pixels[0]
    tile = strip[30 + 20 : 30 + 120, 60:200]
    expected = cv2.resize(shown, (200, 120), interpolation=cv2.INTER_AREA)[20:, 60:]
    assert np.abs(tile.astype(int) - expected).mean() < 1
    # A match that lasts no time, or reaches beyond the end, is shown all the same.
    draw_strip([Match(str(films["long"]), 11.95, 13.0, "text", "x", "", 1.0)])
    with pytest.raises(OutputError, match=r"ends before 12\.50 s"):
        draw_strip([Match(str(films["long"]), 12.5, 13.0, "text", "x", "", 1.0)])
    with pytest.raises(OptionError):
        draw_strip([])


def test_a_clip_is_cut_to_the_frame(films: dict[str, Path], tmp_path: Path) -> None:
    match = Match(str(films["long"]), 3.0, 4.0, "text", "x", "", 1.0)
    with open_video(cut_clip(match, tmp_path / "cut.mp4", margin_seconds=0.5)) as cut:
        frames = list(cut)
    assert len(frames) == 20
    with open_video(films["long"]) as video:
        first = video.frames_at(seconds=[2.5]).pixels[0]
    assert np.abs(frames[0].pixels.astype(int) - first).mean() < 4
    for bad, target in ((match, films["long"]), (match, tmp_path / "none" / "cut.mp4")):
        with pytest.raises((OptionError, OSError)):
            cut_clip(bad, target)
    with pytest.raises(OptionError):
        cut_clip(match, tmp_path / "cut.mp4", margin_seconds=-1)


def test_a_file_that_is_gone_is_said(tmp_path: Path, new_store: Callable[[], Store]) -> None:
    match = Match(str(tmp_path / "gone.mp4"), 0.0, 1.0, "text", "x", "", 1.0)
    for look in (lambda: draw_strip([match]), lambda: cut_clip(match, tmp_path / "cut.mp4")):
        with pytest.raises(VideoOpenError, match="muybridge index"):
            look()
