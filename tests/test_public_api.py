"""The public names: what is promised exists, is documented, and is not lost by accident."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import muybridge

# What users, examples and outside checks rely on: add freely, rename only with a deprecation.
PROMISED = {
    "Answer Clip Frame Picture Prediction Segment Signal TextLine TextTrack Timeline VideoMetadata",
    "MuybridgeError VideoError VideoOpenError VideoDecodeError EmptyVideoError ShapeError OptionError OutputError",
    "UnknownNameError WeightsError MissingExtraError DamagedVideoWarning",
    "analyze classify compute_flow create_model detect_actions detect_shots find_moments list_models open_video",
    "pick_keyframes",
    "read_text sample_clip",
}
PACKAGES = sorted(
    f"muybridge.{module.name}" for module in pkgutil.iter_modules(muybridge.__path__) if module.ispkg
)


@pytest.mark.parametrize("name", sorted(" ".join(PROMISED).split()))
def test_promised_names_exist_and_are_documented(name: str) -> None:
    value = getattr(muybridge, name)
    assert name in muybridge.__all__
    assert inspect.getdoc(value)


def test_all_public_names_can_be_imported() -> None:
    for name in muybridge.__all__:
        assert getattr(muybridge, name) is not None
    assert sorted(muybridge.__all__, key=str.lower) == sorted(set(muybridge.__all__), key=str.lower)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_public_name_is_shadowed_by_a_submodule(package: str) -> None:
    """Importing `package.name` the module would overwrite `name` the function."""
    module = importlib.import_module(package)
    names = set(getattr(module, "_NAMES", ()))
    files = {path.stem for path in Path(module.__path__[0]).glob("*.py")}
    assert not names & files
    for name in names:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_say_what_they_are_for(package: str) -> None:
    assert inspect.getdoc(importlib.import_module(package))


def test_results_can_be_taken_away() -> None:
    for name in ("Answer", "Clip", "Frame", "Picture", "Prediction", "Segment", "Signal"):
        assert callable(getattr(muybridge, name).to_dict)
    for name in ("TextLine", "TextTrack", "Timeline", "VideoMetadata"):
        assert callable(getattr(muybridge, name).from_dict)
