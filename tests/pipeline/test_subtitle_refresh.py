"""Subtitles that come, change, go or move after a video was indexed: found as if it were indexed anew, unwatched."""

import os
import shutil
from pathlib import Path

import pytest

from muybridge.motion.scenes import ScenesObserver
from muybridge.observer import Observer
from muybridge.pipeline import subtitle_refresh
from muybridge.pipeline.indexing import IndexReport, index_folder
from muybridge.pipeline.subtitle_refresh import SubtitleStates
from muybridge.search import FileState, LooksObserver, Store, open_store
from muybridge.search.tables import ensure_subtitles_column
from muybridge.values import Segment, Timeline, VideoMetadata
from search_store import LetterCounts, timeline


@pytest.fixture
def talk(sample_video: Path, tmp_path: Path) -> Path:
    (tmp_path / "videos").mkdir()
    return Path(shutil.copy(sample_video, tmp_path / "videos" / "talk.mp4"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store", embedder=LetterCounts())


def say(file: Path, words: str) -> None:
    file.write_text(f"1\n00:00:00,500 --> 00:00:01,500\n{words}\n")


def index(folder: Path, store: Store) -> IndexReport:
    observers: list[Observer] = [ScenesObserver(), LooksObserver()]
    return index_folder(folder, store=store, observers=observers)


def told(report: IndexReport) -> tuple[int, int, int, float]:
    return len(report.added), len(report.updated), report.num_unchanged, report.video_seconds


def labels(store: Store, query: str) -> list[str]:
    return [match.label for match in store.find(query, by="words", kinds=["subtitle"])]


def test_what_is_new_corrected_and_gone(talk: Path, store: Store, tmp_path: Path) -> None:
    assert told(index(talk.parent, store)) == (1, 0, 0, pytest.approx(2.0))
    say(talk.with_suffix(".srt"), "We left the harbor.")
    assert told(index(talk.parent, store)) == (0, 1, 0, 0.0)
    assert labels(store, "harbor") == ["We left the harbor."]

    say(talk.with_suffix(".srt"), "We left the harvest.")
    say(talk.with_suffix(".de.vtt"), "Wir fuhren los.")
    assert told(index(talk.parent, store)) == (0, 1, 0, 0.0)
    assert (labels(store, "harbor"), labels(store, "harvest")) == ([], ["We left the harvest."])
    assert labels(store, "fuhren") == ["Wir fuhren los."]
    anew = open_store(tmp_path / "anew", embedder=LetterCounts())
    index(talk.parent, anew)
    assert store.timeline(talk) == anew.timeline(talk)
    assert store.rows()[str(talk)].subtitles == anew.rows()[str(talk)].subtitles

    talk.with_suffix(".srt").unlink()
    talk.with_suffix(".de.vtt").unlink()
    assert told(index(talk.parent, store)) == (0, 1, 0, 0.0)
    assert labels(store, "harvest") == labels(store, "fuhren") == []
    assert told(index(talk.parent, store)) == (0, 0, 1, 0.0)
    assert store.incomplete() == []


def test_the_looks_stay_to_the_bit(talk: Path, store: Store) -> None:
    index(talk.parent, store)
    columns = ["start_seconds", "end_seconds", "appearance", "seconds", "fingerprints", "is_plain"]

    def looks() -> list[dict[str, object]]:
        return list(store.tables.looks.search().select(columns).to_list())

    before = looks()
    assert len(before) == 1
    say(talk.with_suffix(".srt"), "We left the harbor.")
    index(talk.parent, store)
    assert looks() == before
    assert store.find_like(talk)[0].label == "the clip itself"


def test_only_the_folder_is_looked_at_where_nothing_changed(
    talk: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(talk.with_suffix(".srt"), "We left the harbor.")
    index(talk.parent, store)
    read: list[str] = []
    right = subtitle_refresh.read_subtitles
    monkeypatch.setattr(subtitle_refresh, "read_subtitles", lambda path: read.append(path) or right(path))
    assert told(index(talk.parent, store)) == (0, 0, 1, 0.0)
    assert read == []
    os.utime(talk.with_suffix(".srt"), (1e9, 1e9))  # the same words with another date: read once
    for _ in range(2):
        assert told(index(talk.parent, store)) == (0, 0, 1, 0.0)
    assert read == [str(talk)]


def test_a_store_of_a_version_that_noted_no_subtitles_goes_on(
    talk: Path, store: Store, tmp_path: Path
) -> None:
    index(talk.parent, store)
    store.tables.videos.drop_columns(["subtitles"])
    old = open_store(tmp_path / "store", embedder=LetterCounts())
    assert old.rows()[str(talk)].subtitles is None
    assert labels(old, "harbor") == []
    say(talk.with_suffix(".srt"), "We left the harbor.")
    assert told(index(talk.parent, old)) == (0, 1, 0, 0.0)
    assert labels(old, "harbor") == ["We left the harbor."]

    old.tables.videos.drop_columns(["subtitles"])
    assert told(index(talk.parent, old)) == (0, 0, 1, 0.0)
    assert old.rows()[str(talk)].subtitles == SubtitleStates().of(talk)
    # Versions that know no such column write none; they and the one before find the same.
    for one in (store, old):
        assert labels(one, "harbor") == ["We left the harbor."]


def test_of_two_writers_that_make_the_column_one_does(store: Store, tmp_path: Path) -> None:
    store.tables.videos.drop_columns(["subtitles"])
    other = open_store(tmp_path / "store", embedder=LetterCounts())
    store.add(timeline("/a.mp4", "alpha"), file=FileState(1, 2, "abc", "[]"))
    ensure_subtitles_column(other.uri, other.tables.videos)
    other.add(timeline("/b.mp4", "beta"), file=FileState(1, 2, "abc", "[]"))
    assert {path: row.subtitles for path, row in store.rows().items()} == {"/a.mp4": "[]", "/b.mp4": "[]"}


def test_subtitles_that_move_with_their_video_keep_counting(talk: Path, store: Store) -> None:
    say(talk.with_suffix(".srt"), "We left the harbor.")
    index(talk.parent, store)
    speech = talk.rename(talk.with_name("speech.mp4"))
    talk.with_suffix(".srt").rename(speech.with_suffix(".srt"))
    report = index(talk.parent, store)
    assert (report.renamed, told(report)) == ([(str(talk), str(speech))], (0, 1, 0, 0.0))
    (line,) = store.timeline(speech).of("subtitle")
    assert (line.label, line.attributes["source"]) == ("We left the harbor.", "speech.srt")
    left = speech.rename(talk)  # now they stay behind
    assert len(index(talk.parent, store).renamed) == 1
    assert store.timeline(left).of("subtitle") == []


def test_subtitles_that_were_added_by_hand_stay(talk: Path, store: Store) -> None:
    heard = Segment(0.0, 1.0, "subtitle", "what a recognizer heard")
    store.add(Timeline(VideoMetadata(str(talk), duration_seconds=2.0), (heard,)))
    assert told(index(talk.parent, store)) == (0, 0, 1, 0.0)
    assert labels(store, "recognizer") == ["what a recognizer heard"]


def test_a_video_that_cannot_be_read_any_more_is_named(
    talk: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(talk.parent, store)
    say(talk.with_suffix(".srt"), "We left the harbor.")

    def fail(path: str) -> list[Segment]:
        raise PermissionError(f"{path} may not be read")

    with monkeypatch.context() as broken:
        broken.setattr(subtitle_refresh, "read_subtitles", fail)
        report = index(talk.parent, store)
    assert (report.failed, told(report)) == ({str(talk): f"{talk} may not be read"}, (0, 0, 0, 0.0))
    assert told(index(talk.parent, store)) == (0, 1, 0, 0.0)
