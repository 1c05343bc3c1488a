"""An observer in a process of its own finds what it finds here, and its end is told or harms nobody."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from muybridge.errors import MuybridgeError, ShapeError
from muybridge.motion.readings import MotionObserver
from muybridge.motion.scenes import ScenesObserver
from muybridge.observer import Finding, Observer
from muybridge.pipeline import default_observers, own_process
from muybridge.pipeline.analyze import analyze
from muybridge.pipeline.encoding import decode, encode, encode_findings
from muybridge.pipeline.own_process import InOwnProcess, spread
from muybridge.values import Frame, VideoMetadata


def pan(num_frames: int = 70) -> list[Frame]:
    """A camera that moves over a wall, two pixels a frame, at 15 frames per second."""
    wall = np.random.default_rng(0).integers(0, 255, (30, 90), np.uint8).repeat(4, 0).repeat(4, 1)
    return [
        Frame(np.ascontiguousarray(wall[:, 2 * i : 2 * i + 160]), i / 15, 1 / 15, i)
        for i in range(num_frames)
    ]


def found_by(observer: MotionObserver | InOwnProcess, frames: list[Frame]) -> list[Finding]:
    observer.start(VideoMetadata("pan.mp4"))
    found = [finding for frame in frames for finding in observer.observe(frame)]
    return [*found, *observer.finish(len(frames) / 15)]


@pytest.fixture
def away() -> Iterator[InOwnProcess]:
    with closing(InOwnProcess(MotionObserver())) as observer:
        yield observer


def test_it_finds_the_same_in_the_same_order_and_again(away: InOwnProcess) -> None:
    expected = encode_findings(found_by(MotionObserver(), pan()))
    assert {row.get("label", row.get("name")) for row in expected} > {"camera pans right", "camera motion"}
    assert encode_findings(found_by(away, pan())) == expected
    assert encode_findings(found_by(away, pan())) == expected
    assert found_by(away, []) == []


@pytest.mark.parametrize("stop", [3, 8, 37])
def test_a_run_that_was_cut_off_goes_on_in_another_process_and_here(stop: int) -> None:
    frames = pan()
    expected = encode_findings(found_by(MotionObserver(), frames))
    with closing(InOwnProcess(MotionObserver())) as first:
        first.start(VideoMetadata("pan.mp4"))
        found = [finding for frame in frames[:stop] for finding in first.observe(frame)]
        found += first.fetch()
        saved = decode(encode(first.state()))
        found_on = [finding for frame in frames[stop:] for finding in first.observe(frame)]
        assert (
            encode_findings([*found, *found_on, *first.finish(70 / 15)]) == expected
        )  # saving changes nothing
    with closing(InOwnProcess(MotionObserver())) as second:
        for observer in (second, MotionObserver()):
            observer.start(VideoMetadata("pan.mp4"))
            observer.restore(saved)
            found_on = [finding for frame in frames[stop:] for finding in observer.observe(frame)]
            assert encode_findings([*found, *found_on, *observer.finish(70 / 15)]) == expected


def test_a_copied_observer_goes_on_where_the_first_stands() -> None:
    first = MotionObserver(frames_per_second=12, short_side_px=100)
    first.start(VideoMetadata("pan.mp4"))
    for frame in pan()[:10]:
        first.observe(frame)
    second = pickle.loads(pickle.dumps(first))
    assert second.settings() == first.settings()
    rest = [[finding for frame in pan()[10:] for finding in o.observe(frame)] for o in (first, second)]
    assert rest[0]
    assert encode_findings(rest[0]) == encode_findings(rest[1])


def test_its_errors_are_raised_here(away: InOwnProcess) -> None:
    colors = [Frame(np.zeros((60, 80, 3), np.uint8), index / 15) for index in range(17)]
    with pytest.raises(ShapeError, match=r"this observer's view is \(H, W\) uint8"):
        found_by(away, colors)


def test_its_death_is_told_with_what_to_do(away: InOwnProcess) -> None:
    os.kill(away.pid, signal.SIGKILL)
    with pytest.raises(MuybridgeError, match=r"motion ended by signal 9.*OMP_NUM_THREADS=1"):
        found_by(away, pan())


def is_gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has waited for yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_it_ends_when_who_started_it_is_killed() -> None:
    code = (
        "import time; from muybridge.motion.readings import MotionObserver;"
        "from muybridge.pipeline.own_process import InOwnProcess;"
        "print(InOwnProcess(MotionObserver()).pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not is_gone(pid)
        parent.kill()
    deadline = time.monotonic() + 20
    while not is_gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert is_gone(pid)


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Two cores, whatever the machine has; the call gives the kinds of observers that a long video is given."""
    monkeypatch.setattr(own_process, "num_threads", lambda: 2)

    def kinds() -> list[str]:
        with spread([ScenesObserver(), MotionObserver()], 3600.0) as watchers:
            return [type(watcher).__name__ for watcher in watchers]

    return kinds


def test_it_is_sent_away_where_that_is_worth_it(
    two_cores: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert two_cores() == ["ScenesObserver", "InOwnProcess"]
    monkeypatch.setattr(own_process, "num_threads", lambda: 1)
    assert two_cores() == ["ScenesObserver", "MotionObserver"]


def test_where_no_process_can_be_started_it_looks_here(
    two_cores: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken, host = tmp_path / "python3", tmp_path / "editor"  # a program with a Python inside starts itself
    broken.write_text("#!/bin/sh\nexit 1\n")
    host.write_text("#!/bin/sh\nexec sleep 60\n")
    for program in (broken, host):
        program.chmod(0o755)
    for executable in (str(tmp_path / "python"), "", None, str(broken), str(host)):
        monkeypatch.setattr(sys, "executable", executable)
        assert two_cores() == ["ScenesObserver", "MotionObserver"]


@pytest.mark.usefixtures("two_cores")
def test_a_timeline_is_the_same(sample_video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def timeline() -> dict[str, Any]:
        observers = default_observers(without=["text", "actions"])
        return analyze(sample_video, observers=observers, use_cache=False).to_dict()

    here = timeline()
    monkeypatch.setattr(own_process, "SECONDS_WORTH_A_PROCESS", 0.0)
    started: list[Observer] = []

    def noted(observer: Observer) -> InOwnProcess:
        started.append(observer)
        return InOwnProcess(observer)

    monkeypatch.setattr(own_process, "InOwnProcess", noted)
    assert timeline() == here
    assert len(started) == 1
