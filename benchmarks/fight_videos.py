"""Long "nothing, fight, nothing" videos of surveillance clips, and what a detector makes of them.

Each video is 4 to 8 quiet clips, a fight, and 4 to 8 quiet clips again, all of other cameras, brought to one size and
rate: a cut every two seconds. The fight is 3 to 6 clips, or a single one, which is as long as one look of the model.
Everything runs twice: with the model, and with an oracle that reads the truth from a painted corner, so that what the
detector loses is told from what the model does not know. Beside both, the model's answer to single clips.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from torch import Tensor, nn

from muybridge.actions.classifier import Classifier
from muybridge.actions.detection_rule import DetectionRule
from muybridge.actions.detector import detect_actions
from muybridge.metrics.temporal_events import evaluate_events
from muybridge.models.weights import Weights, set_weights
from muybridge.video import open_video
from muybridge.video.writer import VideoWriter

RATE, WIDTH, HEIGHT, MARK = 15, 320, 240, 24
FIGHT_CLIPS = {"fights of 3 to 6 clips": (3, 6), "fights of one clip": (1, 1)}
QUIET_CLIPS = (4, 8)


class Oracle(nn.Module):
    """Says "fight" where the upper left corner is red, "none of these" where it is blue."""

    def forward(self, clip: Tensor) -> Tensor:
        """(B, 3, T, H, W) → (B, 2) logits."""
        corner = clip[:, :, :, :4, :4].mean(dim=(2, 3, 4))
        return 20 * (corner[:, [0, 2]] - 0.5)


def oracle() -> nn.Module:
    module = Oracle().eval()
    options: dict[str, Any] = {
        "num_frames": 16,
        "frames_per_second": 8.0,
        "size_px": 96,
        "resize_px": (96, 96),
    }
    set_weights(
        module,
        Weights("oracle", labels=("fight", "none of these"), mean=(0.0,) * 3, std=(1.0,) * 3, **options),
    )
    return module


def clips_of(folder: Path, kind: str, fold: int) -> list[Path]:
    return [
        file
        for file in sorted((folder / "surveillance-fight" / kind).glob("*.mp4"))
        if fold < 0 or (int(re.findall(r"\d+", file.stem)[0]) - 1) // 50 == fold
    ]


def write_clip(writers: list[VideoWriter], file: Path, *, is_fight: bool) -> float:
    """To the plain video, and with a painted corner to the marked one; its seconds."""
    with open_video(file) as video:
        rate = video.metadata.frames_per_second or 30.0
        frames = [cv2.resize(f.pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for f in video]
    count = int(len(frames) / rate * RATE)
    for number in range(count):
        picture = frames[min(int(number * rate / RATE), len(frames) - 1)].copy()
        writers[0].write(picture)
        picture[:MARK, :MARK] = (255, 0, 0) if is_fight else (0, 0, 255)
        writers[1].write(picture)
    return count / RATE


def fight_video(
    data: Path, fold: int, num_fights: tuple[int, int], seed: int, paths: tuple[Path, Path]
) -> tuple[float, float]:
    """Writes the plain and the marked video; when the fight begins and ends."""
    rng = np.random.default_rng((seed, 77))
    before, after = (int(n) for n in rng.integers(QUIET_CLIPS[0], QUIET_CLIPS[1] + 1, 2))
    during = int(rng.integers(num_fights[0], num_fights[1] + 1))
    quiet, fighting = (clips_of(data, kind, fold) for kind in ("nofight", "fight"))
    quiet = [quiet[i] for i in rng.choice(len(quiet), before + after, replace=False)]
    fighting = [fighting[i] for i in rng.choice(len(fighting), during, replace=False)]
    times, seconds = [], 0.0
    writers = [VideoWriter(path, width=WIDTH, height=HEIGHT, frames_per_second=RATE) for path in paths]
    for files, is_fight in ((quiet[:before], False), (fighting, True), (quiet[before:], False)):
        times.append(seconds)
        for file in files:
            seconds += write_clip(writers, file, is_fight=is_fight)
    for writer in writers:
        writer.close()
    return times[1], times[2]


def score(truth: list[tuple[float, float]], found: list[list[Any]]) -> dict[str, Any]:
    """F1 over all videos; an alarm is right if it overlaps the fight by half of their union."""
    matched = num_found = 0
    delays, known = [], []
    for (start, end), segments in zip(truth, found, strict=True):
        scores = evaluate_events([(start, end)], [(s.start_seconds, s.end_seconds) for s in segments])
        matched, num_found = matched + scores.num_matched, num_found + len(segments)
        delays += scores.delays_seconds
        inside = [s for s in segments if s.end_seconds > start and s.start_seconds < end]
        known += [inside[0].start_seconds + inside[0].attributes["latency_seconds"] - start] if inside else []
    return {
        "event F1 at tIoU 0.5": round(2 * matched / (len(truth) + num_found), 3),
        "precision": round(matched / num_found, 3) if num_found else 1.0,
        "recall": round(matched / len(truth), 3),
        "median delay of the found start, seconds": round(float(np.median(delays)), 2) if delays else None,
        "median seconds from the start until it is known": round(float(np.median(known)), 2)
        if known
        else None,
    }


def single_clips(data: Path, model: Any, fold: int) -> dict[str, float]:
    """Share of clips that are told rightly by their likeliest label."""
    classifier = Classifier(model)
    shares = {}
    for kind in ("fight", "nofight"):
        files = clips_of(data, kind, fold)
        labels = [answer.labels[0] for _, answer in classifier.classify_many(files, top=1)]
        shares[kind] = sum((label == "fight") == (kind == "fight") for label in labels) / len(files)
    return shares | {"balanced": sum(shares.values()) / 2}


def fights(
    data: Path, model: Any, *, fold: int, videos: int, work: Path, switch_cost: float | None = None
) -> dict[str, Any]:
    """All that is told of fights, for both kinds of videos."""
    rule = DetectionRule() if switch_cost is None else DetectionRule(switch_cost=switch_cost)
    results: dict[str, Any] = {
        "videos of each kind": videos,
        "switch_cost": rule.switch_cost,
        "single clips, rightly told": single_clips(data, model, fold),
    }
    contestants = {"model": model, "oracle": oracle()}
    for name, num_fights in FIGHT_CLIPS.items():
        truth: list[tuple[float, float]] = []
        found: dict[str, list[list[Any]]] = {who: [] for who in contestants}
        for seed in range(videos):
            with tempfile.TemporaryDirectory(dir=work) as folder:
                paths = (Path(folder) / "plain.mp4", Path(folder) / "marked.mp4")
                truth.append(fight_video(data, fold, num_fights, seed, paths))
                for (who, contestant), path in zip(contestants.items(), paths, strict=True):
                    segments = detect_actions(path, model=contestant, rule=rule)
                    found[who].append([s for s in segments if s.label == "fight"])
        results[name] = {who: score(truth, found[who]) for who in contestants}
        results[name]["found"] = [
            [[round(s.start_seconds, 1), round(s.end_seconds, 1), round(s.score, 2)] for s in segments]
            for segments in found["model"]
        ]
        results[name]["true"] = [[round(start, 1), round(end, 1)] for start, end in truth]
    return results
