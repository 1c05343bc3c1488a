"""Videos are watched one after the other, each once, until the end."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from muybridge.server import analyses as analyses_module
from muybridge.server.analyses import Analyses
from muybridge.server.library import Library
from muybridge.values import Timeline, VideoMetadata


@pytest.fixture
def library(sample_video: Path, tmp_path: Path) -> Library:
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(sample_video, tmp_path / name)
    (tmp_path / "broken.mp4").write_text("no video")
    return Library(tmp_path)


def test_what_is_found_is_kept_and_what_fails_is_told(library: Library) -> None:
    one, _, broken = library.videos()
    with Analyses() as analyses:
        assert analyses.state(one).stage == "new"
        assert analyses.timeline(one) is None
        analyses.begin(one)
        analyses.begin(broken)
        analyses.wait()
        assert analyses.state(one).to_dict() == {"stage": "done", "progress": 1.0, "message": None}
        assert len(analyses.timeline(one).of("shot")) == 1  # type: ignore[union-attr]
        failed = analyses.state(broken)
        assert failed.stage == "failed"
        assert "not a video" in str(failed.message)
        assert analyses.begin(broken).stage == "waiting"  # tried again


def test_a_video_is_watched_once_however_often_it_is_asked_for(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, go_on, watched = threading.Event(), threading.Event(), []

    def slow(path: Path, *, progress: Callable[[float, float], None]) -> Timeline:
        watched.append(path.name)
        progress(1.0, 4.0)
        going.set()
        go_on.wait(10)
        return Timeline(VideoMetadata(str(path)))

    monkeypatch.setattr(analyses_module, "analyze", slow)
    one, other, _ = library.videos()
    with Analyses() as analyses:
        for _ in range(3):
            analyses.begin(one)
            analyses.begin(other)
        assert going.wait(10)
        assert analyses.state(one).to_dict() == {"stage": "running", "progress": 0.25, "message": None}
        assert analyses.state(other).stage == "waiting"
        go_on.set()
        analyses.wait()
        analyses.begin(one)
        analyses.wait()
    assert watched == ["a.mp4", "b.mp4"]


def test_the_end_stops_what_is_being_watched(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    going, steps = threading.Event(), []

    def endless(path: Path, *, progress: Callable[[float, float], None]) -> Timeline:
        while True:
            progress(0.0, 1.0)
            steps.append(path.name)
            going.set()

    monkeypatch.setattr(analyses_module, "analyze", endless)
    one, other, _ = library.videos()
    with Analyses() as analyses:
        analyses.begin(one)
        analyses.begin(other)
        assert going.wait(10)
    assert analyses.state(one).stage == "new"
    assert set(steps) == {"a.mp4"}


Held = tuple[list[int], threading.Event]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """The sizes of the files that were watched, which waits for the event."""
    watched: list[int] = []
    go_on = threading.Event()

    def look(path: Path, *, progress: Callable[[float, float], None]) -> Timeline:
        go_on.wait(10)
        watched.append(path.stat().st_size)
        return Timeline(VideoMetadata(str(path)))

    monkeypatch.setattr(analyses_module, "analyze", look)
    return watched, go_on


def test_a_video_that_changes_while_it_waits_is_watched_once_as_it_is_now(
    library: Library, held: Held
) -> None:
    watched, go_on = held
    one, other, _ = library.videos()
    with Analyses() as analyses:
        analyses.begin(other)
        analyses.begin(one)
        one.path.write_bytes(one.path.read_bytes() + b"more")
        changed = library.find(one.key)
        assert changed is not None
        assert analyses.state(changed).stage == "new"
        analyses.begin(changed)
        go_on.set()
        analyses.wait()
        assert analyses.state(changed).stage == "done"
    assert watched == [other.size_bytes, one.size_bytes + 4]


def test_a_version_that_comes_back_is_watched(library: Library, held: Held) -> None:
    watched, go_on = held
    one, other, _ = library.videos()
    changed = replace(one, size_bytes=one.size_bytes + 4)
    with Analyses() as analyses:
        for video in (other, one, changed, one):  # as a file is changed and put back while it waits
            assert analyses.begin(video).stage in ("waiting", "running")
        go_on.set()
        analyses.wait()
        assert [analyses.state(video).stage for video in (one, changed)] == ["done", "new"]
        analyses.begin(changed)
        analyses.wait()
        assert analyses.state(changed).stage == "done"
    assert watched == [other.size_bytes, one.size_bytes, one.size_bytes]


def test_a_version_that_is_being_watched_gives_way_to_the_next(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(path: Path, *, progress: Callable[[float, float], None]) -> Timeline:
        progress(1.0, 4.0)
        analyses.begin(changed)
        progress(2.0, 4.0)
        return Timeline(VideoMetadata(str(path)))

    monkeypatch.setattr(analyses_module, "analyze", look)
    one = library.videos()[0]
    changed = replace(one, size_bytes=one.size_bytes + 4)
    with Analyses() as analyses:
        analyses.begin(one)
        analyses.wait()
        assert [analyses.state(video).stage for video in (one, changed)] == ["new", "done"]


def test_a_defect_does_not_end_the_thread(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(path: Path, *, progress: object) -> Timeline:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(analyses_module, "analyze", defect)
    one, other, _ = library.videos()
    with Analyses() as analyses:
        analyses.begin(one)
        analyses.begin(other)
        analyses.wait()
        assert [analyses.state(video).message for video in (one, other)] == ["ZeroDivisionError: oh"] * 2


def test_timelines_that_are_let_go_of_come_back(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analyses_module, "MAX_TIMELINES", 1)
    one, other, _ = library.videos()
    with Analyses() as analyses:
        for video in (one, other):
            analyses.begin(video)
        analyses.wait()
        first, second = analyses.timeline(one), analyses.timeline(other)
    assert first is not None
    assert second is not None
    assert Path(first.path).name == "a.mp4"
    assert Path(second.path).name == "b.mp4"


def test_what_the_cache_has_let_go_of_is_new_and_not_watched_by_who_asks(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analyses_module, "MAX_TIMELINES", 1)
    threads: list[str] = []

    def look(path: Path, *, progress: Callable[[float, float], None]) -> Timeline:
        progress(1.0, 4.0)  # as where something is missing in the cache
        threads.append(threading.current_thread().name)
        return Timeline(VideoMetadata(str(path)))

    monkeypatch.setattr(analyses_module, "analyze", look)
    one, other, _ = library.videos()
    with Analyses() as analyses:
        for video in (one, other):
            analyses.begin(video)
        analyses.wait()
        assert analyses.timeline(other) is not None
        assert analyses.state(one).stage == "done"
        assert analyses.timeline(one) is None
        assert analyses.state(one).stage == "new"
        analyses.begin(one)
        analyses.wait()
        assert analyses.timeline(one) is not None
    assert threads == ["muybridge-analyses"] * 3
