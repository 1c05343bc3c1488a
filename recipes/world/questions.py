"""Teach a network to answer questions about the procedural world, and one that does not look, to compare.

python recipes/world/eyes.py --output runs/eyes
python recipes/world/caption.py --eyes runs/eyes/eyes.safetensors --output runs/caption
python recipes/world/questions.py --captioner runs/caption/captioner.safetensors --output runs/questions
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import torch
from run_options import run_options

from muybridge.models.checkpoint import read_checkpoint, save_checkpoint
from muybridge.models.video_qa import VideoQANet, video_qa
from muybridge.models.weights import Weights
from muybridge.training.loop import Trainer
from muybridge.training.settings import TrainingSettings
from muybridge.training.world import make_world
from muybridge.training.world_cells import NETWORK_WORLD
from muybridge.training.world_language import (
    QuestionClips,
    QuestionGrids,
    measure_answers,
    question_loss,
    question_words,
)
from muybridge.training.world_watching import watch_worlds


def train(model: VideoQANet, output: Path, options: argparse.Namespace) -> VideoQANet:
    """Train a network with or without eyes."""
    settings = TrainingSettings(
        epochs=options.epochs,
        batch_size=16,
        learning_rate=1e-3,
        warmup_epochs=0.25,
        freeze=() if model.visual is None else ("visual.eyes",),
        precision="auto",
        seed=options.seed,
        workers=options.workers,
    )
    dataset: QuestionClips | QuestionGrids
    if model.visual is None:
        dataset = QuestionClips(options.worlds, model.vocabulary, model.answers, num_questions=8, blind=True)
    else:
        worlds = [make_world(options.seed * options.worlds + n, NETWORK_WORLD) for n in range(options.worlds)]
        grids = watch_worlds(worlds, model.visual.eyes, output)
        dataset = QuestionGrids(worlds, grids, model.vocabulary, model.answers)
    trainer = Trainer(model, settings, output, loss=question_loss, name="video_qa")
    resume = options.resume and (output / "state.pt").exists()
    result = trainer.fit(dataset, evaluate=lambda net: measure_answers(net, num_clips=200), resume=resume)
    trained = result.model
    assert isinstance(trained, VideoQANet)
    return trained


def main() -> None:
    """Train, measure, save."""
    parser = run_options(__doc__, output="runs/questions", epochs=5)
    parser.add_argument("--captioner", type=Path, default=Path("runs/caption/captioner.safetensors"))
    parser.add_argument("--worlds", type=int, default=6000, help="looked at once, asked anew in each epoch")
    parser.add_argument("--blind-epochs", type=int, default=2, help="of the network that does not look")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    started = time.perf_counter()
    words, answers = question_words()
    model = video_qa(words=words, answers=answers)
    assert model.visual is not None
    # What the captioner looks for, color, shape and motion at one place, is what questions are about.
    state = read_checkpoint(options.captioner).state
    start = "visual."
    model.visual.load_state_dict(
        {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
    )
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
    sees = measure_answers(trained, num_clips=1000)
    print(json.dumps({"seconds": round(seconds), "sees": sees}), flush=True)
    options.epochs = options.blind_epochs
    blind_model = video_qa(words=words, answers=answers, blind=True)
    blind = train(blind_model, options.output / "blind", options)
    print(json.dumps({"blind": measure_answers(blind, num_clips=1000)}))


if __name__ == "__main__":
    main()
