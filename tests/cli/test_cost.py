"""`muybridge cost`: the numbers of the library, readable and as JSON."""

import json

import pytest
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.errors import OptionError, UnknownNameError


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["cost", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_convolutions() -> None:
    text = run("--conv", "3,64,3,7,7@16x224x224", "--conv", "64,128,3,3,3@8x56x56")
    assert "28,288" in text
    assert "21,824" in text
    assert "22.66 G" in text
    assert "5.55 G" in text
    data = json.loads(run("--conv", "128,256,3,3,3", "--size", "4x28x28", "--json"))
    assert data[0]["parameters"] == 884_992


def test_a_model_and_its_layers() -> None:
    text = run("causal_tiny", "--size", "4x32x32", "--layers")
    assert "216,208" in text
    assert "head" in text
    data = json.loads(run("two_stream", "--json"))
    assert data["input_shapes"] == [[1, 3, 1, 224, 224], [1, 20, 224, 224]]
    assert sum(layer["multiply_adds"] for layer in data["layers"]) == data["multiply_adds"]


@pytest.mark.parametrize("name", ["moment_detr", "video_captioner", "video_qa"])
def test_models_that_take_words(name: str) -> None:
    data = json.loads(run(name, "--json"))
    assert data["input_shapes"][1] == [1, 24]
    assert data["multiply_adds"] > 0


def test_another_size_of_the_clip_leaves_the_words() -> None:
    small, large = (json.loads(run("video_qa", "--size", f"4x{n}x{n}", "--json")) for n in (24, 48))
    assert large["input_shapes"] == [[1, 3, 4, 48, 48], [1, 24]]
    assert small["multiply_adds"] < large["multiply_adds"]


def test_attention() -> None:
    assert "1,568 tokens: 8 steps of 196" in run("--attention", "16x224x224")
    assert json.loads(run("--attention", "16x224x224", "--json"))["num_tokens"] == 1568


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--json"], "one of the three"),
        (["r3d_18", "--attention", "16x224x224"], "one of the three"),
        (["--conv", "3,64,3,7,7"], "not whole numbers"),
        (["--conv", "3,64@16x224x224"], "spec is"),
        (["r3d_18", "--size", "big"], "write them as in 16x224x224"),
        (["r3d_18", "--size", "16x112"], "not frames, height and width"),
        (["--attention", "16x224x224", "--size", "32x224x224"], "--size: of no effect on --attention"),
        (["--attention", "16x224x224", "--layers"], "--layers: of no effect without the name of a model"),
        (["--conv", "3,64,3,7,7@16x224x224", "--width", "7"], "--width: of no effect without --attention"),
        (["--conv", "3,64,3,7,7@4x8x8", "--size", "4x8x8"], "--size: of no effect where each --conv has"),
        (["r3d_18", "--tubelet", "2x16x16", "--width", "768"], "--tubelet, --width: .*; leave them out"),
        (["two_stream", "--size", "16x112x112"], "two_stream does not take one clip"),
        (["moment_detr", "--size", "16x112x112"], "moment_detr does not take one clip"),
    ],
)
def test_bad_input(words: list[str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        run(*words)


def test_an_unknown_model() -> None:
    with pytest.raises(UnknownNameError, match="r3d_18"):
        run("r3d_81")
