"""Folders → a store: what is new, changed, moved or gone, what cannot be read, and a run that is killed."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from muybridge.errors import OptionError, VideoOpenError
from muybridge.motion.scenes import ScenesObserver
from muybridge.observer import Finding, Observer, View
from muybridge.pipeline import indexing
from muybridge.pipeline.indexing import find_videos, index_folder
from muybridge.search import Store, open_store
from muybridge.values import Frame, Segment, VideoMetadata
from muybridge.video import VideoWriter
from search_store import LetterCounts


class Brightness:
    """Says how bright a video begins, in words."""

    name = "brightness"
    view = View(frames_per_second=5, short_side_px=16)

    def settings(self) -> dict[str, object]:
        return {}

    def start(self, source: VideoMetadata) -> None:
        self.levels: list[float] = []

    def observe(self, frame: Frame) -> list[Finding]:
        self.levels.append(float(frame.pixels.mean()))
        return []

    def finish(self, end_seconds: float) -> list[Finding]:
        word = "bright" if np.mean(self.levels) > 128 else "dark"
        return [Segment(0.0, end_seconds, "light", f"a {word} picture")]


OBSERVERS: list[Observer] = [Brightness()]


def write_gray(path: Path, level: int, *, num_frames: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, width=32, height=32, frames_per_second=10) as writer:
        for index in range(num_frames):
            writer.write(np.full((32, 32, 3), level + index % 2, np.uint8))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_gray(tmp_path / "videos" / "noon.mp4", 230)
    write_gray(tmp_path / "videos" / "deep" / "night.mp4", 20)
    return tmp_path / "videos"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store", embedder=LetterCounts())


def names(store: Store, query: str) -> list[str]:
    return [Path(match.path).name for match in store.find(query, by="words", kinds=["light", "subtitle"])]


def test_new_changed_moved_and_gone(folder: Path, store: Store) -> None:
    first = index_folder(folder, store=store, observers=OBSERVERS)
    assert len(first.added) == 2
    assert first.video_seconds == pytest.approx(2.0)
    assert (names(store, "bright"), names(store, "dark")) == (["noon.mp4"], ["night.mp4"])

    again = index_folder(folder, store=store, observers=OBSERVERS)
    assert (again.num_unchanged, again.added, again.updated) == (2, [], [])

    (folder / "deep" / "night.mp4").rename(folder / "midnight.mp4")
    write_gray(folder / "noon.mp4", 30)
    third = index_folder(folder, store=store, observers=OBSERVERS)
    assert [Path(new).name for _, new in third.renamed] == ["midnight.mp4"]
    assert [Path(path).name for path in third.updated] == ["noon.mp4"]
    assert names(store, "bright") == []
    assert sorted(names(store, "dark")) == ["midnight.mp4", "noon.mp4"]

    (folder / "noon.mp4").unlink()
    fourth = index_folder(folder, store=store, observers=OBSERVERS)
    assert [Path(path).name for path in fourth.missing] == ["noon.mp4"]
    assert not store.find("noon")[0].is_there
    fifth = index_folder(folder, store=store, observers=OBSERVERS, prune=True)
    assert [Path(path).name for path in fifth.removed] == ["noon.mp4"]
    assert names(store, "dark") == ["midnight.mp4"]


def test_what_moved_by_way_of_a_copy_with_a_new_date_is_known_from_then_on(
    folder: Path, store: Store
) -> None:
    index_folder(folder, store=store, observers=OBSERVERS)
    (folder / "midday.mp4").write_bytes((folder / "noon.mp4").read_bytes())
    os.utime(folder / "midday.mp4", (1e9, 1e9))
    (folder / "noon.mp4").unlink()
    moved = index_folder(folder, store=store, observers=OBSERVERS)
    assert [Path(new).name for _, new in moved.renamed] == ["midday.mp4"]
    again = index_folder(folder, store=store, observers=OBSERVERS)
    assert (again.num_unchanged, again.updated, again.video_seconds) == (2, [], 0.0)


def test_another_way_to_write_a_folder_adds_nothing(
    folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "deep")
    assert len(index_folder(folder, store=store, observers=OBSERVERS).added) == 2
    for way in ("..", "../../videos", folder / "deep" / ".."):
        again = index_folder(way, store=store, observers=OBSERVERS)
        assert (again.num_unchanged, again.added, again.removed) == (2, [], [])
    (folder / "noon.mp4").unlink()
    assert index_folder("..", store=store, observers=OBSERVERS, prune=True).removed == [
        str(folder / "noon.mp4")
    ]


def test_what_an_earlier_version_wrote_with_dots_gets_one_name(folder: Path, store: Store) -> None:
    index_folder(folder, store=store, observers=OBSERVERS)
    noon, night = str(folder / "noon.mp4"), str(folder / "deep" / "night.mp4")
    dotted = [str(folder / "deep" / ".." / "noon.mp4"), str(folder / "deep" / ".." / "deep" / "night.mp4")]
    store.tables.videos.update(where=f"path = '{noon}'", values={"path": dotted[0]})
    twice = store.tables.videos.search().where(f"path = '{night}'").to_arrow()
    store.tables.videos.add(twice.set_column(0, "path", [[dotted[1]]]))
    assert sorted(store.rows()) == sorted([*dotted, night])
    assert store.timeline(dotted[0]).path == dotted[0]

    report = index_folder(folder, store=store, observers=OBSERVERS)
    assert (report.renamed, report.removed, report.num_unchanged) == ([(dotted[0], noon)], [dotted[1]], 1)
    assert sorted(store.rows()) == sorted([noon, night])
    assert report.video_seconds == 0.0
    assert names(store, "bright") == ["noon.mp4"]


def test_a_copy_is_no_move(folder: Path, store: Store) -> None:
    index_folder(folder, store=store, observers=OBSERVERS)
    shutil.copy(folder / "noon.mp4", folder / "copy.mp4")
    report = index_folder(folder, store=store, observers=OBSERVERS)
    assert (len(report.added), report.renamed) == (1, [])


def test_one_bad_file_costs_nothing_but_itself(folder: Path, store: Store) -> None:
    (folder / "aaa.mp4").write_bytes(b"this is no video" * 99)
    (folder / "empty.mov").touch()
    report = index_folder(folder, store=store, observers=OBSERVERS)
    assert len(report.added) == 2
    assert sorted(Path(path).name for path in report.failed) == ["aaa.mp4", "empty.mov"]
    assert report.to_dict()["failed"]


def test_a_path_that_is_no_unicode_costs_nothing_but_itself(folder: Path, store: Store) -> None:
    first = next(folder.glob("*.mp4"))
    try:
        shutil.copy(first, folder / "caf\udce9.mp4")
    except OSError:
        pytest.skip("this disk takes only Unicode")
    report = index_folder(folder, store=store, num_processes=1)
    [(name, reason)] = report.failed.items()
    assert name.endswith("caf\ufffd.mp4")
    assert "rename it" in reason
    assert str(first) in report.added


def test_subtitles_beside_a_video_are_found(folder: Path, store: Store) -> None:
    (folder / "noon.srt").write_text("1\n00:00:00,200 --> 00:00:00,700\nWe meet again.\n")
    index_folder(folder, store=store, observers=OBSERVERS)
    match = store.find("meet")[0]
    assert (match.kind, match.start_seconds, match.end_seconds) == ("subtitle", 0.2, 0.7)


def test_lost_rows_are_written_again(folder: Path, store: Store) -> None:
    index_folder(folder, store=store, observers=OBSERVERS)
    store.tables.segments.delete("text = 'a bright picture'")
    report = index_folder(folder, store=store, observers=OBSERVERS)
    assert [Path(path).name for path in report.updated] == ["noon.mp4"]
    assert names(store, "bright") == ["noon.mp4"]


def test_progress_is_in_seconds_of_video(folder: Path, store: Store) -> None:
    seen: list[tuple[float, float]] = []
    index_folder(folder, store=store, observers=OBSERVERS, progress=lambda *both: seen.append(both))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == pytest.approx((2.0, 2.0))


def test_networks_are_loaded_once_for_all_videos(
    folder: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    crews: list[list[Observer]] = []

    def crew() -> list[Observer]:
        crews.append([ScenesObserver(), Brightness()])
        return crews[-1]

    monkeypatch.setattr(indexing, "observe_for_search", crew)
    assert len(index_folder(folder, store=store, num_processes=1).added) == 2
    assert len(crews) == 1
    assert names(store, "bright") == ["noon.mp4"]
    assert names(store, "dark") == ["night.mp4"]


def test_nothing_to_index(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(VideoOpenError, match="no such file or folder"):
        find_videos([tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(VideoOpenError, match="no video found"):
        find_videos([tmp_path / "empty"])
    with pytest.raises(OptionError, match="at least 1"):
        index_folder(folder, store=tmp_path / "store", num_processes=0)
    assert find_videos([folder, folder / "noon.mp4"]) == [folder / "noon.mp4", folder / "deep" / "night.mp4"]


KILLED = """
import sys, time
sys.path[:0] = {paths!r}
from muybridge.motion.scenes import ScenesObserver
from muybridge.pipeline import indexing
from muybridge.search import open_store
from search_store import LetterCounts
indexing.SECONDS_BETWEEN_COMMITS = 0.0
store = open_store({store!r}, embedder=LetterCounts())
def report(done, total):
    print(len(store.videos()), flush=True)
    time.sleep(0.02)
