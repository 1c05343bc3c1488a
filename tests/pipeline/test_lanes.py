"""Observers in threads find what they find one after the other; nothing is lost, mixed up, hidden or left running."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from muybridge.observer import Finding, View
from muybridge.pipeline import Pass
from muybridge.pipeline.lanes import MAX_WAITING, WORTH_A_THREAD, Lanes
from muybridge.values import Frame, Segment, VideoMetadata
from muybridge.video.picture import ArrayPicture

SOURCE = VideoMetadata("counted", width=32, height=24)


class Watchful:
    """Notes what it sees, dawdles now and then, and notices when it is called twice at a time."""

    def __init__(
        self, name: str, *, rate: float | None = None, seconds: float = 0.0, fails_at: int = -1
    ) -> None:
        self.name = name
        self.view = View(frames_per_second=rate, short_side_px=6)
        self.seconds, self.fails_at = seconds, fails_at
        self.seen: list[int] = []
        self._alone = threading.Lock()

    def settings(self) -> Mapping[str, Any]:
        return {}

    def start(self, source: VideoMetadata) -> None:
        self.seen = []

    def observe(self, frame: Frame) -> Iterable[Finding]:
        assert self._alone.acquire(blocking=False), "called in two threads at a time"
        if frame.index == self.fails_at:
            raise RuntimeError("a bug")
        time.sleep(self.seconds if frame.index % 7 == 3 else 0.0)
        self.seen.append(frame.index)
        self._alone.release()
        yield Segment(frame.pts_seconds, frame.pts_seconds, self.name, f"{int(frame.pixels[0, 0, 0])}")

    def finish(self, end_seconds: float) -> Iterable[Finding]:
        return []

    def state(self) -> Mapping[str, Any]:
        return {"seen": list(self.seen)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.seen = list(state["seen"])


def pictures(num: int = 80) -> Iterator[ArrayPicture]:
    for index in range(num):
        pixels = np.full((24, 32, 3), index, np.uint8)
        yield ArrayPicture(pixels, pts_seconds=index / 20, duration_seconds=0.05, index=index)


def crew() -> list[Watchful]:
    return [Watchful("quick"), Watchful("slow", seconds=0.01), Watchful("rare", rate=5.0, seconds=0.02)]


def show_all(run: Pass, *, interrupted_at: int = -1) -> None:
    with Lanes(run, num_threads=2) as lanes:
        for picture in pictures():
            lanes.show(picture)
            if picture.index == interrupted_at:
                raise KeyboardInterrupt
        lanes.settle()


def looks() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "muybridge-look"]


@pytest.mark.parametrize("num_threads", [1, 2, 5])
def test_what_is_found_does_not_depend_on_the_threads(num_threads: int) -> None:
    one_by_one, together = Pass(crew(), SOURCE), Pass(crew(), SOURCE)
    for picture in pictures():
        one_by_one.see(picture)
    with Lanes(together, num_threads=num_threads) as lanes:
        for picture in pictures():
            lanes.show(picture)
        lanes.settle()
    for name in ("quick", "slow", "rare"):
        assert together.findings(name) == one_by_one.findings(name)
    assert together.state() == one_by_one.state()
    assert [len(together.findings(name)) for name in ("quick", "slow", "rare")] == [80, 80, 20]
    assert not looks()


def test_a_settled_pass_stands_at_one_moment_and_can_be_gone_on_with() -> None:
    first, second, whole = (Pass(crew(), SOURCE) for _ in range(3))
    shown = list(pictures())
    with Lanes(first, num_threads=3) as lanes:
        for picture in shown[:33]:
            lanes.show(picture)
        lanes.settle()
        state = first.state()
        found = {watcher.observer.name: list(watcher.findings) for watcher in first.watchers}
    assert state["last_seconds"] == shown[32].pts_seconds
    assert all(state["observers"][name]["state"]["seen"][-1] == 32 for name in ("quick", "slow", "rare"))
    second.restore(state, found)
    with Lanes(second, num_threads=3) as lanes:
        for picture in shown[33:]:
            lanes.show(picture)
        lanes.settle()
    for picture in shown:
        whole.see(picture)
    assert second.findings("rare") == whole.findings("rare")
    assert second.state() == whole.state()


def test_whoever_shows_waits_for_the_slowest() -> None:
    gate = threading.Event()

    class Stuck(Watchful):
        def observe(self, frame: Frame) -> Iterable[Finding]:
            gate.wait(30)
            return super().observe(frame)

    shown: list[int] = []
    run = Pass([Watchful("quick"), Stuck("stuck")], SOURCE)
    with Lanes(run, num_threads=2) as lanes:

        def show() -> None:
            for picture in pictures():
                lanes.show(picture)
                shown.append(picture.index)

        thread = threading.Thread(target=show)
        thread.start()
        deadline = time.monotonic() + 20
        while len(shown) < MAX_WAITING and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert len(shown) == MAX_WAITING
        gate.set()
        thread.join(30)
        lanes.settle()
    assert len(run.findings("stuck")) == 80


@pytest.mark.parametrize("fails_at", [0, 40, 79])
def test_a_bug_in_one_is_raised_and_leaves_no_thread(fails_at: int) -> None:
    run = Pass([Watchful("quick"), Watchful("broken", fails_at=fails_at)], SOURCE)
    with pytest.raises(RuntimeError, match="a bug"):
        show_all(run)
    assert not looks()


def test_being_interrupted_leaves_no_thread() -> None:
    run = Pass(crew(), SOURCE)
    with pytest.raises(KeyboardInterrupt):
        show_all(run, interrupted_at=30)
    assert not looks()


@pytest.mark.parametrize("num", [1, 2, 3])
def test_a_few_pictures_wake_nobody_and_are_seen_all_the_same_when_the_pass_settles(num: int) -> None:
    observer = Watchful("quick")
    with Lanes(Pass([observer], SOURCE), num_threads=2) as lanes:
        for picture in pictures(num):
            lanes.show(picture)
        assert num < WORTH_A_THREAD
        assert observer.seen == []
        lanes.settle()
        assert observer.seen == list(range(num))
        for picture in pictures(2 * WORTH_A_THREAD):
            picture.pts_seconds += 10
            lanes.show(picture)
        lanes.settle()
        assert len(observer.seen) == num + 2 * WORTH_A_THREAD
