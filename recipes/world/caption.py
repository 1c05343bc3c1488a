"""Teach a captioner to say what happens in the procedural world.

python recipes/world/eyes.py --output runs/eyes
python recipes/world/caption.py --eyes runs/eyes/eyes.safetensors --output runs/caption
"""

import json
import time
from pathlib import Path

import cv2
import torch
from run_options import run_options

from muybridge.models.checkpoint import read_checkpoint, save_checkpoint
from muybridge.models.video_captioner import video_captioner
from muybridge.models.vocabulary import Vocabulary
from muybridge.models.weights import Weights
from muybridge.training.loop import Trainer
from muybridge.training.settings import TrainingSettings
from muybridge.training.world_language import CaptionClips, caption_loss, caption_words, measure_captions


def main() -> None:
    """Train, measure, save."""
    parser = run_options(__doc__, output="runs/caption", epochs=8)
    parser.add_argument("--eyes", type=Path, default=Path("runs/eyes/eyes.safetensors"))
    parser.add_argument("--clips", type=int, default=1000, help="new worlds in each epoch")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    started = time.perf_counter()
    words = caption_words()
    model = video_captioner(words=words)
    model.visual.eyes.load_state_dict(read_checkpoint(options.eyes).state)
    model.visual.eyes.to(memory_format=torch.channels_last)
    settings = TrainingSettings(
        epochs=options.epochs,
        batch_size=16,
        learning_rate=1e-3,
        warmup_epochs=0.2,
        freeze=("visual.eyes",),
        precision="auto",
        seed=options.seed,
        workers=options.workers,
    )
    trainer = Trainer(model, settings, options.output, loss=caption_loss, name="video_captioner")
    result = trainer.fit(
        CaptionClips(options.clips, Vocabulary(words)),
        evaluate=lambda net: measure_captions(net, num_clips=50),
        resume=options.resume,
    )
    seconds = time.perf_counter() - started
    about = Weights(
        "world_captions", num_frames=16, frames_per_second=8.0, size_px=48, options={"words": list(words)}
    )
    save_checkpoint(
        options.output / "captioner.safetensors", result.model, name="video_captioner", weights=about
    )
    print(json.dumps({"seconds": round(seconds), **measure_captions(result.model, num_clips=600)}))


if __name__ == "__main__":
    main()
