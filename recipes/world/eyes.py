"""Teach a network to see the procedural world: what is in each cell and what it is doing.

python recipes/world/eyes.py --output runs/eyes
"""

import json
import time

import cv2
import torch
from run_options import run_options

from muybridge.models.checkpoint import save_checkpoint
from muybridge.models.temporal_shift import temporal_shift
from muybridge.models.weights import Weights
from muybridge.training.loop import Trainer
from muybridge.training.settings import TrainingSettings
from muybridge.training.world_cells import CellClips, CellReader, cell_accuracy, cells_loss


def main() -> None:
    """Train, measure, save."""
    parser = run_options(__doc__, output="runs/eyes", epochs=10)
    parser.add_argument("--clips", type=int, default=2000, help="new worlds in each epoch")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    started = time.perf_counter()
    model = CellReader(temporal_shift()).to(memory_format=torch.channels_last)
    settings = TrainingSettings(
        epochs=options.epochs,
        batch_size=16,
        learning_rate=3e-3,
        warmup_epochs=0.5,
        precision="auto",
        seed=options.seed,
        workers=options.workers,
    )
    trainer = Trainer(model, settings, options.output, loss=cells_loss)
    result = trainer.fit(
        CellClips(options.clips), evaluate=lambda net: cell_accuracy(net, num_clips=60), resume=options.resume
    )
    seconds = time.perf_counter() - started
    save_checkpoint(
        options.output / "eyes.safetensors", result.model.eyes, name="temporal_shift", weights=Weights("eyes")
    )
    print(json.dumps({"seconds": round(seconds), **cell_accuracy(result.model, num_clips=400)}))


if __name__ == "__main__":
    main()
