"""Teach the grounding network to find what a sentence says in two-minute videos of the procedural world.

python recipes/world/eyes.py --output runs/eyes
python recipes/world/moments.py --eyes runs/eyes/eyes.safetensors --output runs/moments
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import torch
from run_options import run_options

from muybridge.models.checkpoint import read_checkpoint, save_checkpoint
from muybridge.models.moment_detr import MomentDETR, moment_detr
from muybridge.models.weights import Weights
from muybridge.training.loop import Trainer
from muybridge.training.settings import TrainingSettings
from muybridge.training.world_cells import TEST_SEEDS
from muybridge.training.world_language import caption_words
from muybridge.training.world_moments import (
    LongVideo,
    MomentVideos,
    grounding_loss,
    measure_grounding,
    measure_random_spans,
    watch_long_worlds,
)


def train(
    model: MomentDETR,
    videos: list[LongVideo],
    test: list[LongVideo],
    output: Path,
    options: argparse.Namespace,
) -> MomentDETR:
    """Train a network on what was seen of the videos, or without eyes on the queries alone."""
    blind = model.eyes is None
    settings = TrainingSettings(
        epochs=options.blind_epochs if blind else options.epochs,
        batch_size=2,
        learning_rate=6e-4,
        warmup_epochs=0.5,
        freeze=() if blind else ("eyes",),
        precision="auto",
        seed=options.seed,
        workers=options.workers,
    )
    trainer = Trainer(model, settings, output, loss=grounding_loss, name="moment_detr")
    result = trainer.fit(
        MomentVideos(videos, model, blind=blind),
        evaluate=lambda net: measure_grounding(net, test[:8], blind=blind),
        resume=options.resume and (output / "state.pt").exists(),
    )
    trained = result.model
    assert isinstance(trained, MomentDETR)
    return trained


def main() -> None:
    """Look at the videos once, train, measure, save."""
    parser = run_options(__doc__, output="runs/moments", epochs=14)
    parser.add_argument("--eyes", type=Path, default=Path("runs/eyes/eyes.safetensors"))
    parser.add_argument("--videos", type=int, default=400, help="of two minutes, looked at once")
    parser.add_argument("--blind-epochs", type=int, default=5, help="of the network that reads queries alone")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    started = time.perf_counter()
    torch.manual_seed(options.seed)
    options_of_model = {"words": list(caption_words()), "eye_width": 32}
    model = moment_detr(words=caption_words(), eye_width=32)
    assert model.eyes is not None
    model.eyes.load_state_dict(read_checkpoint(options.eyes).state)
    model.eval().to(memory_format=torch.channels_last)
    test = watch_long_worlds(range(TEST_SEEDS, TEST_SEEDS + 40), model, options.output)
    first = options.seed * options.videos
    videos = watch_long_worlds(range(first, first + options.videos), model, options.output)
    watched = time.perf_counter() - started
    trained = train(model, videos, test, options.output, options)
    seconds = time.perf_counter() - started
    about = Weights("world_moments", frames_per_second=1.0, size_px=48, options=options_of_model)
    save_checkpoint(options.output / "grounder.safetensors", trained, name="moment_detr", weights=about)
    result = {
        "seconds": round(seconds),
        "seconds_watching": round(watched),
        "sees": measure_grounding(trained, test),
        "random": measure_random_spans(test),
    }
    print(json.dumps(result), flush=True)
    torch.manual_seed(options.seed)
    reader = moment_detr(words=caption_words())
    text_only = train(reader, videos, test, options.output / "text_only", options)
    print(json.dumps({"text_only": measure_grounding(text_only, test, blind=True)}))


if __name__ == "__main__":
    main()
