"""The current moment at full size and in color: where lines are detected and read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from muybridge.observer import View
from muybridge.text.ppocr import PPOCRNetworks, cut_out
from muybridge.text.readings import Evidence
from muybridge.text.strokes import Box
from muybridge.values import Frame, Polygon

__all__ = ["CloseUp"]

_LOOK_SIDE_PX = 960
_FULL = View(max_side_px=1920)


class CloseUp:
    """A frame at full size, fetched when first asked for.

    Args:
        frame: what the observer was shown.
        networks: to detect and to read with.
        source_width: of the source, in whose pixels quads are; 0 where it is not known.
    """

    def __init__(self, frame: Frame, networks: PPOCRNetworks, source_width: int) -> None:
        self._frame = frame
        self._networks = networks
        self._pixels: NDArray[np.uint8] | None = None
        self.source_width = source_width or self._size[0]

    @property
    def _whole(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB; what the observer itself sees, where there is nothing closer."""
        if self._pixels is None:
            closer = self._frame.closer
            pixels = self._frame.pixels if closer is None else closer(_FULL).pixels
            # A gray frame with nothing closer: the networks take three channels.
            self._pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
        return self._pixels

    @property
    def _size(self) -> tuple[int, int]:
        return self._whole.shape[1], self._whole.shape[0]

    def detect(self, area: Box, width_px: int, screen_side_px: int) -> list[Polygon]:
        """Find lines in a part of the picture.

        Args:
            area: the part, in pixels of the small picture.
            width_px: of the small picture.
            screen_side_px: the size at which to see first whether there are any; 0: not.

        Returns:
            Their quads, in pixels of the source.
        """
        scale, to_source = self._size[0] / width_px, self.source_width / self._size[0]
        left, top, right, bottom = (round(value * scale) for value in area)
        part = self._whole[top:bottom, left:right]
        longer, whole = max(part.shape[:2]), max(self._size)
        if screen_side_px and not self._networks.detect(part, side_px=min(longer, screen_side_px)):
            return []
        side_px = max(64, round(longer * min(1.0, _LOOK_SIDE_PX / whole)))
        return [
            tuple(((x + left) * to_source, (y + top) * to_source) for x, y in region.quad)
            for region in self._networks.detect(part, side_px=side_px)
        ]

    def read(self, quads: Sequence[Polygon]) -> list[Evidence]:
        """Read lines.

        Args:
            quads: where, in pixels of the source.
        """
        if not quads:
            return []
        scale = self._size[0] / self.source_width
        crops = [cut_out(self._whole, tuple((x * scale, y * scale) for x, y in quad)) for quad in quads]
        return self._networks.read_lines(crops)
