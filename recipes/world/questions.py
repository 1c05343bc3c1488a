"""Teach a network to answer questions about the procedural world, and one that does not look, to compare.

python recipes/world/eyes.py --output runs/eyes
python recipes/world/questions.py --eyes runs/eyes/eyes.safetensors --output runs/questions
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import torch

from muybridge.models.checkpoint import read_checkpoint, save_checkpoint
from muybridge.models.video_qa import VideoQANet, video_qa
from muybridge.models.weights import Weights
from muybridge.training.loop import Trainer
from muybridge.training.settings import TrainingSettings
from muybridge.training.world_language import QuestionClips, measure_answers, question_loss, question_words


def train(model: VideoQANet, output: Path, options: argparse.Namespace) -> VideoQANet:
    """Train a network with or without eyes."""
    blind = model.visual is None
    settings = TrainingSettings(
        epochs=options.epochs,
        batch_size=16,
        learning_rate=1e-3,
        warmup_epochs=0.2,
        freeze=() if blind else ("visual.eyes",),
        precision="bfloat16",
        seed=options.seed,
        workers=options.workers,
    )
    dataset = QuestionClips(options.clips, model.vocabulary, model.answers, blind=blind)
    trainer = Trainer(model, settings, output, loss=question_loss, name="video_qa")
    resume = options.resume and (output / "state.pt").exists()
    result = trainer.fit(dataset, evaluate=lambda net: measure_answers(net, num_clips=60), resume=resume)
    trained = result.model
    assert isinstance(trained, VideoQANet)
    return trained


def main() -> None:
    """Train, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--eyes", type=Path, default=Path("runs/eyes/eyes.safetensors"))
    parser.add_argument("--output", type=Path, default=Path("runs/questions"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--clips", type=int, default=1000, help="new worlds in each epoch")
    parser.add_argument("--workers", type=int, default=0, help="processes that paint worlds")
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    started = time.perf_counter()
    words, answers = question_words()
    model = video_qa(words=words, answers=answers)
    assert model.visual is not None
    model.visual.eyes.load_state_dict(read_checkpoint(options.eyes).state)
    model.visual.eyes.to(memory_format=torch.channels_last)
    trained = train(model, options.output, options)
    seconds = time.perf_counter() - started
    about = Weights(
        "world_questions",
        num_frames=16,
        frames_per_second=8.0,
        size_px=48,
        options={"words": list(words), "answers": list(answers)},
    )
    save_checkpoint(options.output / "answerer.safetensors", trained, name="video_qa", weights=about)
    blind_model = video_qa(words=words, answers=answers, blind=True)
    blind = train(blind_model, options.output / "blind", options)
    print(
        json.dumps(
            {
                "seconds": round(seconds),
                "sees": measure_answers(trained, num_clips=600),
                "blind": measure_answers(blind, num_clips=600),
            }
        )
    )


if __name__ == "__main__":
    main()
