"""Movements: what goes the other way is no match, whatever its word vector says."""

from collections.abc import Callable

import pytest

from muybridge.search import Store
from muybridge.search.directions import contradicts, directions_of
from search_store import timeline

CAMERA = (
    "camera zooms out",
    "camera zooms in",
    "camera pans left, zooms out",
    "camera static",
    "camera pans right",
)


@pytest.fixture
def films(store: Store) -> Store:
    store.add(timeline("film.mp4", *CAMERA, kind="camera"))
    store.add(timeline("signs.mp4", "COME IN", "ZOOM OUT NOW", kind="text"))
    return store


@pytest.mark.parametrize(
    ("query", "best", "absent"),
    [
        (
            "camera zooms in",
            "camera zooms in",
            {"camera zooms out", "camera pans left, zooms out", "COME IN"},
        ),
        ("Zooming slowly OUT", "camera zooms out", {"camera zooms in"}),
        ("the camera pans left", "camera pans left, zooms out", {"camera pans right"}),
        ("zoom in and out", "camera zooms out", set()),
    ],
)
def test_the_direction_counts(films: Store, query: str, best: str, absent: set[str]) -> None:
    for by in ("both", "words"):
        found = [match.label for match in films.find(query, by=by)]  # type: ignore[arg-type]
        assert best in found[:2]
        assert not absent & set(found)
    camera = films.find(query, kinds=["camera"])
    assert best in [match.label for match in camera][: 2 if "and" in query else 1]


def test_among_many_that_go_the_other_way_it_is_found(new_store: Callable[[], Store]) -> None:
    store = new_store()
    store.add(timeline("out.mp4", *["camera zooms out"] * 300, kind="camera"))
    store.add(timeline("in.mp4", "camera zooms in", kind="camera"))
    found = store.find("camera zooms in", by="words", limit=5)
    assert [match.label for match in found] == ["camera zooms in"]


def test_only_camera_and_objects_are_left_out(films: Store) -> None:
    assert "ZOOM OUT NOW" in [match.label for match in films.find("zoom in")]


@pytest.mark.parametrize(
    ("query", "label", "expected"),
    [
        ("something moves left", "something moves right", True),
        ("moves upwards", "something moves down", True),
        ("camera rolls counter-clockwise", "camera rolls clockwise", True),
        ("camera rolls clockwise", "camera rolls clockwise", False),
        ("camera pans left and zooms in", "camera pans left, zooms out", False),  # half of it is so
        ("she left in a hurry", "something moves right", False),
        ("the right answer", "camera pans left", False),
        ("camera", "camera pans left", False),
    ],
)
def test_what_contradicts(query: str, label: str, expected: bool) -> None:
    assert contradicts(label, directions_of(query)) is expected
