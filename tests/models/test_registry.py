"""The registry: every model under one contract, and the words for what is not there."""

import inspect
from importlib import metadata
from pathlib import Path

import pytest
import torch
from torch import nn

import muybridge
from muybridge.errors import OptionError, ShapeError, UnknownNameError, WeightsError
from muybridge.models import registry
from muybridge.models.registry import create_model, list_models, model_entry, name_of, register
from muybridge.models.weights import Weights

OWN = [name for name in list_models() if not model_entry(name).extra]
CLASSIFIERS = [name for name in OWN if model_entry(name).task == "classification"]


def test_the_top_level_names() -> None:
    assert muybridge.create_model is create_model
    assert {"simple3d", "factorized3d", "r3d_18", "mc3_18", "r2plus1d_18", "vivit"} <= set(
        muybridge.list_models()
    )


@pytest.mark.parametrize("name", list_models())
def test_every_entry_keeps_the_contract(name: str) -> None:
    entry = model_entry(name)
    assert entry.builder.__name__ == name
    assert all(p.kind is p.KEYWORD_ONLY for p in inspect.signature(entry.builder).parameters.values())
    assert entry.description.endswith(".")
    for key, record in entry.weights.items():
        assert key == record.name
        assert record.license
        assert record.source.startswith("https://")
        if Path(record.url).is_file():  # comes with the package
            assert Path(record.url).stat().st_size <= 8 * 2**20
            continue
        assert record.url.startswith("https://") != bool(record.hub_name)
        assert bool(record.url) == bool(record.sha256)
        assert not record.accuracy or record.protocol, "an accuracy without its protocol says nothing"
        assert Weights.from_dict(record.to_dict()) == record


@pytest.mark.parametrize("name", OWN)
def test_every_own_model_builds_without_memory_and_keeps_its_head(name: str) -> None:
    entry = model_entry(name)
    with torch.device("meta"):
        model = create_model(name)
        if entry.head is not None:
            assert isinstance(model.get_submodule(entry.head), nn.Linear | nn.Conv3d)
            assert create_model(name, num_classes=7).get_submodule(entry.head).weight.shape[0] == 7


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_names_a_wrong_clip(name: str) -> None:
    entry = model_entry(name)
    if len(entry.inputs) != 1 or len(entry.inputs[0]) != 4:
        pytest.skip("takes more than one clip")
    channels, num_frames, size_px, _ = entry.inputs[0]
    with torch.device("meta"):
        model = create_model(name).eval()
        good = torch.zeros(1, channels, num_frames, size_px, size_px)
        assert model(good).shape[0] == 1
        for bad in (good[0], good[:, :1].expand(-1, channels + 1, -1, -1, -1), good.to(torch.uint8)):
            with pytest.raises(ShapeError, match=r"expected .*got"):
                model(bad)


def test_a_module_knows_its_name_in_the_registry(tmp_path: Path) -> None:
    model = create_model("mc3_18", num_classes=2)
    torch.save(model.state_dict(), tmp_path / "mine.pth")
    assert (
        name_of(model)
        == name_of(create_model("mc3_18", weights=tmp_path / "mine.pth", num_classes=2))
        == "mc3_18"
    )
    assert name_of(nn.Identity()) == "Identity"


def test_unknown_names_come_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown model 'r3d18'; did you mean 'r3d_18'"):
        create_model("r3d18")
    with pytest.raises(
        UnknownNameError, match="unknown weights of r3d_18 'kinetics'; did you mean 'kinetics400'"
    ):
        create_model("r3d_18", weights="kinetics")
    with pytest.raises(OptionError, match="r3d_18 has no option 'num_clases'; it has num_classes"):
        create_model("r3d_18", num_clases=3)
    with pytest.raises(WeightsError, match=r"no weights at .*absent\.pth"):
        create_model("r3d_18", weights="some/absent.pth")


@pytest.mark.parametrize("num_classes", [0, -1, 2.5])
def test_a_number_of_classes_that_counts_nothing_is_refused(num_classes: int) -> None:
    with pytest.raises(OptionError, match=f"num_classes is {num_classes}; it must be a whole number"):
        create_model("simple3d", num_classes=num_classes)


@pytest.mark.usefixtures("own_registry")
def test_builders_with_loose_arguments_are_refused() -> None:
    def loose(**options: object) -> nn.Module:
        return nn.Identity()

    def positional(num_classes: int = 3) -> nn.Module:
        return nn.Identity()

    for builder in (loose, positional):
        with pytest.raises(OptionError, match="must be keyword-only"):
            register(inputs=())(builder)


@pytest.mark.usefixtures("own_registry")
def test_a_taken_name_is_refused() -> None:
    def r3d_18(*, num_classes: int = 2) -> nn.Module:
        return nn.Identity()

    with pytest.raises(OptionError, match=r"already registered by muybridge\.models\.resnet3d"):
        register(inputs=())(r3d_18)


@pytest.mark.usefixtures("own_registry")
def test_another_package_adds_a_model_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        def load(self) -> None:
            @register(inputs=((3, 4, 8, 8),), head="1")
            def third_party(*, num_classes: int = 2) -> nn.Module:
                """A linear model on raw pixels."""
                return nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 8 * 8, num_classes))

    def entry_points(*, group: str) -> list[Point]:
        return [Point()] if group == "muybridge.models" else []

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    registry._load_modules.cache_clear()
    assert create_model("third_party", num_classes=3)(torch.zeros(1, 3, 4, 8, 8)).shape == (1, 3)
    registry._load_modules.cache_clear()
