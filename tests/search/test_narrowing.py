"""How a filter is applied: the answer never depends on it, only the time."""

import numpy as np
import pytest

from muybridge import Segment, Timeline, VideoMetadata
from muybridge.search import Store
from muybridge.search.filters import Filters
from muybridge.search.narrowing import Sample, draw_sample, narrow


def rows(num: int) -> list[dict[str, object]]:
    """Seconds 0, 1, … of one video, one in ten of kind camera."""
    return [
        {
            "record": 1,
            "start_seconds": float(n),
            "end_seconds": n + 1.0,
            "kind": "text" if n % 10 else "camera",
            "score": 0.9 if n % 2 else None,
        }
        for n in range(num)
    ]


def divided(filters: Filters, sample: Sample) -> tuple[list[str], list[str]]:
    found = narrow(filters.conditions([1]), sample)
    return [condition.sql for condition in found.asked], [condition.sql for condition in found.checked]


def test_the_store_is_asked_for_what_takes_few_rows() -> None:
    sample = Sample(rows(1000), 1_000_000)
    assert divided(Filters(start_seconds=100), sample) == ([], ["end_seconds > 100.0"])
    assert divided(Filters(start_seconds=900), sample) == (["end_seconds > 900.0"], [])
    assert divided(Filters(kinds=("camera",), start_seconds=100), sample) == (
        ["kind IN ('camera')"],
        ["end_seconds > 100.0"],
    )
    # Each takes more than half, both together a tenth.
    middle = Filters(start_seconds=450, end_seconds=550)
    assert divided(middle, sample) == (["end_seconds > 450.0", "start_seconds < 550.0"], [])
    found = narrow(middle.conditions([1]), sample)
    assert found.num_left == 100_000
    assert found.num_wanted(100) == 100


def test_a_window_is_one_stretch_of_an_index() -> None:
    sample, middle = Sample(rows(1000), 1_000_000), Filters(start_seconds=450, end_seconds=550)
    found = narrow(middle.conditions([1], longest_seconds=8.0), sample)
    (asked,), (checked,) = found.asked, found.checked
    assert asked.sql.startswith("start_seconds BETWEEN 441.999999 AND 549.99999")
    assert checked.sql == "end_seconds > 450.0"
    assert found.share == pytest.approx(100 / 108, abs=0.07)


@pytest.mark.parametrize("longest", [0.5, 3.0, 400.0])
def test_a_window_takes_what_overlaps_it_however_long(store: Store, longest: float) -> None:
    chance = np.random.default_rng(5)
    starts = chance.uniform(0, 300, 200)
    lengths = np.append(chance.uniform(0, 0.4, 199), longest)
    times = [(float(s), float(s + d)) for s, d in zip(starts, lengths, strict=True)]
    store.add(Timeline(VideoMetadata("/a.mp4"), tuple(Segment(s, e, "text", "alpha") for s, e in times)))
    assert longest <= store.longest_seconds() <= 2 * max(longest, 1.0)
    for begin, end in (
        (50.0, 52.0),
        (starts[3], starts[3] + 1e-9),
        (120.0, 120.0 + lengths[7]),
        (0.0, 300.0),
    ):
        found = store.find("alpha", start_seconds=begin, end_seconds=end, by="words", limit=200)
        expected = [(s, e) for s, e in times if e > begin and s < end]
        assert sorted((m.start_seconds, m.end_seconds) for m in found) == sorted(expected)


def test_what_is_longest_is_known_anew_when_the_table_has_changed(store: Store) -> None:
    store.add(Timeline(VideoMetadata("/a.mp4"), (Segment(0, 3, "text", "a"),)))
    assert store.longest_seconds() == 3.0
    store.add(Timeline(VideoMetadata("/b.mp4"), (Segment(0, 50, "text", "b"),)))
    assert store.longest_seconds() >= 50.0


def test_what_is_wanted_is_enough_for_what_is_left_out() -> None:
    sample = Sample(rows(1000), 1_000_000)
    found = narrow(Filters(start_seconds=300).conditions([1]), sample)
    wanted = found.num_wanted(100)
    assert sum(map(found.takes, rows(1000)[:: 1000 // wanted])) >= 100
    assert wanted < 200


def test_a_score_of_32_bits_is_what_it_was_given_as() -> None:
    (score,) = Filters(min_score=0.9).conditions([1])
    row = {"score": float(np.float32(0.9))}
    assert score.takes(row)
    assert not score.takes({"score": 0.8999})
    assert not score.takes({"score": None})


def test_a_sample_is_drawn_anew_when_the_table_has_grown(store: Store) -> None:
    assert store.sample().rows == ()
    store.add(Timeline(VideoMetadata("/a.mp4"), tuple(Segment(n, n + 1, "text", "a") for n in range(8))))
    first = store.sample()
    assert sorted(row["start_seconds"] for row in first.rows) == list(range(8))
    store.add(Timeline(VideoMetadata("/b.mp4"), (Segment(0, 1, "text", "b"),)))
    assert store.sample() is first
    store.add(Timeline(VideoMetadata("/c.mp4"), tuple(Segment(n, n + 1, "text", "c") for n in range(8))))
    assert len(store.sample().rows) == 17


def test_a_sample_has_places_that_exist_only(store: Store) -> None:
    store.add(Timeline(VideoMetadata("/a.mp4"), tuple(Segment(n, n + 1, "text", "a") for n in range(8))))
    # Another process has removed rows since they were counted.
    assert len(draw_sample(store.tables.segments, 20).rows) == 8


@pytest.mark.parametrize("by", ["words", "meaning", "both"])
def test_a_filter_that_takes_most_rows_but_none_of_the_best(store: Store, by: str) -> None:
    best = [Segment(n, n + 1, "camera", "alpha") for n in range(300)]
    later = [Segment(n, n + 1, "text", "alpha alphae") for n in range(300, 340)]
    others = [Segment(n, n + 1, "text", "zzz") for n in range(340, 1200)]
    store.add(Timeline(VideoMetadata("/a.mp4", duration_seconds=1200.0), (*best, *later, *others)))
    filters = Filters(kinds=("text",))
    assert narrow(filters.conditions([1]), store.sample()).checked
    found = store.find("alpha", kinds=["text"], by=by, limit=40)  # type: ignore[arg-type]
    assert {match.start_seconds for match in found} == set(range(300, 340))


def test_scores_have_an_index(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    segments = tuple(Segment(n, n + 1, "text", f"alpha {n}", n / 600) for n in range(600))
    store.add(Timeline(VideoMetadata("/a.mp4", duration_seconds=600.0), segments))
    before = store.find("alpha", min_score=0.95, by="words", limit=50)
    monkeypatch.setattr("muybridge.search.store.ROWS_WORTH_AN_INDEX", 500)
    store.optimize()
    assert any("score" in index.columns for index in store.tables.segments.list_indices())
    after = store.find("alpha", min_score=0.95, by="words", limit=50)
    assert (
        {match.start_seconds for match in after} == {m.start_seconds for m in before} == set(range(570, 600))
    )
