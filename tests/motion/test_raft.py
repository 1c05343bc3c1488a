"""RAFT: torchvision's architecture with weights from a local file; torchvision itself is the oracle."""

import os
import urllib.error
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from muybridge.errors import MissingExtraError, MuybridgeError, OptionError, UnknownNameError, WeightsError
from muybridge.motion import raft
from muybridge.motion.flow import compute_flow
from muybridge.motion.raft import Raft
from torchvision_oracle import torchvision_video_models

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def optical_flow() -> ModuleType:
    torchvision_video_models()
    import torchvision.models.optical_flow

    return torchvision.models.optical_flow


@pytest.fixture(scope="module")
def checkpoint(optical_flow: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("raft") / "raft_small.pth"
    torch.save(optical_flow.raft_small(weights=None).state_dict(), path)
    return path


def frames(height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 255, (height // 4, width // 4, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    return first, np.roll(first, 3, axis=1)


def test_equals_torchvision_with_the_same_weights(optical_flow: ModuleType, checkpoint: Path) -> None:
    first, second = frames(128, 160)
    network = optical_flow.raft_small(weights=None).eval()
    network.load_state_dict(torch.load(checkpoint, weights_only=True))
    pair = optical_flow.Raft_Small_Weights.DEFAULT.transforms()(
        *(torch.from_numpy(pixels).permute(2, 0, 1)[None] for pixels in (first, second))
    )
    with torch.inference_mode():
        expected = network(*pair, num_flow_updates=3)[-1][0].permute(1, 2, 0).numpy()
    flow = compute_flow(first, second, method=Raft("small", checkpoint=checkpoint, num_flow_updates=3))
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(flow, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (20, 44), (132, 136)])
def test_any_size_is_padded_and_cut_back(checkpoint: Path, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    pair = [rng.integers(0, 255, size, np.uint8) for _ in range(2)]  # gray becomes RGB
    flow = compute_flow(*pair, method=Raft("small", checkpoint=checkpoint, num_flow_updates=1))
    assert flow.shape == (*size, 2)
    assert flow.dtype == np.float32
    assert np.isfinite(flow).all()


@pytest.mark.usefixtures("optical_flow")
def test_without_a_network_the_error_says_which_file_to_put_where(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(
        WeightsError, match=r"no route to host.*raft_small_\w+-\w+\.pth.* put it at .*raft_small"
    ):
        compute_flow(*frames(64, 64), method="raft_small")


@pytest.mark.usefixtures("optical_flow")
def test_bad_checkpoints(tmp_path: Path) -> None:
    pair = frames(64, 64)
    with pytest.raises(WeightsError, match="absent"):
        compute_flow(*pair, method=Raft("small", checkpoint=tmp_path / "absent.pth"))
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(WeightsError, match="not a readable checkpoint"):
        compute_flow(*pair, method=Raft("small", checkpoint=tmp_path / "text.pth"))
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(
        WeightsError, match=r"fit RAFT 'small': \d+ keys missing \(.*\); 1 key extra \(weight\)"
    ):
        compute_flow(*pair, method=Raft("small", checkpoint=tmp_path / "other.pth"))
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(WeightsError, match="holds a list"):
        compute_flow(*pair, method=Raft("small", checkpoint=tmp_path / "list.pth"))


def test_every_form_of_a_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    state = torch.load(checkpoint, weights_only=True)
    torch.save(
        {"state_dict": {f"module.{key}": tensor for key, tensor in state.items()}}, tmp_path / "trained.pth"
    )
    save_file(state, tmp_path / "raft.safetensors")
    pair = frames(128, 128)
    plain, wrapped, safe = (
        compute_flow(*pair, method=Raft("small", checkpoint=path, num_flow_updates=1))
        for path in (checkpoint, tmp_path / "trained.pth", tmp_path / "raft.safetensors")
    )
    assert np.abs(plain).max() > 0.01
    np.testing.assert_array_equal(wrapped, plain)
    np.testing.assert_array_equal(safe, plain)


def test_a_checkpoint_that_has_changed_is_read_again(optical_flow: ModuleType, tmp_path: Path) -> None:
    path, pair = tmp_path / "raft.pth", frames(128, 128)
    method = Raft("small", checkpoint=path, num_flow_updates=1)
    flows = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        torch.save(optical_flow.raft_small(weights=None).state_dict(), path)
        os.utime(path, ns=(seed, seed))
        flows.append(compute_flow(*pair, method=method))
    assert np.abs(flows[0] - flows[1]).max() > 0.01
    path.unlink()
    with pytest.raises(WeightsError, match="no weights at"):
        compute_flow(*pair, method=method)


@pytest.mark.parametrize("device", ["cuda:99", "toaster"])
def test_a_device_that_is_not_there(device: str, checkpoint: Path) -> None:
    with pytest.raises(OptionError, match=f"device is '{device}'.* 'cpu'"):
        compute_flow(*frames(64, 64), method=Raft("small", checkpoint=checkpoint, device=device))


def test_a_torchvision_that_does_not_fit_gets_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def misfit(module: str, *, extra: str) -> ModuleType:
        if module == "torch":
            return torch  # type: ignore[return-value]
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(raft, "require_extra", misfit)
    with pytest.raises(MuybridgeError, match="of one release"):
        compute_flow(*frames(64, 64), method=Raft("large", checkpoint="any.pth"))


def test_without_torchvision_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(module: str, *, extra: str) -> ModuleType:
        raise MissingExtraError(module, extra=extra)

    monkeypatch.setattr(raft, "require_extra", absent)
    with pytest.raises(MissingExtraError, match=r"muybridge\[hub\]"):
        compute_flow(*frames(64, 64), method=Raft("large", checkpoint="any.pth"))


def test_bad_options() -> None:
    with pytest.raises(UnknownNameError, match="RAFT size 'medium'"):
        Raft("medium")  # type: ignore[arg-type]
    for count in (0, 2.5):
        with pytest.raises(OptionError, match=f"num_flow_updates is {count}; it must be a whole number"):
            Raft(num_flow_updates=count)  # type: ignore[arg-type]
