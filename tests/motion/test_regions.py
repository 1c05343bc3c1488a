import numpy as np
import pytest

from motion_scenes import HEIGHT, WIDTH, paste, texture, view
from muybridge.motion.camera import CameraMotion
from muybridge.motion.regions import Region, RegionTracker, find_regions, moving_pixels

STILL = CameraMotion(np.eye(3), WIDTH, HEIGHT, inlier_share=1.0, evidence=1.0)


def pan(dx: float) -> CameraMotion:
    return CameraMotion(np.array([[1.0, 0, dx], [0, 1, 0], [0, 0, 1]]), WIDTH, HEIGHT, 1.0, 1.0)


def region(x: float, y: float = 0.5, size: float = 0.2, area: float = 0.02) -> Region:
    return Region(x, y, 0.01, 0.0, x - size / 2, y - size / 2, size, size, area)


def test_only_what_changed_moves() -> None:
    before = view(texture(1), 300, 300)
    after = before.copy()
    after[20:40, 30:50] = 255 - after[20:40, 30:50]
    moving = moving_pixels(before, after, STILL)
    assert moving[22:38, 32:48].mean() > 0.8
    moving[18:42, 28:52] = False
    assert not moving.any()


@pytest.mark.parametrize("error_px", [0.0, 0.4])
def test_a_pan_alone_moves_nothing_even_if_measured_a_little_wrong(error_px: float) -> None:
    scene = texture(1)
    moving = moving_pixels(view(scene, 300, 300), view(scene, 306, 300), pan(-6 + error_px))
    assert moving.mean() < 0.002


def test_an_object_under_a_pan_is_seen() -> None:
    scene, man = texture(1), texture(2)[:40, :20]
    before = paste(view(scene, 300, 300), 80, 45, man)
    after = paste(view(scene, 306, 300), 80, 45, man)  # it keeps its place on the screen
    (found,) = find_regions(moving_pixels(before, after, pan(-6)), np.full((HEIGHT, WIDTH, 2), 6, np.float32))
    assert (found.x * HEIGHT, found.y * HEIGHT) == (pytest.approx(80, abs=5), pytest.approx(45, abs=4))
    assert found.dx == pytest.approx(6 / HEIGHT)


def test_numbers_of_a_region_by_hand() -> None:
    moving = np.zeros((100, 150), np.bool_)
    moving[20:40, 60:70] = True
    flow = np.zeros((100, 150, 2), np.float32)
    flow[20:40, 60:70] = (2, -1)
    (found,) = find_regions(moving, flow)
    assert (found.x, found.y) == pytest.approx((0.645, 0.295))
    assert (found.dx, found.dy) == pytest.approx((0.02, -0.01))
    assert (found.left, found.top, found.width, found.height) == pytest.approx((0.6, 0.2, 0.1, 0.2))
    assert found.area == pytest.approx(0.02)


def test_a_region_at_the_border_keeps_its_box() -> None:
    moving = np.zeros((100, 150), np.bool_)
    moving[0:30, 140:150] = True
    (found,) = find_regions(moving, np.zeros((100, 150, 2), np.float32))
    assert (found.left, found.top, found.width, found.height) == pytest.approx((1.4, 0.0, 0.1, 0.3))


def test_limbs_join_and_specks_are_dropped() -> None:
    moving = np.zeros((100, 150), np.bool_)
    moving[20:40, 60:64] = moving[20:40, 68:72] = True
    moving[80, 10:13] = True
    regions = find_regions(moving, np.zeros((100, 150, 2), np.float32))
    assert [round(item.width, 3) for item in regions] == [0.12]
    assert find_regions(np.zeros((100, 150), np.bool_), np.zeros((100, 150, 2), np.float32)) == []


def test_two_regions_keep_their_tracks() -> None:
    tracker = RegionTracker()
    for step in range(10):
        tracker.push(0.1 * (step + 1), 0.1, [region(0.3 + 0.02 * step), region(1.3 - 0.02 * step)], STILL)
    assert [track.number for track in tracker.tracks] == [0, 1]
    assert [len(track.rows) for track in tracker.tracks] == [10, 10]
    assert tracker.tracks[0].rows[:, 3] == pytest.approx(0.1)  # 0.01 heights in 0.1 s


def test_a_track_waits_and_is_then_forgotten() -> None:
    tracker = RegionTracker(patience_seconds=0.6)
    tracker.push(0.1, 0.1, [region(0.5)], STILL)
    tracker.push(0.6, 0.5, [], STILL)
    assert len(tracker.tracks) == 1
    tracker.push(0.8, 0.2, [], STILL)
    assert tracker.tracks == []


def test_the_past_moves_along_with_the_camera() -> None:
    tracker = RegionTracker()
    tracker.push(0.1, 0.1, [region(0.5)], STILL)
    tracker.push(0.2, 0.1, [], pan(-9))  # the camera pans right by 0.1 heights
    assert tracker.tracks[0].rows[0, 1] == pytest.approx(0.4)
    assert tracker.tracks[0].rows[0, 5] == pytest.approx(0.3)


def test_parts_of_one_body_stay_one_track() -> None:
    tracker = RegionTracker()
    tracker.push(0.1, 0.1, [region(0.5, size=0.4, area=0.1)], STILL)
    tracker.push(0.2, 0.1, [region(0.4, size=0.1, area=0.01), region(0.6, size=0.1, area=0.03)], STILL)
    (track,) = tracker.tracks
    assert track.rows[-1, 1] == pytest.approx(0.55)  # weighted by area
    assert track.rows[-1, 5:9] == pytest.approx([0.35, 0.45, 0.3, 0.1])
