"""Reading beside rapidocr's own pipeline on the same weights, and text tracks beside reading every frame.

    python benchmarks/text.py [shared/data] > text.json

Word images and frames of a real clip need the folder of real clips; the videos with known text are drawn here.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from text_clips import CLIPS, FRAMES_PER_SECOND, HEIGHT, Clip, render

from muybridge.metrics.text import cer
from muybridge.text.ppocr import PPOCRNetworks
from muybridge.text.reader import PPOCREngine, TextReader, load_image
from muybridge.text.tracks import track_text
from muybridge.values import TextTrack
from muybridge.video.reader import open_video

WORDS = ("available", "shakeshack", "london", "greenstead", "toast", "merry", "underground", "ronaldo", "bally",
         "university")  # fmt: skip
SUBTITLES = ((0, 10, "空间里面他绝对赢不了的"), (10, 28, "我进去帮他"), (37, 61, "你们接着善后"))
STRIDE = 10  # every tenth frame is read one by one; the counts are scaled up


def plain(text: str) -> str:
    return "".join(text.lower().split())


def rapidocr_lines(engine: Any, pixels: np.ndarray) -> list[tuple[str, float]]:
    """Rapidocr's lines of an RGB image, with the height of their middles."""
    result = engine(np.ascontiguousarray(pixels[:, :, ::-1]))
    if result.txts is None:
        return []
    return [(text, float(np.mean(box[:, 1]))) for text, box in zip(result.txts, result.boxes, strict=True)]


def our_lines(reader: TextReader, pixels: np.ndarray) -> list[tuple[str, float]]:
    return [(line.text, float(np.mean([y for _, y in line.polygon]))) for line in reader.read(pixels)]


def beside_rapidocr(shared: Path) -> dict[str, Any]:
    """Ten words, and twelve frames of the clip with subtitles: right answers, errors and seconds of both."""
    from rapidocr import RapidOCR

    # Both run on as many threads; rapidocr's default is all cores, ours too.
    peer = RapidOCR(params={"Global.log_level": "error"})
    reader = TextReader(PPOCREngine(), min_score=0.5)
    readers = {"muybridge": lambda image: our_lines(reader, image),
               "rapidocr": lambda image: rapidocr_lines(peer, image)}  # fmt: skip
    words = [load_image(next((shared / "words").glob(f"demo_{n}.*"))) for n in range(1, 11)]
    with open_video(shared / "clips" / "subtitles_zh.mp4") as video:
        indices = list(range(0, 72, 6))
        frames = list(video.frames_at(indices=indices).pixels)
    truth = [next((text for start, stop, text in SUBTITLES if start <= i < stop), "") for i in indices]
    table: dict[str, Any] = {}
    for name, read in readers.items():
        read(words[0])
        started = time.perf_counter()
        found = ["".join(text for text, _ in read(word)) for word in words]
        seconds_words = time.perf_counter() - started
        started = time.perf_counter()
        lines = ["".join(text for text, y in read(frame) if y > 640) for frame in frames]
        table[name] = {
            "words_right": sum(plain(text) == word for text, word in zip(found, WORDS, strict=True)),
            "words": found,
            "seconds_words": seconds_words,
            "subtitle_cer": cer(truth, lines),
            "seconds_frames": time.perf_counter() - started,
        }
    for what in ("words", "frames"):
        table[f"times_faster_{what}"] = (
            table["rapidocr"][f"seconds_{what}"] / table["muybridge"][f"seconds_{what}"]
        )
    return table


