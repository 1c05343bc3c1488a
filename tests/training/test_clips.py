"""Clips: what a test sees is what `classify` sees, the cache gives the same pixels, and what is damaged is named."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from muybridge.actions.views import read_views
from muybridge.errors import DatasetError, DatasetWarning, OptionError, VideoError
from muybridge.models.weights import Weights
from muybridge.training.annotations import read_folder
from muybridge.training.augmentation import Augmentation
from muybridge.training.check import check_videos
from muybridge.training.clip_cache import ClipCache, StoredFrames
from muybridge.training.clips import ClipDataset
from muybridge.training.data_identity import data_changes, data_identity
from muybridge.training.videos import VideoItem, VideoList
from muybridge.video.reader import open_video

RECORD = Weights("mine", num_frames=6, frames_per_second=8.0, size_px=32, resize_px=40)


def one(path: Path, **options: object) -> VideoList:
    return VideoList((VideoItem(path, "x", **options),), ("x",))  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [8.0, None])
@pytest.mark.parametrize("closest_zoom", [1.0, 2.0])
@pytest.mark.parametrize(("num_clips", "num_crops"), [(1, 1), (3, 3)])
def test_a_test_sees_what_classify_sees(
    sample_video: Path,
    tmp_path: Path,
    rate: float | None,
    closest_zoom: float,
    num_clips: int,
    num_crops: int,
) -> None:
    record = Weights(
        "mine",
        num_frames=6,
        frames_per_second=rate,
        stride=2,
        size_px=32,
        resize_px=40,
        closest_zoom=closest_zoom,
    )
    expected = read_views(sample_video, record, num_clips=num_clips, num_crops=num_crops)
    for cache in (None, ClipCache(tmp_path / "c")):
        dataset = ClipDataset(one(sample_video), record, cache=cache)
        for _ in range(2):  # the second time from the cache
            assert np.array_equal(dataset.views(0, num_clips=num_clips, num_crops=num_crops), expected)


@pytest.mark.parametrize("rate", [10.0, None])
def test_of_a_short_video_the_last_frame_stays_for_all(
    write_video, tmp_path: Path, rate: float | None
) -> None:  # type: ignore[no-untyped-def]
    """Eight frames, every third one is looked at: 0, 3 and 6, then the video is over."""
    path = write_video(tmp_path / "short.mp4", num_frames=8)
    record = Weights("mine", num_frames=6, frames_per_second=rate, stride=3, size_px=32, resize_px=40)
    with open_video(path) as video:
        assert len(video) == 8
        expected = video.frames_at(indices=[0, 3, 6, 7, 7, 7], size_px=(53, 40), resize="squash").pixels
    named = read_views(path, record, num_clips=1)[0]
    assert np.array_equal(named, expected[:, 4:36, 10:42])
    for num_clips in (1, 3):
        views = ClipDataset(one(path), record).views(0, num_clips=num_clips)
        assert np.array_equal(views, np.stack([named] * num_clips))


def test_a_dataset_is_known_again_where_its_folder_moved(tmp_path: Path) -> None:
    for folder, size in (("a", 5), ("b", 5), ("c", 6)):
        for label in ("left", "right"):
            file = tmp_path / folder / label / "1.mp4"
            file.parent.mkdir(parents=True)
            file.write_bytes(b"x" * (size if label == "right" else 5))

    def identity(folder: str, **options: object) -> dict[str, object]:
        augmentation = Augmentation(mirror=0.2)
        return data_identity(
            ClipDataset(
                read_folder(tmp_path / folder),
                RECORD,
                **{"augmentation": augmentation, **options},  # type: ignore[arg-type]
            )
        )

    first = identity("a")
    assert data_changes(identity("b"), first) == []
    assert data_changes(identity("c"), first) == ["the items are others"]
    calmer = identity("a", augmentation=Augmentation(mirror=0.1))
    assert len(data_changes(calmer, first)) == 1
    assert data_changes(calmer, first)[0].startswith("augmentation was {")
    assert data_changes(identity("a", mirror={"left": "left"}), first) == [
        "mirror was {'left': 'right', 'right': 'left'}, is {'left': 'left', 'right': 'left'}"
    ]


def test_the_cache_changes_no_pixel(sample_video: Path, tmp_path: Path) -> None:
    plain = ClipDataset(one(sample_video), RECORD, augmentation=Augmentation())
    cached = ClipDataset(
        one(sample_video), RECORD, augmentation=Augmentation(), cache=ClipCache(tmp_path / "c")
    )
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        expected = plain[0][0]
        torch.manual_seed(seed)
        assert torch.equal(cached[0][0], expected)
    assert not torch.equal(plain[0][0], plain[0][0])


def test_a_stretch_of_a_video(sample_video: Path, tmp_path: Path) -> None:
    item = one(sample_video, start_seconds=0.5, end_seconds=1.0)
    for cache in (None, ClipCache(tmp_path / "c")):
        dataset = ClipDataset(item, RECORD, cache=cache)
        whole = ClipDataset(
            one(sample_video), Weights("w", num_frames=20, stride=1, size_px=32, resize_px=40)
        )
        frames = whole.views(0)[0]
        seen = dataset.views(0)[0]
        assert all(any(np.array_equal(frame, frames[place]) for place in range(5, 10)) for frame in seen)
        assert dataset.prepare(0) == ()
    with pytest.raises(VideoError, match=r"no frame is shown from 7\.00 s"):
        ClipDataset(one(sample_video, start_seconds=7.0), RECORD)[0]


def test_mirrored_clips_change_their_class(moving: Path) -> None:
    videos = read_folder(moving)
    dataset = ClipDataset(videos, RECORD, augmentation=Augmentation(mirror=1.0))
    assert [dataset[index][1] for index in (0, 11)] == [1, 0]
    lonely = VideoList((VideoItem(videos.items[0].path, "slide left"),), ("slide left",))
    assert ClipDataset(lonely, RECORD, augmentation=Augmentation(mirror=1.0))[0][1] == 0
    renamed = VideoList((VideoItem(videos.items[0].path, "a"),), ("a", "b"))
    assert ClipDataset(renamed, RECORD, augmentation=Augmentation(mirror=1.0), mirror={"a": "b"})[0][1] == 1


def test_a_known_mask_lets_the_background_change(sample_video: Path, tmp_path: Path) -> None:
    from muybridge.video.writer import VideoWriter

    with VideoWriter(tmp_path / "mask.mp4", width=64, height=48, frames_per_second=10) as writer:
        for index in range(20):
            mask = np.zeros((48, 64, 3), np.uint8)
            mask[16:32, 2 * index : 2 * index + 16] = 255
            writer.write(mask)
    green = np.zeros((10, 10, 3), np.uint8)
    green[..., 1] = 200
    only = Augmentation(**{**vars_of(Augmentation.none()), "background": 1.0})
    videos = one(sample_video, mask_path=tmp_path / "mask.mp4")
    for cache in (None, ClipCache(tmp_path / "c")):
        dataset = ClipDataset(videos, RECORD, augmentation=only, cache=cache, backgrounds=[green])
        for _ in range(2):
            clip = dataset[0][0].float()
            is_green = (clip[1] > 150) & (clip[0] < 90) & (clip[2] < 90)
            is_square = (clip[0] > 180) & (clip[2] < 120)
            assert 0.6 < is_green.float().mean() < 0.95
            assert 0.05 < is_square.float().mean() < 0.3


def vars_of(augmentation: Augmentation) -> dict[str, object]:
    return {name: getattr(augmentation, name) for name in augmentation.__dataclass_fields__}


def test_the_cache_is_bounded_and_what_is_there_stays(moving: Path, tmp_path: Path) -> None:
    videos = read_folder(moving)
    frames = 16 * 40 * 53 * 3
    cache = ClipCache(tmp_path / "c", max_bytes=5 * (frames + 2000))
    dataset = ClipDataset(videos, RECORD, cache=cache)
    for _ in range(2):
        for index in range(len(dataset)):
            dataset[index]
            assert cache.num_bytes() <= cache.max_bytes
    kept = {path.name for path in (tmp_path / "c").iterdir()}
    assert len(kept) == 5
    assert all(cache.get(videos.items[index], RECORD) is not None for index in range(5))
    # Another run, later, for other sizes: files that it does not use make room.
    later = ClipCache(tmp_path / "c", max_bytes=5 * (frames + 2000))
    later.began += 1
    other = Weights("other", num_frames=4, size_px=24, resize_px=40)
    assert ClipDataset(videos, other, cache=later).prepare(7) == ()
    assert later.get(videos.items[7], other) is not None
    assert later.num_bytes() <= later.max_bytes


def test_the_cache_survives_damage_and_notices_changes(sample_video: Path, tmp_path: Path) -> None:
    path = shutil.copy(sample_video, tmp_path / "a.mp4")
    cache = ClipCache(tmp_path / "c")
    dataset = ClipDataset(one(Path(path)), RECORD, cache=cache)
    expected = dataset[0][0]
    file = next((tmp_path / "c").iterdir())
    whole = file.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"something else"):
        file.write_bytes(broken)
        assert torch.equal(dataset[0][0], expected)
        assert file.read_bytes() == whole
    stored = cache.get(dataset.videos.items[0], RECORD)
    assert isinstance(stored, StoredFrames)
    assert stored.pixels.shape == (20, 40, 53, 3)
    with Path(path).open("ab") as video:
        video.write(b"\0" * 9)
    assert cache.get(dataset.videos.items[0], RECORD) is None
    cache.clear()
    assert cache.num_bytes() == 0
    with pytest.raises(OptionError, match="max_bytes is 0"):
        ClipCache(tmp_path, max_bytes=0)


def test_a_cache_without_room_is_no_error(
    sample_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = ClipDataset(one(sample_video), RECORD, cache=ClipCache(tmp_path / "c"))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    assert dataset[0][0].shape == (3, 6, 32, 32)
    assert not list((tmp_path / "c").iterdir())


def test_videos_are_looked_at_once_and_reported(sample_video: Path, shared: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"not a video")
    cut = tmp_path / "cut.avi"
    content = (shared / "clips" / "v_Punch_g03_c01.avi").read_bytes()
    cut.write_bytes(content[:60_000] + bytes(20_000) + content[80_000:])
    items = [VideoItem(path, "x") for path in (sample_video, bad, cut, tmp_path / "gone.mp4")]
    videos = VideoList(tuple(items), ("x",))
    cache = ClipCache(tmp_path / "c")
    seen: list[tuple[float, float]] = []
    for _ in range(2):  # the second time the cache must say the same
        with pytest.warns(DatasetWarning, match=r"2 of 4 videos cannot be read and are left out: .*bad\.mp4"):
            checked = check_videos(videos, RECORD, cache=cache, on_progress=lambda *at: seen.append(at))
        assert [item.path for item in checked.videos] == [sample_video, cut]
        assert [Path(name).name for name, _ in checked.unreadable] == ["bad.mp4", "gone.mp4"]
        assert [Path(name).name for name, _ in checked.damaged] == ["cut.avi"]
        assert "could not be decoded from" in checked.damaged[0][1]
        assert "1 of 4 videos are damaged" in checked.report()
    assert seen[:4] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert ClipDataset(checked.videos, RECORD, cache=cache)[1][0].shape == (3, 6, 32, 32)
    with pytest.raises(DatasetError, match="no video of x can be read: 2 of 2"):
        check_videos(videos.with_items([items[1], items[3]]), RECORD)


def test_sound_videos_give_no_warning(moving: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checked = check_videos(read_folder(moving), RECORD)
    assert (checked.report(), len(checked.videos)) == ("", 12)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"'shape': (", b"'shape': (("),  # a TokenError or a SyntaxError of NumPy's reader
        (b"'fortran_order': False", b"'fortran_order': True "),
        (b"'descr': '|u1'", b"'descr': '|i1'"),
        (b"'descr': '<f8'", b"'descr': '<i8'"),
        (b"'descr'", b"'dexcr'"),
        (b"'shape': (16,)", b"'shape': (4, 4)"),
        (b"'shape': (16,)", b"'shape': (8,) "),
        (b"\x93NUMPY", b"PK\x03\x04PY"),
    ],
)
def test_a_damaged_header_is_as_if_nothing_were_there(
    moving: Path, tmp_path: Path, old: bytes, new: bytes
) -> None:
    path = next((moving / "slide left").iterdir())
    cache = ClipCache(tmp_path / "c")
    dataset = ClipDataset(one(path), RECORD, cache=cache)
    expected = dataset[0][0]
    (file,) = (tmp_path / "c").iterdir()
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new))
    assert cache.get(dataset.videos.items[0], RECORD) is None
    assert torch.equal(dataset[0][0], expected)
