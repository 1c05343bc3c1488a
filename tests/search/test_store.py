"""The store: what is added is found, what is replaced or removed is not, and what is damaged is said."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from muybridge.errors import OptionError, StoreError
from muybridge.search import Store, open_store
from muybridge.search.tables import FileState
from muybridge.values import Segment, Signal, Timeline, VideoMetadata
from search_store import LetterCounts, timeline


def labels(store: Store, query: str, **options: object) -> list[str]:
    return [match.label for match in store.find(query, **options)]  # type: ignore[arg-type]


def test_a_match_says_where_when_and_why(store: Store) -> None:
    store.add(timeline("/films/trip.mp4", "WELCOME TO PARIS", "the train leaves"))
    match = store.find("paris")[0]
    assert (match.path, match.start_seconds, match.end_seconds) == ("/films/trip.mp4", 0.0, 2.0)
    assert (match.kind, match.label, match.score) == ("text", "WELCOME TO PARIS", 0.5)
    assert match.why == "words: paris"
    assert not match.is_there
    assert match.to_dict()["path"] == "/films/trip.mp4"


def test_words_are_found_in_other_forms_and_scripts(store: Store) -> None:
    store.add(
        timeline("a.mp4", "a man waves", "空间里面他绝对赢不了的", "Красная площадь", "CAFÉ", "مرحبا بالعالم")
    )
    assert labels(store, "waving", by="words") == ["a man waves"]
    assert labels(store, "空间") == ["空间里面他绝对赢不了的"]
    assert labels(store, "красная") == ["Красная площадь"]
    assert labels(store, "cafe", by="words") == ["CAFÉ"]
    assert labels(store, "بالعالم") == ["مرحبا بالعالم"]
    assert labels(store, "ꦲꦤꦕ") == []


def test_a_letter_that_was_misread_is_forgiven_where_nothing_is_exact(store: Store) -> None:
    store.add(timeline("a.mp4", "HELL0 WORLD", "ROOM 204"))
    store.optimize()
    match = store.find("hello", by="words")[0]
    assert (match.label, match.why) == ("HELL0 WORLD", "words, nearly")
    assert labels(store, "205") == []


def test_common_words_alone_match_nothing_else(store: Store) -> None:
    store.add(timeline("a.mp4", "the end", "to be or not to be"))
    assert labels(store, "the xylophone", by="words") == []
    assert labels(store, "to be", by="words") == ["to be or not to be"]


def test_meaning_is_found_and_fused(store: Store) -> None:
    store.add(timeline("a.mp4", "listen", "silent", "a silent dog barks far away at the moon"))
    by_meaning = store.find("silent", by="meaning")
    assert {match.label for match in by_meaning} == {"listen", "silent"}
    assert by_meaning[0].similarity == pytest.approx(1.0)
    # What both ways find is first; what one way finds is there.
    fused = labels(store, "silent")
    assert fused[0] == "silent"
    assert set(fused) == {"listen", "silent", "a silent dog barks far away at the moon"}


def test_file_names_are_found(store: Store) -> None:
    store.add(timeline("/x/Holiday_beach-2024.mp4", "waves"))
    match = store.find("beach holiday")[0]
    assert (match.kind, match.why, match.end_seconds) == ("video", "file name", 60.0)
    assert labels(store, "holiday", kinds=["text"]) == []


def test_a_file_name_is_no_match_outside_of_the_time_asked_for(store: Store) -> None:
    recording = timeline("/x/bikes.mp4", seconds=10.0)
    late = replace(
        recording, metadata=replace(recording.metadata, path="/x/late bikes.mp4", start_seconds=100.0)
    )
    store.add_all([(recording, None), (late, None)])  # from 0 to 10, and from 100 to 110

    def found(start: float | None, end: float | None) -> list[str]:
        return sorted(match.label for match in store.find("bikes", start_seconds=start, end_seconds=end))

    assert found(None, None) == ["bikes", "late bikes"]
    assert found(9.5, 12) == found(None, 100) == ["bikes"]
    assert found(100, 110) == found(10, None) == ["late bikes"]
    assert found(10, 100) == []


def test_filters(store: Store) -> None:
    store.add(timeline("/x/one.mp4", "alpha", "beta", "alpha"))
    store.add(timeline("/y/two.mp4", "alpha", kind="action"))
    assert len(store.find("alpha")) == 3
    assert [m.path for m in store.find("alpha", kinds=["action"])] == ["/y/two.mp4"]
    for pattern in ("/x", "/x/one.mp4", "*/one.mp4", "one.*"):
        assert {m.path for m in store.find("alpha", files=[pattern])} == {"/x/one.mp4"}
    assert store.find("alpha", files=["/z"]) == []
    assert [m.start_seconds for m in store.find("alpha", files=["/x"], start_seconds=3)] == [4.0]
    assert [m.start_seconds for m in store.find("alpha", files=["/x"], end_seconds=3)] == [0.0]
    assert store.find("alpha", min_score=0.6) == []
    assert len(store.find("alpha", limit=2)) == 2


def test_filters_find_what_is_not_among_the_best(store: Store) -> None:
    # Shorter texts rank higher, so the few that the filter takes come after hundreds that it does not.
    many = tuple(Segment(n, n + 1, "text", "alpha", 0.9) for n in range(600))
    few = tuple(Segment(n, n + 1, "camera", "alpha alphae", 0.4) for n in (700, 800))
    store.add(Timeline(VideoMetadata("/long.mp4", duration_seconds=900.0), many + few))
    for by in ("words", "meaning", "both"):
        found = store.find("alpha", kinds=["camera"], by=by)
        assert {match.start_seconds for match in found} == {700.0, 800.0}, by
    assert [m.start_seconds for m in store.find("alpha", kinds=["camera"], start_seconds=750)] == [800.0]
    late = store.find("alpha", start_seconds=590, min_score=0.5, limit=50)
    assert {match.start_seconds for match in late} == set(range(590, 600))
    assert len(store.find("alpha", end_seconds=300, limit=50)) == 50


def test_an_index_changes_nothing_but_speed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    words = random.choice(["alpha", "beta", "gamma", "delta", "kappa", "omega"], (600, 3))
    segments = tuple(
        Segment(n, n + 1, ("text", "camera")[n % 2], f"{' '.join(row)} {n}", 0.9)
        for n, row in enumerate(words)
    )
    store.add(Timeline(VideoMetadata("/long.mp4", duration_seconds=900.0), segments))

    def found() -> tuple[set[float], set[float]]:
        asked = {"kinds": ["camera"], "start_seconds": 200.0, "end_seconds": 230.0, "limit": 50}
        by_words = store.find("alpha beta", by="words", **asked)
        by_meaning = store.find("alpha beta gamma", by="meaning", kinds=["camera"], limit=50)
        return {match.start_seconds for match in by_words}, {match.start_seconds for match in by_meaning}

    before = found()
    assert before[0] == {n for n in range(201, 230, 2) if {"alpha", "beta"} & set(words[n])}
    assert before[1] >= {n for n in range(1, 600, 2) if {"alpha", "beta", "gamma"} == set(words[n])}
    monkeypatch.setattr("muybridge.search.store.ROWS_WORTH_AN_INDEX", 500)
    store.optimize()
    indexed = {name for index in store.tables.segments.list_indices() for name in index.columns}
    assert indexed == {"text", "vector", "record", "kind", "start_seconds", "end_seconds", "score"}
    assert found() == before


def test_quotes_and_operators_are_plain_text(store: Store) -> None:
    store.add(timeline("/it's/a 'film'.mp4", 'it\'s "quoted" OR (not)'))
    assert labels(store, "\"quoted' OR 1=1 --", by="words") == ['it\'s "quoted" OR (not)']
    assert len(store.find("quoted", files=["/it's"], kinds=["te'xt", "text"])) == 1
    store.rename("/it's/a 'film'.mp4", "/it's/b.mp4")
    store.remove("/it's/b.mp4")
    assert len(store) == 0


@pytest.mark.parametrize("query", ["", "   ", "\n\t"])
def test_an_empty_query_is_refused(store: Store, query: str) -> None:
    with pytest.raises(OptionError, match="query is empty"):
        store.find(query)


def test_bad_options_are_named(store: Store) -> None:
    for options in ({"limit": 0}, {"by": "magic"}, {"kinds": "text"}, {"start_seconds": float("nan")}):
        with pytest.raises(OptionError):
            store.find("x", **options)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="characters"):
        store.find("x" * 2000)
    for limit in (0, 10**12):
        with pytest.raises(OptionError, match="from 1 to"):
            store.find("x", limit=limit)
    for wrong in ({"min_score": 7.0}, {"start_seconds": 9.0, "end_seconds": 2.0}):
        with pytest.raises(OptionError, match="must"):
            store.find("x", **wrong)


def test_adding_again_replaces(store: Store) -> None:
    store.add(timeline("a.mp4", "old words"), file=FileState(1, 2, "abc"))
    store.add(timeline("a.mp4", "new things", "more"), file=FileState(3, 4, "def"))
    assert store.find("old", by="words") == []
    assert labels(store, "new", by="words") == ["new things"]
    video = store.videos()[0]
    assert (video.num_segments, video.size_bytes, video.content_hash) == (2, 3, "def")
    assert store.tables.segments.count_rows() == 2


def test_renaming_keeps_everything_and_removing_nothing(store: Store) -> None:
    store.add_all([(timeline("a.mp4", "alpha"), None), (timeline("b.mp4", "beta"), None)])
    store.rename("a.mp4", "sub/c.mp4")
    assert [Path(m.path).name for m in store.find("alpha")] == ["c.mp4"]
    with pytest.raises(OptionError, match="already"):
        store.rename("b.mp4", "sub/c.mp4")
    store.remove("sub/c.mp4")
    assert store.find("alpha", by="words") == []
    assert store.tables.segments.count_rows() == 1
    with pytest.raises(OptionError, match="muybridge index"):
        store.remove("sub/c.mp4")


def test_the_whole_timeline_is_kept(store: Store) -> None:
    whole = Timeline(
        VideoMetadata("/a.mp4", duration_seconds=9.0),
        (Segment(0, 9, "shot", "shot 1", None, {"transition": "cut"}), Segment(1, 2, "text", "Ünïcode")),
        (Signal("motion", np.array([0.0, 1.0]), np.array([0.5, 0.25])),),
        warnings=("a stretch was damaged",),
    )
    store.add(whole)
    assert store.timeline("/a.mp4") == whole
    assert labels(store, "shot") == []  # numbers of shots say nothing


def test_a_store_is_there_when_it_is_opened_again(new_store: Callable[[], Store]) -> None:
    new_store().add(timeline("a.mp4", "alpha"))
    assert len(new_store().find("alpha")) == 1


def test_another_writer_is_seen_at_once(new_store: Callable[[], Store]) -> None:
    one, other = new_store(), new_store()
    one.add(timeline("a.mp4", "alpha"))
    assert len(other.find("alpha")) == 1
    other.add(timeline("a.mp4", "beta"))
    assert one.find("alpha", by="words") == []
    assert len(one.find("beta")) == 1


def test_a_video_of_eight_hours(store: Store) -> None:
    kinds = [f"camera pans {'left' if i % 2 else 'right'}" for i in range(28_000)]
    kinds[27_990] = "GOAL BY PLAYER SEVEN"
    segments = tuple(Segment(i * 1.02, i * 1.02 + 1, "camera", label, 0.9) for i, label in enumerate(kinds))
    store.add(Timeline(VideoMetadata("match.mp4", duration_seconds=28_800.0), segments))
    found = store.find("goal", kinds=["camera"], start_seconds=8 * 3000)
    assert found[0].start_seconds == pytest.approx(27_990 * 1.02)
    assert store.videos()[0].num_segments == 28_000


def test_rows_without_a_line_in_videos_are_invisible_and_cleared(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(timeline("a.mp4", "alpha"))
    # A writer that is killed after the rows and before the commit leaves just this.
    store._write_segments({"x": 5}, {"x": list(timeline("x", "alpha", "alpha").segments)})
    assert len(store.find("alpha")) == 1
    assert store.incomplete() == []
    store.optimize()
    assert store.tables.segments.count_rows() == 1


def test_what_a_writer_is_adding_now_is_left_alone(store: Store) -> None:
    from muybridge.search.store import _new_record

    store._write_segments({"x": _new_record()}, {"x": list(timeline("x", "alpha").segments)})
    store.optimize()
    assert store.tables.segments.count_rows() == 1


def test_lost_rows_are_noticed(store: Store) -> None:
    store.add_all([(timeline("/a.mp4", "alpha", "beta"), None), (timeline("/b.mp4", "gamma"), None)])
    store.tables.segments.delete("text = 'beta'")
    assert store.incomplete() == ["/a.mp4"]


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="muybridge index FOLDER"):
        open_store(tmp_path / "none", create=False)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("John")
    with pytest.raises(OptionError, match="holds other files"):
        open_store(tmp_path / "letters")
    with pytest.raises(OptionError, match="is a file"):
        open_store(tmp_path / "letters" / "dear.txt")


def test_a_store_of_a_newer_version(new_store: Callable[[], Store], tmp_path: Path) -> None:
    import lancedb

    new_store().add(timeline("a.mp4", "alpha"))
    lancedb.connect(tmp_path / "store").open_table("format").update(values={"version": 99})
    with pytest.raises(StoreError, match=r"newer version \(format 99.*pip install --upgrade"):
        open_store(tmp_path / "store")


def test_vectors_of_another_embedder_are_refused(new_store: Callable[[], Store], tmp_path: Path) -> None:
    new_store()
    with pytest.raises(StoreError, match="letter counts"):
        open_store(tmp_path / "store", embedder="words")


def remove_versions(root: Path) -> None:
    shutil.rmtree(root / "segments.lance" / "_versions")


def cut_data(root: Path) -> None:
    for file in (root / "segments.lance" / "data").iterdir():
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def scramble_manifest(root: Path) -> None:
    for file in (root / "videos.lance" / "_versions").iterdir():
        file.write_bytes(b"\x00" * file.stat().st_size)


def remove_format(root: Path) -> None:
    shutil.rmtree(root / "format.lance")


def remove_videos(root: Path) -> None:
    shutil.rmtree(root / "videos.lance")


def remove_data(root: Path) -> None:
    shutil.rmtree(root / "segments.lance" / "data")


@pytest.mark.parametrize(
    "damage", [remove_versions, cut_data, scramble_manifest, remove_format, remove_videos, remove_data]
)
def test_a_damaged_store_is_said_and_built_anew(
    damage: Callable[[Path], None], new_store: Callable[[], Store], tmp_path: Path
) -> None:
    new_store().add(timeline("a.mp4", "alpha"))
    damage(tmp_path / "store")
    with pytest.raises(StoreError, match="--rebuild"):
        open_store(tmp_path / "store").find("alpha")
    again = open_store(tmp_path / "store", rebuild=True, embedder=LetterCounts())
    again.add(timeline("a.mp4", "alpha"))
    assert len(again.find("alpha")) == 1


def test_looks_may_be_many_and_none(store: Store) -> None:
    empty = timeline("a.mp4")
    store.add(empty)
    assert store.videos()[0].num_segments == 0
    store.add(replace(empty, segments=(Segment(0, 1, "text", "   "),)))
    assert store.find("anything") == []
