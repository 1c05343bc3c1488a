"""The residual networks against torchvision's, which published the weights."""

import pytest
import torch

import muybridge
from muybridge.models.registry import model_entry
from muybridge.models.weights import kinetics400_labels
from torchvision_oracle import torchvision_video_models

NAMES = ["r3d_18", "mc3_18", "r2plus1d_18"]


@pytest.mark.parametrize("name", NAMES)
def test_same_keys_and_same_logits_as_torchvision(name: str) -> None:
    theirs = getattr(torchvision_video_models(), name)(num_classes=7).eval()
    generator = torch.Generator().manual_seed(1)
    state = {
        key: torch.rand(value.shape, generator=generator) * 0.1 + 0.5
        if "running_var" in key
        else (torch.randn(value.shape, generator=generator) * 0.05 if value.is_floating_point() else value)
        for key, value in theirs.state_dict().items()
    }
    theirs.load_state_dict(state)
    ours = muybridge.create_model(name, num_classes=7).eval()
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)
    clip = torch.randn(2, 3, 8, 56, 56, generator=generator)
    with torch.inference_mode():
        expected, found = theirs(clip), ours(clip)
    assert expected.abs().max() > 1e-3  # the comparison would mean nothing on zeros
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_the_record_says_what_torchvision_publishes(name: str) -> None:
    video = torchvision_video_models()
    builder = {"r3d_18": "R3D_18", "mc3_18": "MC3_18", "r2plus1d_18": "R2Plus1D_18"}[name]
    published = getattr(video, f"{builder}_Weights").KINETICS400_V1
    record = model_entry(name).weights["kinetics400"]
    assert record.url == published.url
    assert published.url.endswith(f"-{record.sha256}.pth")
    assert list(record.labels) == published.meta["categories"]
    metrics = published.meta["_metrics"]["Kinetics-400"]
    assert dict(record.accuracy) == {"top1": metrics["acc@1"], "top5": metrics["acc@5"]}
    transforms = published.transforms()
    assert list(record.mean) == transforms.mean
    assert list(record.std) == transforms.std
    assert list(record.resize_px) == transforms.resize_size
    assert [record.size_px] * 2 == transforms.crop_size
    for words in ("frame_rate=15", "clips_per_video=5", "clip_len=16"):
        assert words in published.meta["_docs"]
    parameters = sum(p.numel() for p in muybridge.create_model(name).parameters())
    assert parameters == published.meta["num_params"]


def test_the_labels_are_those_of_kinetics_400(shared) -> None:  # type: ignore[no-untyped-def]
    listed = (shared / "formats" / "kinetics400_labels.txt").read_text(encoding="utf-8").splitlines()
    assert list(kinetics400_labels()) == listed


def test_stages_have_the_shapes_that_the_docstring_draws() -> None:
    shapes = {"r3d_18": (1, 512, 1, 4, 4), "mc3_18": (1, 512, 8, 4, 4)}
    for name, shape in shapes.items():
        with torch.inference_mode():
            model = muybridge.create_model(name, num_classes=2).eval()
            assert model.features(torch.zeros(1, 3, 8, 64, 64)).shape == shape
