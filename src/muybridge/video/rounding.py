"""How exact the times of frames are."""

from __future__ import annotations

__all__ = ["ROUNDING_SECONDS"]

ROUNDING_SECONDS = 6e-4
"""How far a frame's time may be from when it was meant to appear: Matroska, WebM and FLV count in whole milliseconds.

Where moments are laid evenly over frames that are just as even, such as 15 a second over 15, a frame that says 0.067
for 1 / 15 belongs to that moment, and the one that says 0.133 to 2 / 15.
"""