indexing.index_folder({folder!r}, store=store, observers=[ScenesObserver()], progress=report)
"""


def test_a_run_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    folder, place = tmp_path / "videos", tmp_path / "store"
    for number in range(4):
        write_gray(folder / f"{number}.mp4", 40 * number + 10, num_frames=60)
    tests = str(Path(__file__).parents[1])
    code = KILLED.format(paths=[tests], store=str(place), folder=str(folder))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        try:
            # While the third of four is being watched.
            stored = next(int(line) for line in run.stdout if int(line) >= 2)
        finally:
            run.kill()
    after = open_store(place, embedder=LetterCounts())
    assert len(after) >= stored
    assert after.incomplete() == []
    report = index_folder(folder, store=after, observers=[ScenesObserver()])
    assert report.num_unchanged >= stored
    assert report.num_unchanged + len(report.added) == 4
    assert after.incomplete() == []
    assert len(after.timeline(folder / "3.mp4").of("shot")) == 1


@pytest.mark.slow
def test_several_at_a_time_find_the_same(tmp_path: Path, folder: Path, store: Store) -> None:
    alone = open_store(tmp_path / "alone", embedder=LetterCounts())
    (folder / "bad.mp4").write_bytes(b"no video")
    reports = [index_folder(folder, store=one, num_processes=n) for one, n in ((store, 2), (alone, 1))]
    assert reports[0].to_dict() == reports[1].to_dict()
    for path in (folder / "noon.mp4", folder / "deep" / "night.mp4"):
        assert store.timeline(path) == alone.timeline(path)


@pytest.mark.slow
def test_a_process_that_dies_is_made_up_for(folder: Path, store: Store) -> None:
    killed: list[int] = []

    def kill_one() -> None:
        while not killed:
            for child in multiprocessing.active_children():
                if child.pid is not None:
                    killed.append(child.pid)
                    os.kill(child.pid, signal.SIGKILL)
                    return
            time.sleep(0.01)

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    report = index_folder(folder, store=store, num_processes=2)
    killer.join()
    assert killed
    assert (len(report.added), report.failed) == (2, {})
