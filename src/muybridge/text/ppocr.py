"""The PP-OCR networks: where text is, which way up it stands, and what it says.

    image ─ detection ─► probability map ─ regions ─► quads ─ warp ─► crops
    crops ─ orientation, recognition ─► evidence ─ CTC ─► text

Each answer depends on its own image alone: crops are padded to a width that follows from their own size, and
only crops of equal width share a batch, so batching changes nothing but the speed.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError, WeightsError
from muybridge.text.readings import Evidence
from muybridge.text.regions import Region, find_regions
from muybridge.text.weights import find_model, load_session
from muybridge.values import Polygon

__all__ = ["PPOCRNetworks", "cut_out"]

LINE_HEIGHT_PX = 48  # of the recognition and orientation networks' input
_LEAST_WIDTH_PX = 320  # the recognition network was trained on lines padded to this width
_MOST_WIDTH_PX = 4096
_TALL = 1.5  # a crop this much taller than wide is turned by 90 degrees, as in the networks' training


class PPOCRNetworks:
    """Detection, orientation and recognition networks, loaded when first used.

    Args:
        models_path: a folder of other PP-OCR models in ONNX; by default those inside rapidocr.
        num_threads: for one run of a network; by default all cores, at most four.

    Raises:
        OptionError: a number of threads below one.
    """

    def __init__(self, *, models_path: str | Path | None = None, num_threads: int | None = None) -> None:
        if num_threads is not None and num_threads < 1:
            raise OptionError(f"num_threads is {num_threads}; it must be at least 1, or None for all cores")
        self.models_path = models_path
        self.num_threads = num_threads
        self._sessions: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._alphabet: tuple[str, ...] = ()
        self.num_recognized = 0
        """How many crops were recognized so far."""
        self.num_detected = 0
        """How many images the detection network saw so far."""

    def detect(
        self,
        image: NDArray[np.uint8],
        *,
        side_px: int = 960,
        threshold: float = 0.3,
        min_score: float = 0.5,
        expand_ratio: float = 1.6,
    ) -> list[Region]:
        """Find where text is.

        Args:
            image: (H, W, 3) uint8 RGB, or (H, W) gray.
            side_px: the longer side at which the network sees the image.
            threshold: of the probability map.
            min_score: least mean probability of a region.
            expand_ratio: how much each rectangle grows.

        Returns:
            Regions in pixels of the image; the boxes are those of the map, scaled.
        """
        height, width = image.shape[:2]
        scale = side_px / max(height, width)
        size = (_multiple_of_32(width * scale), _multiple_of_32(height * scale))
        prob_map = self._run("detection", _as_input(_resize(image, size))[None])[0, 0]
        self.num_detected += 1
        found, _ = find_regions(
            np.clip(prob_map, 0.0, 1.0),
            threshold=threshold,
            preset="any_direction",
            min_score=min_score,
            expand_ratio=expand_ratio,
        )
        return [_scaled(region, width / size[0], height / size[1], width, height) for region in found]

    def read_lines(self, crops: Sequence[NDArray[np.uint8]]) -> list[Evidence]:
        """Read crops that may be upside down.

        The orientation network errs now and then; so a crop that it calls upside down is read both ways, and the
        surer reading counts.

        Args:
            crops: (h, w, 3) uint8 RGB or (h, w) gray, one line each.

        Returns:
            The evidence of each, in the same order.
        """
        if not crops:
            return []
        doubtful = self._upside_down(crops)
        turned = [np.ascontiguousarray(crops[place][::-1, ::-1]) for place in doubtful]
        evidence = self.recognize([*crops, *turned])
        for place, other in zip(doubtful, evidence[len(crops) :], strict=True):
            if other.decode().confidence > evidence[place].decode().confidence:
                evidence[place] = other
        return evidence[: len(crops)]

    def _upside_down(self, crops: Sequence[NDArray[np.uint8]], min_score: float = 0.9) -> list[int]:
        found: list[int] = []
        for first in range(0, len(crops), 8):
            batch = [_line_input(crop, 4 * LINE_HEIGHT_PX) for crop in crops[first : first + 8]]
            scores = self._run("orientation", np.stack(batch))[:, 1]
            found += (first + np.flatnonzero(scores > min_score)).tolist()
        return found

    def recognize(self, crops: Sequence[NDArray[np.uint8]]) -> list[Evidence]:
        """Read crops.

        Args:
            crops: (h, w, 3) uint8 RGB or (h, w) gray, one upright line each.

        Returns:
            The evidence of each, in the same order.
        """
        by_width: dict[int, list[int]] = defaultdict(list)
        for place, crop in enumerate(crops):
            by_width[_padded_width(crop)].append(place)
        evidence: dict[int, Evidence] = {}
        alphabet = self.alphabet
        for width_px, places in sorted(by_width.items()):
            for first in range(0, len(places), 8):
                some = places[first : first + 8]
                batch = np.stack([_line_input(crops[place], width_px) for place in some])
                outputs = self._run("recognition", batch)
                for place, probabilities in zip(some, outputs, strict=True):
                    evidence[place] = Evidence.of_probabilities(probabilities, alphabet)
        self.num_recognized += len(crops)
        return [evidence[place] for place in range(len(crops))]

    @property
    def alphabet(self) -> tuple[str, ...]:
        """The characters that the recognition network writes, in the order of its columns, without the blank.

        Raises:
            WeightsError: the network carries no characters.
        """
        if not self._alphabet:
            session = self._session("recognition")
            listed = session.get_modelmeta().custom_metadata_map.get("character")
            num_columns = session.get_outputs()[0].shape[-1]
            # The space is not listed; the blank is column 0.
            characters = (*(listed or "").split("\n"), " ")
            if not listed or (isinstance(num_columns, int) and num_columns != len(characters) + 1):
                raise WeightsError(
                    f"the recognition network lists {len(characters) - 1} characters for {num_columns}"
                    " columns; it must carry them one to a line in its metadata under 'character', the blank"
                    " and the space left out, as PP-OCR models converted for rapidocr do"
                )
            self._alphabet = characters
        return self._alphabet

    def _session(self, part: str) -> Any:
        with self._lock:
            if part not in self._sessions:
                path = find_model(part, models_path=self.models_path)
                # The orientation network is so small that sharing its work costs more than it saves.
                threads = 1 if part == "orientation" else self.num_threads
                self._sessions[part] = load_session(path, num_threads=threads)
            return self._sessions[part]

    def _run(self, part: str, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        session = self._session(part)
        output: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: batch})[0]
        return output


def cut_out(image: NDArray[np.uint8], quad: Polygon) -> NDArray[np.uint8]:
    """Cut a quadrilateral out of an image and straighten it; a tall one is turned by 90 degrees.

    Args:
        image: (H, W, 3) or (H, W) uint8.
        quad: four corners (x, y), clockwise from the upper left.

    Returns:
        (h, w, 3) or (h, w) uint8, at least one pixel.

    >>> image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    >>> cut_out(image, ((1, 0), (4, 0), (4, 2), (1, 2))).tolist()
    [[1, 2, 3], [5, 6, 7]]
    """
    corners = np.asarray(quad, np.float32)
    if corners.shape != (4, 2):
        raise ShapeError(f"quad is {corners.shape}; it must be four corners (x, y)")
    top, right, bottom, left = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    width, height = max(1, round(max(top, bottom))), max(1, round(max(left, right)))
    target = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    # OpenCV's coordinates name pixel centers, ours pixel borders: half a pixel lies between.
    matrix = cv2.getPerspectiveTransform(corners - 0.5, target - 0.5)
    crop = cv2.warpPerspective(
        image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    upright = np.rot90(crop) if height >= _TALL * width else crop
    return np.ascontiguousarray(upright, np.uint8)


def _scaled(region: Region, scale_x: float, scale_y: float, width: int, height: int) -> Region:
    """The region in pixels of the image, its corners inside the image."""
    left, top, right, bottom = region.box
    box = (round(left * scale_x), round(top * scale_y), round(right * scale_x), round(bottom * scale_y))
    quad = tuple(
        (min(max(x * scale_x, 0.0), float(width)), min(max(y * scale_y, 0.0), float(height)))
        for x, y in region.quad
    )
    area = round(region.area_px * scale_x * scale_y)
    aspect = region.aspect_ratio * scale_x / scale_y
    return Region(box, area, aspect, region.score, quad)


def _padded_width(crop: NDArray[np.uint8]) -> int:
    width = LINE_HEIGHT_PX * crop.shape[1] / crop.shape[0]
    return int(min(_MOST_WIDTH_PX, max(_LEAST_WIDTH_PX, -(-(width + 8) // 32) * 32)))


def _line_input(crop: NDArray[np.uint8], width_px: int) -> NDArray[np.float32]:
    """One line at the networks' height, on gray up to `width_px`: (3, 48, width_px) float32."""
    width = max(1, min(width_px, round(LINE_HEIGHT_PX * crop.shape[1] / crop.shape[0])))
    line = np.zeros((3, LINE_HEIGHT_PX, width_px), np.float32)
    line[:, :, :width] = _as_input(_resize(crop, (width, LINE_HEIGHT_PX)))
    return line


def _resize(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    # Shrinking by more than two must average, or thin strokes fall between the samples.
    shrinks = image.shape[0] > 2 * size[1] or image.shape[1] > 2 * size[0]
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


def _as_input(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) RGB or (H, W) gray → (3, H, W) in [−1, 1], blue first as the networks were trained."""
    scaled = image.astype(np.float32) * np.float32(1 / 127.5) - np.float32(1)
    if scaled.ndim == 2:
        return np.broadcast_to(scaled, (3, *scaled.shape)).copy()
    return np.ascontiguousarray(scaled[:, :, ::-1].transpose(2, 0, 1))


def _multiple_of_32(length: float) -> int:
    return max(32, round(length / 32) * 32)
