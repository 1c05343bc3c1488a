"""Names of videos that lead nowhere else."""

from pathlib import Path

import pytest

from muybridge.errors import VideoOpenError
from muybridge.server.library import Library


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "videos"
    for name in ("b.mp4", "A.MKV", "inner/c.webm", "notes.txt", ".hidden.mp4", ".git/d.mp4"):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return root


def test_videos_are_listed_by_their_place_in_the_folder(folder: Path) -> None:
    videos = Library(folder).videos()
    assert [video.title for video in videos] == ["A.MKV", "b.mp4", "inner/c.webm"]
    assert len({video.key for video in videos}) == 3
    assert "path" not in videos[0].to_dict()


def test_a_link_that_leads_out_is_not_listed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").write_bytes(b"x")
    (folder / "out.mp4").symlink_to(tmp_path / "secret.mp4")
    (folder / "in.mp4").symlink_to(folder / "b.mp4")
    (folder / "up").symlink_to(tmp_path, target_is_directory=True)
    (folder / "itself.mp4").symlink_to(folder / "itself.mp4")
    (folder / "nowhere.mp4").symlink_to(folder / "gone.mp4")
    assert [video.title for video in Library(folder).videos()] == ["A.MKV", "b.mp4", "in.mp4", "inner/c.webm"]


def test_a_folder_that_becomes_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    library = Library(folder)
    [video] = [video for video in library.videos() if video.title == "inner/c.webm"]
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "c.webm").write_bytes(b"secret")
    (folder / "inner").rename(folder / "moved")
    (folder / "inner").symlink_to(tmp_path / "outside", target_is_directory=True)
    assert library.find(video.key) is None
    (folder / "inner").unlink()
    (folder / "inner").symlink_to(folder / "moved", target_is_directory=True)
    assert library.find(video.key) is None  # it is listed as what it is now


def test_what_comes_goes_or_changes_is_seen(folder: Path) -> None:
    library = Library(folder)
    first = library.videos()[1]
    assert library.find(first.key) == first
    first.path.write_bytes(b"longer")
    changed = library.find(first.key)
    assert changed is not None
    assert changed != first  # so that it is analyzed anew
    first.path.unlink()
    assert library.find(first.key) is None


@pytest.mark.parametrize("key", ["", "..", "b.mp4", "../secret.mp4", "%2e%2e", "0" * 16])
def test_no_name_spells_a_path(folder: Path, key: str) -> None:
    assert Library(folder).find(key) is None


def test_a_name_that_is_no_unicode_can_be_told(folder: Path) -> None:
    try:
        (folder / "caf\udce9.mp4").write_bytes(b"x")
    except OSError:
        pytest.skip("this disk takes only Unicode")
    [video] = [video for video in Library(folder).videos() if video.title.startswith("caf")]
    assert video.title.encode("utf-8")
    assert Library(folder).find(video.key) == video


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(VideoOpenError, match="no such folder"):
        Library(tmp_path / "nowhere")


def test_the_folder_may_be_named_through_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    assert Library(tmp_path / "link").videos() == Library(folder).videos()
