"""From a file to everything, cached, resumed after a kill, and honest about what it could not read."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import muybridge
from muybridge.errors import DamagedVideoWarning, OutputError, UnknownNameError, VideoOpenError
from muybridge.motion.readings import MotionObserver
from muybridge.motion.scenes import ScenesObserver
from muybridge.observer import Observer
from muybridge.pipeline import cache, default_observers
from muybridge.pipeline.analyze import analyze
from muybridge.pipeline.demo import check_demo, write_demo_video
from muybridge.values import Timeline
from muybridge.video import VideoWriter, reader


def quick_observers() -> list[Observer]:
    """All but the reader of text, whose networks take a second to load."""
    return [ScenesObserver(), MotionObserver()]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Timeline]:
    """The demo video and its truth."""
    path = tmp_path_factory.mktemp("demo") / "demo.mp4"
    return path, write_demo_video(path)


def test_the_demo_is_found_as_it_was_drawn(demo: tuple[Path, Timeline], tmp_path: Path) -> None:
    path, truth = demo
    found = analyze(path, output=tmp_path / "report", use_cache=False)
    assert [check for check in check_demo(truth, found) if not check.is_right] == []
    names = {file.name for file in (tmp_path / "report").iterdir()}
    assert {"timeline.json", "text.vtt", "text.srt", "segments.csv", "report.html", "pictures"} <= names
    saved = json.loads((tmp_path / "report" / "timeline.json").read_text())
    assert Timeline.from_dict(saved).segments == found.segments


def test_the_checks_of_the_demo_can_fail(demo: tuple[Path, Timeline]) -> None:
    _, truth = demo
    assert all(check.is_right for check in check_demo(truth, truth))
    nothing = Timeline(truth.metadata)
    assert not any(check.is_right for check in check_demo(truth, nothing))


def test_the_second_run_decodes_nothing(
    sample_video: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path))
    first = analyze(sample_video, observers=quick_observers())
    copy = tmp_path / "renamed.mp4"
    copy.write_bytes(sample_video.read_bytes())

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(reader.Video, "pictures", refuse)
    second = analyze(copy, observers=quick_observers())
    assert second.segments == first.segments
    assert second.signals == first.signals
    assert second.pictures == first.pictures
    assert second.path == str(copy)


def test_other_settings_and_other_bytes_are_looked_at_anew(
    sample_video: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path))
    analyze(sample_video, observers=[MotionObserver()])
    files = {file.name for file in tmp_path.rglob("*.json")}
    analyze(sample_video, observers=[MotionObserver(frames_per_second=5.0)])
    assert len({file.name for file in tmp_path.rglob("*.json")} - files) == 1
    other = tmp_path / "other.mp4"
    with VideoWriter(other, width=64, height=48) as writer:
        writer.write(np.zeros((48, 64, 3), np.uint8))
    analyze(other, observers=[MotionObserver()])
    assert len(list((tmp_path / "findings").iterdir())) == 2


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b'{"findings": [{"type": "Nothing"}]}',
        b"[1]",
        b'{"findings": 3, "warnings": []}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_cache_is_as_good_as_none(
    sample_video: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: bytes
) -> None:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path))
    first = analyze(sample_video, observers=[ScenesObserver()])
    for file in tmp_path.rglob("*.json"):
        file.write_bytes(damage)
    assert analyze(sample_video, observers=[ScenesObserver()]).segments == first.segments


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    sample_video: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    occupied = tmp_path / "occupied"
    occupied.write_text("a file where the folder should be")
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(occupied))
    assert analyze(sample_video, observers=[ScenesObserver()]).of("shot")


def test_the_cache_stays_within_its_bounds(sample_video: Path, tmp_path: Path) -> None:
    kept = cache.FindingsCache(sample_video, folder=tmp_path, max_bytes=5000)
    observers = [MotionObserver(frames_per_second=rate) for rate in range(1, 9)]
    from muybridge.values import Segment

    for age, observer in enumerate(observers):
        kept.save(observer, [Segment(0, 1, "x", "y" * 1500)], [])
        newest = max(tmp_path.rglob("*.json"), key=lambda file: file.stat().st_mtime_ns)
        os.utime(newest, (1e9 + age, 1e9 + age))
    assert sum(file.stat().st_size for file in tmp_path.rglob("*.json")) <= 5000
    assert kept.load(observers[-1]) is not None
    assert kept.load(observers[0]) is None


def test_the_cache_does_not_list_all_its_files_for_each_that_it_writes(
    sample_video: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = cache.FindingsCache(sample_video, folder=tmp_path)
    listed: list[str] = []
    glob = Path.glob

    def noted(path: Path, pattern: str) -> object:
        listed.append(pattern)
        return glob(path, pattern)

    monkeypatch.setattr(Path, "glob", noted)
    for rate in range(1, 30):
        kept.save(MotionObserver(frames_per_second=rate), [], [])
    assert len(listed) == 1
    assert len(list(kept.folder.iterdir())) == 29


KILLED = """
import sys, time
from muybridge.motion.readings import MotionObserver
from muybridge.motion.scenes import ScenesObserver
from muybridge.pipeline import analyze as module, own_process
own_process.num_threads, own_process.SECONDS_WORTH_A_PROCESS = lambda: 2, float(sys.argv[2])
module.SECONDS_BETWEEN_CHECKPOINTS = 0.0
def slowly(done, total):
    time.sleep(0.02)
