"""Keyframes that are decoded while the packets are being read."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from muybridge.observer import View
from muybridge.video import early as module, open_video
from muybridge.video.early import EarlyKeyframes
from muybridge.video.picture import DecodedPicture
from muybridge.video.reader import Video
from muybridge.video.seeking import read_pictures


def pixels(picture: DecodedPicture) -> NDArray[np.uint8]:
    return picture.frame(View()).pixels


def always(places: Sequence[int]) -> bool:
    return True


def read(
    path: Path, early: EarlyKeyframes[NDArray[np.uint8]]
) -> tuple[Video, dict[int, NDArray[np.uint8]], dict[int, NDArray[np.uint8]]]:
    """The file, what was found early, and the same by seeking; both by presentation ticks."""
    with early, Video(path, also=[early.offer]) as video:
        found = early.taken()
        keys = np.flatnonzero(video.packets.is_keyframe).tolist()
        sought = read_pictures(video, keys, pixels, quick="keyframes")
    return video, found, {int(video.packets.pts[place]): value for place, (value, _) in sought.items()}


@pytest.mark.parametrize("name", ["bikes.mp4", "flipping_a_pancake.mkv", "v_Punch_g03_c01.avi"])
def test_the_same_pictures_as_by_seeking(shared: Path, name: str) -> None:
    path = shared / "clips" / name
    _, found, sought = read(path, EarlyKeyframes(path, pixels, is_worth_it=always))
    assert found.keys() == sought.keys()
    assert all(np.array_equal(found[pts], sought[pts]) for pts in sought)


def test_rotated_pictures_are_upright(shared: Path) -> None:
    rotated = [
        path
        for path in sorted((shared / "clips").glob("*"))
        if path.suffix in (".mp4", ".mov") and open_video(path).metadata.rotation_degrees
    ]
    for path in rotated:
        video, found, sought = read(path, EarlyKeyframes(path, pixels, is_worth_it=always))
        first = next(iter(found.values()))
        assert first.shape[:2] == (video.metadata.height, video.metadata.width)
        assert all(np.array_equal(found[pts], sought[pts]) for pts in sought)
    assert rotated


def test_nothing_is_decoded_where_it_is_not_worth_it(sample_video: Path) -> None:
    asked: list[int] = []

    def never(places: Sequence[int]) -> bool:
        asked.append(len(places))
        return False

    with EarlyKeyframes(sample_video, pixels, is_worth_it=never) as early:
        video = Video(sample_video, also=[early.offer])
        video.close()
        assert early.taken() == {}
    assert asked == list(range(1, 1 + min(module.MOST_TO_DECIDE, int(video.packets.is_keyframe.sum()))))


def test_what_would_wait_too_long_is_left_out(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_BYTES", 1)
    path = shared / "clips" / "bikes.mp4"
    _, found, sought = read(path, EarlyKeyframes(path, pixels, is_worth_it=always))
    assert found == {}
    assert sought


def test_a_broken_keyframe_is_left_out(shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    shutil.copy(shared / "clips" / "bikes.mp4", path)
    with EarlyKeyframes(path, pixels, is_worth_it=always) as early:
        packets: dict[int, int] = {}

        def note(packet: object) -> bool:
            if packet.is_keyframe and packet.size:  # type: ignore[attr-defined]
                packets[packet.pts] = packet.pos  # type: ignore[attr-defined]
            return True

        Video(path, also=[early.offer, note]).close()
        sound = early.taken()
    broken = sorted(sound)[1]
    data = bytearray(path.read_bytes())
    data[packets[broken] + 200 : packets[broken] + 4000] = bytes(3800)
    path.write_bytes(data)
    with EarlyKeyframes(path, pixels, is_worth_it=always) as early:
        Video(path, also=[early.offer]).close()
        found = early.taken()
    assert found.keys() == sound.keys() - {broken}
    assert all(np.array_equal(found[pts], sound[pts]) for pts in found)
