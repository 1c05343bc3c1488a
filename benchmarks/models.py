"""Models beside torchvision's, in one run.

    python benchmarks/models.py inference     # r3d_18 on a CPU: Inference against torchvision's model in eager float32
    python benchmarks/models.py parity        # largest difference of logits with the same random parameters
    python benchmarks/models.py throughput --device cuda --peak-tflops 989    # training and inference,
    with and without compile

Prints one JSON document. Where torchvision's compiled operators do not fit the installed torch, run it with tests/ on
PYTHONPATH: its oracle names them first.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from muybridge.actions.inference import Inference
from muybridge.models import create_model

CLIP = (3, 16, 112, 112)


def torchvision_models() -> Any:
    try:
        from torchvision_oracle import torchvision_video_models
    except ImportError:
        import torchvision.models.video

        return torchvision.models.video
    return torchvision_video_models()


def random_clips(count: int, generator: torch.Generator) -> torch.Tensor:
    """Half of them noise, half smooth, as far apart as real clips would be."""
    noise = torch.randn(count, *CLIP, generator=generator)
    coarse = torch.randn(count, 3, 4, 8, 8, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=CLIP[1:], mode="trilinear")
    return torch.where(torch.arange(count).view(-1, 1, 1, 1, 1) % 2 == 0, noise, smooth)


def settle_batch_norms(model: nn.Module, generator: torch.Generator) -> None:
    """Statistics that fit the random weights, so that logits differ from clip to clip as a trained network's do."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.momentum = 0.5
    with torch.no_grad():
        for _ in range(4):
            model(random_clips(2, generator))
    model.eval()


def alternate(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each, taken in turn, so that what else the machine does disturbs all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for round_number in range(rounds + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if round_number:  # the first is warming up
                seconds[name].append(time.perf_counter() - start)
    return seconds


def spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 4),
        "least": round(min(values), 4),
        "most": round(max(values), 4),
    }


def inference(arguments: argparse.Namespace) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    theirs = torchvision_models().r3d_18(num_classes=400)
    settle_batch_norms(theirs, generator)
    ours = create_model("r3d_18")
    ours.load_state_dict(theirs.state_dict())
    fast, exact = Inference(ours, device="cpu"), Inference(ours, device="cpu", precision="float32")
    result: dict[str, Any] = {"threads": torch.get_num_threads(), "precision": fast.precision}
    for batch in arguments.batches:
        clips = random_clips(batch, generator)

        def eager(clips: torch.Tensor = clips) -> torch.Tensor:
            with torch.inference_mode():
                return theirs(clips).softmax(1)

        seconds = alternate(
            {
                "torchvision eager float32": eager,
                "muybridge": lambda clips=clips: fast.probabilities(clips),
                "muybridge float32": lambda clips=clips: exact.probabilities(clips),
            },
            arguments.rounds,
        )
        base = seconds["torchvision eager float32"]
        result[f"batch {batch}"] = {
            name: {
                "seconds": spread(values),
                "times faster": spread([b / v for b, v in zip(base, values, strict=True)]),
            }
            for name, values in seconds.items()
        }
    same, recomputed_before = 0, fast.num_recomputed
    for start in range(0, arguments.clips, 4):
        clips = random_clips(min(4, arguments.clips - start), generator)
        with torch.inference_mode():
            expected = theirs(clips).argmax(1)
        same += int((fast.probabilities(clips).argmax(1) == expected).sum())
    result["same top-1"] = {
        "clips": arguments.clips,
        "share": same / arguments.clips,
        "recomputed in float32": (fast.num_recomputed - recomputed_before) / arguments.clips,
    }
    return result


def parity(arguments: argparse.Namespace) -> dict[str, Any]:
    result = {}
    for name in ("r3d_18", "mc3_18", "r2plus1d_18"):
        torch.manual_seed(0)
        theirs = getattr(torchvision_models(), name)(num_classes=400)
        settle_batch_norms(theirs, torch.Generator().manual_seed(0))
        ours = create_model(name).eval()
        ours.load_state_dict(theirs.state_dict())
        clips = torch.randn(2, *CLIP)
        with torch.inference_mode():
            expected, found = theirs(clips), ours(clips)
        result[name] = {
            "keys equal": list(ours.state_dict()) == list(theirs.state_dict()),
            "largest difference": (found - expected).abs().max().item(),
            "spread of logits": expected.std().item(),
        }
    return result


def throughput(arguments: argparse.Namespace) -> dict[str, Any]:
    from muybridge.analysis.cost import model_cost

    device = torch.device(arguments.device)
    result: dict[str, Any] = {"device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu"}
    for name in arguments.models:
        multiply_adds = model_cost(create_model(name), CLIP).multiply_adds
        for compiled in (False, True) if arguments.compile else (False,):
            for training in (False, True):
                model = create_model(name).to(device, memory_format=torch.channels_last_3d).train(training)
                run = torch.compile(model) if compiled else model
                optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
                clips = torch.randn(arguments.batches[0], *CLIP, device=device)
                clips = clips.contiguous(memory_format=torch.channels_last_3d)
                step = training_step if training else inference_step
                for _ in range(2):
                    step(run, clips, optimizer)
                wait(device)
                start = time.perf_counter()
                for _ in range(arguments.rounds):
                    step(run, clips, optimizer)
                wait(device)
                clips_per_second = arguments.rounds * len(clips) / (time.perf_counter() - start)
                # Two operations per multiply-add; the backward pass costs twice the forward one.
                tflops = clips_per_second * multiply_adds * 2 * (3 if training else 1) / 1e12
                label = f"{name} {'training' if training else 'inference'}{' compiled' if compiled else ''}"
                result[label] = {"clips per second": round(clips_per_second, 2), "TFLOP/s": round(tflops, 3)}
                if arguments.peak_tflops:
                    result[label]["share of peak"] = round(tflops / arguments.peak_tflops, 3)
    return result


def training_step(model: nn.Module, clips: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
    with torch.autocast(clips.device.type, torch.bfloat16):
        loss = model(clips).float().square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def inference_step(model: nn.Module, clips: torch.Tensor, _: torch.optim.Optimizer) -> None:
    with torch.inference_mode(), torch.autocast(clips.device.type, torch.bfloat16):
        model(clips)


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("subject", choices=["inference", "parity", "throughput"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--clips", type=int, default=100, help="random clips on which the top-1 is compared")
    parser.add_argument("--models", nargs="+", default=["r3d_18", "r2plus1d_18"])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--peak-tflops", type=float, help="the card's bf16 peak, from its data sheet")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps(globals()[arguments.subject](arguments), indent=2))


if __name__ == "__main__":
    main()
