"""Files that load, and files that must not."""

import json
import pickle
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import nn

from muybridge.errors import MuybridgeError, WeightsError
from muybridge.models.checkpoint import read_checkpoint, save_checkpoint
from muybridge.models.registry import create_model
from muybridge.models.weights import Weights, weights_of

RECORD = Weights("mine", labels=("clap", "wave"), mean=(0.4, 0.4, 0.4), num_frames=8, size_px=32)


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return create_model("factorized3d", num_classes=2).eval()


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_a_saved_checkpoint_describes_itself(model: nn.Module, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "mine.safetensors", model, name="factorized3d", weights=RECORD)
    found = create_model("factorized3d", weights=tmp_path / "mine.safetensors")
    assert same(found, model)
    assert weights_of(found) == RECORD
    assert not found.training
    with pytest.raises(WeightsError, match="belongs to factorized3d, not to simple3d"):
        create_model("simple3d", weights=tmp_path / "mine.safetensors")


@pytest.mark.parametrize(
    ("values", "allowed"),
    [
        ({"num_frames": 10**5}, "4096 or fewer"),
        ({"num_frames": 1024, "size_px": 1024}, "512 or fewer at a size of 1024"),
        ({"size_px": 10**5}, "4096 or less"),
        ({"resize_px": 10**5}, "1 to 4096"),
        ({"resize_px": [256, 10**5]}, "1 to 4096"),
        ({"std": [1e-320] * 3}, "1e-06 or more"),
        ({"options": {"memory_frames": 10**12}}, "a whole number from 1 to 16384"),
        ({"options": {"memory_frames": 2.5}}, "a whole number from 1 to 16384"),
    ],
)
def test_a_record_that_asks_for_the_impossible_is_refused(
    tmp_path: Path, values: dict[str, object], allowed: str
) -> None:
    net = create_model("causal_tiny", num_classes=2)
    about = {"model": "causal_tiny", "weights": RECORD.to_dict() | values}
    save_file(net.state_dict(), tmp_path / "mine.safetensors", metadata={"muybridge": json.dumps(about)})
    with pytest.raises(MuybridgeError, match=f"is .*; it must be {allowed}"):
        create_model("causal_tiny", weights=tmp_path / "mine.safetensors")


def test_builder_options_travel_with_the_file(tmp_path: Path) -> None:
    narrow = create_model("factorized3d", num_classes=2, mid_channels=8)
    record = Weights("narrow", labels=("clap", "wave"), options={"mid_channels": 8})
    save_checkpoint(tmp_path / "narrow.safetensors", narrow, name="factorized3d", weights=record)
    assert same(create_model("factorized3d", weights=tmp_path / "narrow.safetensors"), narrow)


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model", "model_state_dict"])
def test_plain_pytorch_files_load(model: nn.Module, tmp_path: Path, wrapper: str | None) -> None:
    state: dict[str, object] = {f"module.{key}": value for key, value in model.state_dict().items()}
    torch.save({wrapper: state, "epoch": 3} if wrapper else state, tmp_path / "plain.pth")
    found = create_model("factorized3d", weights=str(tmp_path / "plain.pth"))
    assert same(found, model)
    assert weights_of(found) is None


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (exec, ("open('/tmp/muybridge_was_here', 'w')",))


