"""From a probability map to text regions."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from muybridge.errors import OptionError, ShapeError, UnknownNameError
from muybridge.text.regions import PRESETS, Region, expand_quad, find_regions

STRIPS = [(10, 10 + 25 * row) for row in range(5)]
BLOBS = [(200, 20), (230, 90), (260, 150)]
SIZES = st.tuples(st.integers(1, 24), st.integers(1, 24))


@pytest.fixture
def page() -> np.ndarray:
    """Five strips of 8 × 150 pixels at 0.9 and three blobs of 16 × 16 at 0.85."""
    prob_map = np.zeros((200, 300), np.float32)
    for x, y in STRIPS:
        prob_map[y : y + 8, x : x + 150] = 0.9
    for x, y in BLOBS:
        prob_map[y : y + 16, x : x + 16] = 0.85
    return prob_map


def flood_fill(prob_map: np.ndarray, threshold: float) -> list[tuple[tuple[int, int, int, int], int, float]]:
    """The oracle: box, area and mean score of every region, pixel by pixel."""
    height, width = prob_map.shape
    seen = prob_map <= threshold
    found = []
    for y0, x0 in np.argwhere(~seen).tolist():
        if seen[y0, x0]:
            continue
        seen[y0, x0] = True
        stack, pixels = [(y0, x0)], []
        while stack:
            y, x = stack.pop()
            pixels.append((y, x))
            for v in range(max(0, y - 1), min(height, y + 2)):
                for u in range(max(0, x - 1), min(width, x + 2)):
                    if not seen[v, u]:
                        seen[v, u] = True
                        stack.append((v, u))
        ys, xs = zip(*pixels, strict=True)
        score = math.fsum(float(prob_map[pixel]) for pixel in pixels) / len(pixels)
        found.append(((min(xs), min(ys), max(xs) + 1, max(ys) + 1), len(pixels), score))
    return found


def test_the_preset_for_horizontal_lines_keeps_strips_and_says_why_blobs_fall(page: np.ndarray) -> None:
    kept, removed = find_regions(page, preset="horizontal_lines")
    assert [region.box[:2] for region in kept] == STRIPS
    assert {region.aspect_ratio for region in kept} == {18.75}
    assert {region.area_px for region in kept} == {1200}
    assert [region.score for region in kept] == pytest.approx([0.9] * 5)
    assert [region.box[:2] for region in removed] == BLOBS
    assert {region.reason for region in removed} == {"aspect ratio 1 is below 2"}


def test_the_preset_for_vertical_lines_is_the_same_turned(page: np.ndarray) -> None:
    kept, removed = find_regions(page.T, preset="vertical_lines")
    assert [(region.width_px, region.height_px) for region in kept] == [(8, 150)] * 5
    assert {region.reason for region in removed} == {"aspect ratio 1 is above 0.5"}


def test_options_override_the_preset_and_without_one_all_are_kept(page: np.ndarray) -> None:
    assert len(find_regions(page)[0]) == 8
    assert len(find_regions(page, preset="horizontal_lines", min_aspect_ratio=0.5)[0]) == 8


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"min_area_px": 300}, "area 256 px is below 300 px"),
        ({"max_area_px": 1000}, "area 1200 px is above 1000 px"),
        ({"min_score": 0.88}, "score 0.85 is below 0.88"),
        ({"min_side_px": 10}, "shorter side 8 px is below 10 px"),
        ({"max_aspect_ratio": 10}, "aspect ratio 18.75 is above 10"),
    ],
)
def test_each_filter_names_itself(page: np.ndarray, options: dict[str, float], reason: str) -> None:
    _, removed = find_regions(page, **options)  # type: ignore[arg-type]
    assert {region.reason for region in removed} == {reason}


def test_the_quad_of_an_upright_strip_is_its_box(page: np.ndarray) -> None:
    quad = find_regions(page)[0][0].quad
    assert np.allclose(quad, [(10, 10), (160, 10), (160, 18), (10, 18)], atol=1e-3)


def test_expansion_by_hand() -> None:
    # 150 × 8: area 1200, perimeter 316, so the distance is 1200 · 1.5 / 316 = 5.696.
    quad = expand_quad(((10, 10), (160, 10), (160, 18), (10, 18)), 1.5)
    distance = 1200 * 1.5 / 316
    assert quad[0] == pytest.approx((10 - distance, 10 - distance))
    assert quad[2] == pytest.approx((160 + distance, 18 + distance))
    assert expand_quad(((3, 3), (3, 3), (3, 3), (3, 3)), 1.5) == ((3, 3),) * 4  # no area, nothing to grow


@pytest.mark.parametrize("degrees", [-40, -10, 25, 44])
def test_a_rotated_strip_gets_a_rotated_rectangle(degrees: float) -> None:
    prob_map = np.zeros((240, 240), np.float32)
    corners = cv2.boxPoints(((120, 120), (160, 20), degrees))
    cv2.fillPoly(prob_map, [np.round(corners).astype(np.int32)], 1.0)
    (region,), _ = find_regions(prob_map)
    upper_left, upper_right, lower_right, _ = np.array(region.quad)
    along = upper_right - upper_left
    assert np.hypot(*along) == pytest.approx(161, abs=2.5)
    assert np.hypot(*(lower_right - upper_right)) == pytest.approx(21, abs=2.5)
    assert math.degrees(math.atan2(along[1], along[0])) == pytest.approx(degrees, abs=1.5)


def test_a_region_in_the_hole_of_another_is_its_own() -> None:
    prob_map = np.zeros((40, 40))
    prob_map[5:35, 5:35] = 0.8
    prob_map[10:30, 10:30] = 0
    prob_map[18:22, 15:25] = 0.9
    boxes = [region.box for region in find_regions(prob_map)[0]]
    assert boxes == [(5, 5, 35, 35), (15, 18, 25, 22)]


def test_polygons_only_on_request(page: np.ndarray) -> None:
    assert find_regions(page)[0][0].polygon == ()
    (first, *_), _ = find_regions(page, with_polygons=True)
    assert set(first.polygon) == {(10.5, 10.5), (159.5, 10.5), (159.5, 17.5), (10.5, 17.5)}
    assert first.to_dict()["polygon"][0] in [list(corner) for corner in first.polygon]


def test_all_text_and_no_text() -> None:
    assert find_regions(np.zeros((7, 9))) == ([], [])
    (region,), _ = find_regions(np.ones((7, 9)))
    assert (region.box, region.area_px, region.score) == ((0, 0, 9, 7), 63, 1.0)
    (pixel,), _ = find_regions(np.ones((1, 1)), expand_ratio=1.5)
    assert pixel.box == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("prob_map", "error", "message"),
    [
        (np.zeros(5), ShapeError, r"\(H, W\)"),
        (np.zeros((1, 5, 5)), ShapeError, "one map of a batch at a time"),
        (np.zeros((0, 5)), ShapeError, "at least one pixel"),
        (np.array([["a"]]), ShapeError, "numbers"),
        (np.full((4, 4), 255, np.uint8), OptionError, "divide 8-bit maps by 255"),
        (np.full((4, 4), -0.1), OptionError, "sigmoid"),
        (np.full((4, 4), np.nan), OptionError, "nan"),
    ],
)
def test_maps_that_are_none(prob_map: np.ndarray, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        find_regions(prob_map)


def test_options_that_are_none(page: np.ndarray) -> None:
    with pytest.raises(UnknownNameError, match="horizontal_lines"):
        find_regions(page, preset="horizontal_line")
    with pytest.raises(OptionError, match="threshold"):
        find_regions(page, threshold=1.5)
    with pytest.raises(OptionError, match="min_score"):
        find_regions(page, min_score=float("nan"))
    assert set(PRESETS) == {"horizontal_lines", "vertical_lines", "any_direction"}


@settings(max_examples=300, deadline=None)
@given(
    hnp.arrays(
        np.float32, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.floats(0, 1, width=32)
    )
)
def test_regions_equal_a_flood_fill(prob_map: np.ndarray) -> None:
    def facts(region: Region) -> tuple[tuple[int, int, int, int], int, float]:
        return region.box, region.area_px, round(region.score, 5)

    kept, removed = find_regions(prob_map, threshold=0.6, min_area_px=3)
    oracle = [(box, area, round(score, 5)) for box, area, score in flood_fill(prob_map, np.float32(0.6))]
    assert sorted(map(facts, [*kept, *removed])) == sorted(oracle)
    assert all(region.area_px >= 3 for region in kept)
    assert all(region.area_px < 3 for region in removed)