module.analyze(sys.argv[1], observers=[ScenesObserver(), MotionObserver()], progress=slowly)
print("finished")
"""


@pytest.mark.parametrize("seconds_worth_a_process", ["0", "inf"])
def test_a_killed_run_goes_on_and_finds_the_same(
    demo: tuple[Path, Timeline],
    seconds_worth_a_process: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    path, _ = demo  # too short for a second process: it goes on in one, however many there were
    whole = analyze(path, observers=quick_observers(), use_cache=False)
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path))
    words = [sys.executable, "-c", KILLED, path, seconds_worth_a_process]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        saved = list(tmp_path.rglob("pass-*.json"))
        if saved and json.loads(saved[0].read_text())["state"]["last_seconds"] > 6:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.communicate()[0] == ""  # it was killed before its end

    seen: list[float] = []
    resumed = analyze(path, observers=quick_observers(), progress=lambda done, total: seen.append(done))
    assert seen[0] > 6
    assert resumed.segments == whole.segments
    assert resumed.signals == whole.signals
    assert [picture.name for picture in resumed.pictures] == [picture.name for picture in whole.pictures]
    assert not list(tmp_path.rglob("pass-*.json"))


def test_damage_is_kept_in_the_timeline_and_told_by_every_run(
    shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path))
    with pytest.warns(DamagedVideoWarning):
        first = analyze(shared / "clips/corrupted.mp4", observers=quick_observers())
    assert first.warnings == ("could not be decoded from 2.80 s to the end",)
    # From the cache it is told again, and once: half of this video was never seen.
    with pytest.warns(DamagedVideoWarning) as told:
        second = analyze(shared / "clips/corrupted.mp4", observers=quick_observers())
    assert second.warnings == first.warnings
    assert len(told) == 1


def test_damage_is_told_once_however_often_a_run_was_stopped(
    shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("muybridge.pipeline.analyze.SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    data = bytearray((shared / "clips/kth_boxing.mp4").read_bytes())
    damaged = slice(len(data) * 3 // 10, len(data) * 36 // 100)
    data[damaged] = np.random.default_rng(3).bytes(damaged.stop - damaged.start)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)

    def analyze_until(num_pictures: int) -> Timeline:
        seen: list[float] = []

        def stop(done: float, total: float) -> None:
            seen.append(done)
            if len(seen) > num_pictures:
                raise KeyboardInterrupt

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DamagedVideoWarning)
            return analyze(path, observers=quick_observers(), progress=stop)

    whole = analyze_until(10**9)
    (line,) = whole.warnings
    for file in (tmp_path / "cache").rglob("*.json"):
        file.unlink()
    told = []
    for num_pictures in (80, 8, 8):
        with pytest.raises(KeyboardInterrupt):
            analyze_until(num_pictures)
        (saved,) = (tmp_path / "cache").rglob("pass-*.json")
        told.append(json.loads(saved.read_text())["warnings"])
    assert told == [[line]] * 3
    assert analyze_until(10**9).warnings == (line,)


def test_a_static_camera_has_no_cut(shared: Path) -> None:
    timeline = analyze(shared / "clips/vtest.avi", observers=[ScenesObserver()])
    assert [(s.start_seconds, s.end_seconds) for s in timeline.of("shot")] == [(0.0, pytest.approx(79.5))]


@pytest.mark.slow
def test_the_subtitle_of_the_strip_is_read(shared: Path) -> None:
    timeline = analyze(shared / "clips/subtitles_zh.mp4")
    assert "空间里面他绝对赢不了的" in [segment.label for segment in timeline.of("text")]


def test_a_folder_that_cannot_be_written_is_said(sample_video: Path, tmp_path: Path) -> None:
    occupied = tmp_path / "occupied"
    occupied.write_text("")
    with pytest.raises(OutputError, match="occupied"):
        analyze(sample_video, output=occupied, observers=[ScenesObserver()])


def test_one_frame_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "one.mp4"
    with VideoWriter(path, width=64, height=48) as writer:
        writer.write(np.full((48, 64, 3), 120, np.uint8))
    timeline = analyze(path, observers=quick_observers())
    assert len(timeline.of("shot")) == 1


def test_a_timeline_says_who_watched(sample_video: Path) -> None:
    found = analyze(sample_video, observers=quick_observers(), use_cache=False)
    assert found.observers == ("scenes", "motion")
    assert Timeline.from_dict(found.to_dict()).observers == found.observers
    older = {key: value for key, value in found.to_dict().items() if key != "observers"}
    assert Timeline.from_dict(older).observers == ()


def test_names_and_paths_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(VideoOpenError, match="no such file"):
        muybridge.analyze(tmp_path / "missing.mp4")
    with pytest.raises(UnknownNameError, match="did you mean 'text'"):
        default_observers(without=["txt"])