@pytest.mark.parametrize("save", [torch.save, lambda thing, path: path.write_bytes(pickle.dumps(thing))])
def test_a_pickle_with_code_inside_is_refused(save, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    Path("/tmp/muybridge_was_here").unlink(missing_ok=True)
    save({"weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match="refused: it holds Python objects that would run code"):
        read_checkpoint(tmp_path / "evil.pth")
    assert not Path("/tmp/muybridge_was_here").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("damage", ["cut", "noise", "empty"])
def test_a_damaged_file_is_named(model: nn.Module, tmp_path: Path, suffix: str, damage: str) -> None:
    path = tmp_path / f"damaged{suffix}"
    if suffix == ".pth":
        torch.save(model.state_dict(), path)
    else:
        save_checkpoint(path, model, name="factorized3d", weights=RECORD)
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "noise": b"\x07noise" * 99, "empty": b""}[damage])
    with pytest.raises(WeightsError, match=r"damaged\.\w+ is not a readable checkpoint"):
        create_model("factorized3d", weights=path)


@pytest.mark.parametrize("old_format", [False, True])
def test_noise_in_a_pytorch_file_is_never_a_traceback(tmp_path: Path, old_format: bool) -> None:
    path = tmp_path / "noisy.pth"
    state = {"a": torch.zeros(3, 4), "m": torch.zeros(2)}
    torch.save(state, path, _use_new_zipfile_serialization=not old_format)
    whole = path.read_bytes()
    generator = random.Random(0)
    refused = []
    for _ in range(150):
        noisy = bytearray(whole)
        for _ in range(generator.choice((1, 2, 5))):
            noisy[generator.randrange(len(noisy))] = generator.randrange(256)
        path.write_bytes(noisy)
        try:
            found = read_checkpoint(path)
        except WeightsError as error:
            refused.append(str(error))
        else:  # the noise hit numbers, names, or nothing that matters
            assert all(isinstance(value, torch.Tensor) for value in found.state.values())
    assert len(refused) > 20
    assert all(message.startswith(str(path)) for message in refused)


@pytest.mark.parametrize(
    "content", [b"hello\n", b"config file\nof a thing\n", b"\x00\x00\x00\x1cftypisom", b"# a page"]
)
def test_something_else_is_not_accused_of_code(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "thing.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"thing\.pt is not a readable checkpoint") as caught:
        read_checkpoint(tmp_path / "thing.pt")
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize(
    ("about", "message"),
    [
        (None, "does not describe itself"),
        ([], "does not describe itself"),
        ({"model": 3}, "does not describe itself"),
        ({"model": "factorized3d", "weights": []}, "a mapping that has a name"),
        ({"model": "factorized3d", "weights": {"labels": ["clap"]}}, "a mapping that has a name"),
        ({"labels": "clap"}, "labels is 'clap'"),
        ({"labels": [1, 2]}, r"labels is \(1, 2\)"),
        ({"interpolation": "foo"}, "interpolation is 'foo'; it must be bilinear or bicubic"),
        ({"resize_px": 0}, "resize_px is 0"),
        ({"resize_px": [32, 0]}, r"resize_px is \(32, 0\)"),
        ({"frames_per_second": 0}, "frames_per_second is 0"),
        ({"frames_per_second": -3.0}, r"frames_per_second is -3\.0"),
        ({"num_frames": "many"}, "num_frames is 'many'"),
        ({"size_px": True}, "size_px is True"),
        ({"std": [1, 1, float("nan")]}, r"std is \(1, 1, nan\)"),
        ({"options": [1]}, r"options is \(1,\)"),
        (
            {"options": {"mid_chanels": 8}},
            "cannot be built with the options of its record, {'mid_chanels': 8}",
        ),
    ],
)
def test_a_file_that_describes_itself_wrongly(
    model: nn.Module, tmp_path: Path, about: object, message: str
) -> None:
    if isinstance(about, dict) and not {"model", "weights"} & set(about):  # part of a record
        about = {"model": "factorized3d", "weights": {**RECORD.to_dict(), **about}}
    path = tmp_path / "wrong.safetensors"
    save_model(model, str(path), metadata={"muybridge": json.dumps(about)})
    with pytest.raises(WeightsError, match=rf"wrong\.safetensors.*{message}"):
        create_model("factorized3d", weights=path)


def test_things_that_are_not_tensors_by_name(tmp_path: Path) -> None:
    for thing, message in (([1, 2], "holds a list"), ({}, "holds a dict"), ({"a": 3}, "'a' is not a tensor")):
        torch.save(thing, tmp_path / "thing.pth")
        with pytest.raises(WeightsError, match=message):
            read_checkpoint(tmp_path / "thing.pth")
    with pytest.raises(WeightsError, match="no weights at"):
        read_checkpoint(tmp_path / "absent.pth")


def test_another_architecture_says_which_keys_miss_and_which_are_extra(
    model: nn.Module, tmp_path: Path
) -> None:
    torch.save(model.state_dict(), tmp_path / "factorized.pth")
    with pytest.raises(WeightsError) as caught:
        create_model("simple3d", weights=tmp_path / "factorized.pth")
    message = str(caught.value)
    assert "does not fit simple3d" in message
    assert "21 keys extra (stem.3.weight, " in message
    assert "shapes differ (stem.0.weight is (64, 3, 1, 7, 7), the model has (64, 3, 3, 7, 7))" in message
    torch.save({k: v for k, v in model.state_dict().items() if k != "stem.1.bias"}, tmp_path / "part.pth")
    with pytest.raises(WeightsError, match=r"1 key missing \(stem\.1\.bias\)$"):
        create_model("factorized3d", weights=tmp_path / "part.pth")


def test_a_new_number_of_classes_replaces_only_the_head(model: nn.Module, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "mine.safetensors", model, name="factorized3d", weights=RECORD)
    found = create_model("factorized3d", weights=tmp_path / "mine.safetensors", num_classes=5)
    assert found.fc.out_features == 5
    assert torch.equal(found.stem[0].weight, model.stem[0].weight)
    record = weights_of(found)
    assert record is not None
    assert (record.labels, record.mean) == ((), RECORD.mean)


def test_a_model_without_one_head_takes_the_weights_own_number(tmp_path: Path) -> None:
    net = create_model("two_stream", num_classes=5, width=4).eval()
    record = Weights("mine", labels=("a", "b", "c", "d", "e"), options={"width": 4})
    save_checkpoint(tmp_path / "mine.safetensors", net, name="two_stream", weights=record)
    found = create_model("two_stream", weights=tmp_path / "mine.safetensors", num_classes=5)
    assert same(found, net)
    assert weights_of(found) == record
    with pytest.raises(
        WeightsError, match=r"4 shapes differ \(spatial\.fc\.\w+ is \(5,.*, the model has \(7,"
    ):
        create_model("two_stream", weights=tmp_path / "mine.safetensors", num_classes=7)
    proposals = create_model("temporal_proposal_net", num_classes=3)
    torch.save(proposals.state_dict(), tmp_path / "proposals.pth")
    again = create_model("temporal_proposal_net", weights=tmp_path / "proposals.pth", num_classes=3)
    assert same(again, proposals)


def test_a_published_file_is_known_by_its_name(tmp_path: Path) -> None:
    torch.save(create_model("mc3_18").state_dict(), tmp_path / "mc3_18-a90a0ba3.pth")
    record = weights_of(create_model("mc3_18", weights=tmp_path / "mc3_18-a90a0ba3.pth"))
    assert record is not None
    assert record.labels[0] == "abseiling"
