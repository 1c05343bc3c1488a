"""Videos whose picture changes its size in the middle, as files that were put one after the other give them."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

__all__ = ["write_parts"]


def write_parts(path: Path, pictures: Sequence[np.ndarray], *, num_frames: int, **options: str) -> Path:
    """Each (H, W, 3) picture stands for so many frames, at 25 a second; the clock goes on from part to part."""
    parts = []
    for number, pixels in enumerate(pictures):
        part = path.with_name(f"part{number}{path.suffix}")
        with av.open(str(part), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"bf": "0", **options})
            assert isinstance(stream, av.VideoStream)
            stream.height, stream.width, stream.pix_fmt = *pixels.shape[:2], "yuv420p"
            for place in range(num_frames):
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = num_frames * number + place, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        parts.append(part.read_bytes())
    path.write_bytes(b"".join(parts))
    return path