def truth_of(clip: Clip) -> dict[int, str]:
    """What each frame shows, top to bottom; frames in which a line is fading or half outside are left out."""
    frames: dict[int, str] = {}
    for frame in range(clip.num_frames):
        shown = [line for line in clip.lines if line.start <= frame < line.stop and line.opacity(frame) > 0]
        tops = [line.place(frame)[1] for line in shown]
        inside = [-60 < top < HEIGHT for top in tops]
        whole = [
            top >= 4 and top + 1.5 * line.size_px < HEIGHT for line, top in zip(shown, tops, strict=True)
        ]
        if inside == whole and all(line.opacity(frame) == 1 for line in shown):
            visible = [
                (top, line.text) for line, top, is_in in zip(shown, tops, inside, strict=True) if is_in
            ]
            frames[frame] = "\n".join(text for _, text in sorted(visible))
    return frames


def tracks_at(tracks: list[TextTrack], seconds: float, by_start: bool) -> str:
    shown = [t for t in tracks if t.start_seconds <= seconds + 1e-6 < t.end_seconds]
    order = (lambda t: t.start_seconds) if by_start else (lambda t: min(y for _, y in t.polygon))
    return "\n".join(track.text for track in sorted(shown, key=order))


def tracks_beside_frames(path: Path, truth: dict[int, str], *, num_frames: int, rate: float, by_start: bool,
                         least_y: float = 0.0) -> dict[str, Any]:  # fmt: skip
    """Reading every frame, and reading as text over time: errors, calls of the networks, seconds."""
    table: dict[str, Any] = {}
    networks = PPOCRNetworks()
    networks.read_lines([np.zeros((48, 320, 3), np.uint8)])
    networks.detect(np.zeros((64, 64, 3), np.uint8))
    networks.num_recognized = networks.num_detected = 0
    started = time.perf_counter()
    tracks = [t for t in track_text(path, networks=networks) if max(y for _, y in t.polygon) > least_y]
    table["tracks"] = {
        "seconds": time.perf_counter() - started,
        "recognized": networks.num_recognized,
        "detected": networks.num_detected,
        "cer": cer(list(truth.values()), [tracks_at(tracks, f / rate, by_start) for f in truth]),
        "lines": [[round(t.start_seconds, 3), round(t.end_seconds, 3), t.text] for t in tracks],
    }
    engine = PPOCREngine(max_side_px=960)
    engine.networks = networks
    reader = TextReader(engine)
    networks.num_recognized = networks.num_detected = 0
    references, predictions = [], []
    started = time.perf_counter()
    with open_video(path) as video:
        for frame in video:
            if frame.index % STRIDE:
                continue
            lines = [text for text, y in our_lines(reader, frame.pixels) if y > least_y]
            if frame.index in truth:
                references.append(truth[frame.index])
                predictions.append("\n".join(lines))
    table["every_frame"] = {
        "seconds": (time.perf_counter() - started) * STRIDE,
        "recognized": networks.num_recognized * STRIDE,
        "detected": networks.num_detected * STRIDE,
        "cer": cer(references, predictions),
    }
    table["times_fewer_recognitions"] = table["every_frame"]["recognized"] / table["tracks"]["recognized"]
    table["num_frames"] = num_frames
    return table


def main() -> None:
    shared = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("../shared/data")
    results: dict[str, Any] = {}
    if shared.is_dir():
        results["beside_rapidocr"] = beside_rapidocr(shared)
    videos: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed, clip in enumerate(CLIPS):
            path = render(clip, Path(folder), seed=seed)
            videos[clip.name] = tracks_beside_frames(
                path,
                truth_of(clip),
                num_frames=clip.num_frames,
                rate=FRAMES_PER_SECOND,
                by_start=clip.name == "scrolling",
            )
            print(clip.name, json.dumps(videos[clip.name], ensure_ascii=False), file=sys.stderr)
    if shared.is_dir():
        truth = {i: next((t for a, b, t in SUBTITLES if a <= i < b), "") for i in range(72)}
        videos["subtitles_zh"] = tracks_beside_frames(
            shared / "clips" / "subtitles_zh.mp4", truth, num_frames=72, rate=24, by_start=True, least_y=640
        )
    results["videos"] = videos
    print(json.dumps(results, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
