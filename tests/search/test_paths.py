"""How a store names a video, and which videos a path, a folder or a pattern means."""

from pathlib import Path

import pytest

from muybridge.search.paths import PathPattern, key_of


def test_one_file_has_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "films" / "cats").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "films")
    name = str(tmp_path / "films" / "tom.mp4")
    for path in (
        "tom.mp4",
        "./tom.mp4",
        "../films/tom.mp4",
        "cats/../tom.mp4",
        tmp_path / "films/cats/../tom.mp4",
    ):
        assert key_of(path) == name
    assert key_of("s3://films/../tom.mp4") == "s3://films/../tom.mp4"


def test_behind_a_link_the_name_leads_to_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "far" / "inner").mkdir(parents=True)
    (tmp_path / "far" / "tom.mp4").write_bytes(b"the one meant")
    (tmp_path / "tom.mp4").write_bytes(b"another one")
    (tmp_path / "link").symlink_to(tmp_path / "far" / "inner")
    assert Path(key_of(tmp_path / "link/../tom.mp4")).read_bytes() == b"the one meant"
    # Where there is no `..`, a link keeps its name.
    assert key_of(tmp_path / "link" / "x.mp4") == str(tmp_path / "link" / "x.mp4")


@pytest.mark.parametrize(
    ("pattern", "takes"),
    [
        ("matches/*", True),
        ("./matches/*.mp4", True),
        ("../[[]2024] games/matches/*", True),
        ("../*/matches/final.*", True),
        ("matches", True),
        ("../*/matches", False),
        ("match/*", False),
        ("other/../matches/*.mkv", False),
        ("final.*", True),
        ("*/matches/*", True),
        ("/matches/*", False),
    ],
)
def test_patterns_are_meant_from_here(
    pattern: str, takes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "[2024] games"  # whose brackets are no pattern
    here.mkdir()
    monkeypatch.chdir(here)
    assert PathPattern(pattern).takes(str(here / "matches" / "final.mp4")) is takes
