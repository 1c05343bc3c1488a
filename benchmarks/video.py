"""Reading video: against decord and OpenCV on the same three-minute 720p file, in the same run.

python benchmarks/video.py [--data ../shared/data] [--runs 5]
"""

from __future__ import annotations

import cv2
import decord
import numpy as np
from reel import parser, reel
from timing import report, take_turns

from muybridge.observer import View
from muybridge.video import open_video
from muybridge.video.sampling import uniform_indices


def main() -> None:
    options = parser(__doc__).parse_args()
    path = str(reel(options.data, options.work))
    with open_video(path) as video:
        places = uniform_indices(len(video), 16).tolist()
        full_decode = [frame.pixels for frame in every(video.frames(), set(places))]

    def muybridge_frames() -> np.ndarray:
        with open_video(path) as video:
            return video.frames_at(indices=places, size_px=224, resize="squash").pixels

    def decord_frames() -> np.ndarray:
        return decord.VideoReader(path, width=224, height=224).get_batch(places).asnumpy()

    def opencv_frames() -> np.ndarray:
        capture = cv2.VideoCapture(path)
        pictures = []
        for place in places:
            capture.set(cv2.CAP_PROP_POS_FRAMES, place)
            pictures.append(
                cv2.resize(capture.read()[1], (224, 224), interpolation=cv2.INTER_AREA)[..., ::-1]
            )
        return np.stack(pictures)

    def muybridge_whole() -> int:
        with open_video(path) as video:
            return sum(1 for _ in video.frames(View(short_side_px=224)))

    def decord_whole() -> int:
        return sum(1 for _ in decord.VideoReader(path, width=398, height=224))

    def opencv_whole() -> int:
        capture, count = cv2.VideoCapture(path), 0
        while True:
            good, picture = capture.read()
            if not good:
                return count
            cv2.resize(picture, (398, 224))
            count += 1

    expected = np.stack([cv2.resize(p, (224, 224), interpolation=cv2.INTER_AREA) for p in full_decode])
    errors = {
        name: float(np.abs(read().astype(int) - expected).mean())
        for name, read in (
            ("muybridge", muybridge_frames),
            ("decord", decord_frames),
            ("opencv", opencv_frames),
        )
    }
    sampled = take_turns(
        {"muybridge": muybridge_frames, "decord": decord_frames, "opencv": opencv_frames}, runs=options.runs
    )
    whole = take_turns(
        {"muybridge": muybridge_whole, "decord": decord_whole, "opencv": opencv_whole},
        runs=max(1, options.runs // 2),
    )
    report(
        "reading video",
        {
            "16 uniform frames at 224": sampled,
            "mean difference from a full decode, of 255": errors,
            "every frame at 224": whole,
            "sampling: times faster than the faster peer": fastest_peer(sampled)
            / sampled["muybridge"]["median"],
            "whole file: times faster than the faster peer": fastest_peer(whole)
            / whole["muybridge"]["median"],
        },
    )


def every(frames, places):
    """The frames at these places."""
    return (frame for frame in frames if frame.index in places)


def fastest_peer(seconds: dict[str, dict[str, float]]) -> float:
    """The median of the fastest but us."""
    return min(taken["median"] for name, taken in seconds.items() if name != "muybridge")


if __name__ == "__main__":
    main()
