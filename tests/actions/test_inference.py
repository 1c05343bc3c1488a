"""Fast inference keeps the answer of float32, and refuses what is no number."""

import pytest
import torch
from torch import nn

from muybridge.actions.inference import Inference
from muybridge.errors import ShapeError, WeightsError
from muybridge.models.folding import fold_batch_norms
from muybridge.models.registry import create_model


class Fixed(nn.Module):
    """The mean of the clip times fixed logits."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.row = nn.Parameter(torch.tensor(logits))

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return clip.mean(dim=(1, 2, 3, 4))[:, None] * self.row


ONES = torch.ones(1, 3, 2, 4, 4)


def test_a_near_tie_is_computed_again_in_float32() -> None:
    # 1.001 and 1.0 are the same number in bfloat16, so the fast answer alone would be a coin toss.
    inference = Inference(Fixed(1.0, 1.001, 0.0), precision="bfloat16", device="cpu")
    found = inference.probabilities(ONES)
    assert inference.num_recomputed == 1
    torch.testing.assert_close(found[0], torch.tensor([1.0, 1.001, 0.0]).softmax(0))


def test_two_labels_can_nearly_tie() -> None:
    # The spread of two logits is their difference itself; 3.0 and 3.007 are the same number in bfloat16.
    inference = Inference(Fixed(3.0, 3.007), precision="bfloat16", device="cpu")
    torch.testing.assert_close(inference.probabilities(ONES)[0], torch.tensor([3.0, 3.007]).softmax(0))
    assert inference.num_recomputed == 1
    assert Inference(Fixed(3.0, 3.1), precision="bfloat16", device="cpu").probabilities(ONES).argmax() == 1
    equal = Inference(Fixed(0.0, 0.0), precision="bfloat16", device="cpu")
    equal.probabilities(ONES)
    assert equal.num_recomputed == 1


def balanced(name: str, num_classes: int, clips: torch.Tensor) -> nn.Module:
    """A random network whose labels are about equally frequent: its logits are small sums of large terms."""
    model = create_model(name, num_classes=num_classes)
    with torch.no_grad():
        model(clips[:8])  # batch norm sees data once
        model.eval()
        head = [layer for layer in model.modules() if isinstance(layer, nn.Linear)][-1]
        head.weight *= 20
        head.bias -= model(clips).mean(dim=0)
    return model


@pytest.mark.parametrize(
    ("name", "num_classes"), [("factorized3d", 2), ("factorized3d", 3), ("frame_encoder", 2)]
)
def test_the_first_label_is_that_of_float32(name: str, num_classes: int) -> None:
    recomputed = 0
    for seed in range(3):
        torch.manual_seed(seed)
        clips = torch.randn(60, 3, 4, 24, 24) * torch.rand(60, 1, 1, 1, 1) * 2
        model = balanced(name, num_classes, clips)
        exact, fast = (Inference(model, precision=p, device="cpu") for p in ("float32", "bfloat16"))  # type: ignore[arg-type]
        assert fast.probabilities(clips).argmax(1).equal(exact.probabilities(clips).argmax(1))
        recomputed += fast.num_recomputed
    assert 0 < recomputed < 0.4 * 180


def test_views_share_one_pair_of_labels() -> None:
    torch.manual_seed(0)
    clips = torch.randn(40, 3, 4, 24, 24) * torch.rand(40, 1, 1, 1, 1) * 2
    model = balanced("factorized3d", 2, clips)
    exact, fast = (Inference(model, precision=p, device="cpu") for p in ("float32", "bfloat16"))  # type: ignore[arg-type]
    found, expected = fast.probabilities(clips, views=2), exact.probabilities(clips, views=2)
    assert found.argmax(1).equal(expected.argmax(1))
    torch.testing.assert_close(found, expected, atol=0.01, rtol=0.0)


def test_a_clear_answer_is_not() -> None:
    inference = Inference(Fixed(1.0, 3.0, 0.0), precision="bfloat16", device="cpu")
    assert inference.probabilities(ONES).argmax() == 1
    assert inference.num_recomputed == 0


def test_float32_needs_no_second_look() -> None:
    inference = Inference(Fixed(1.0, 1.001, 0.0), precision="float32", device="cpu")
    assert inference.probabilities(ONES).argmax() == 1
    assert inference.num_recomputed == 0


def test_views_are_averaged_by_hand() -> None:
    inference = Inference(Fixed(2.0, 0.0), precision="float32", device="cpu")
    clips = torch.cat([ONES * scale for scale in (1.0, -1.0, 2.0, 2.0)])
    rows = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [4.0, 0.0], [4.0, 0.0]]).softmax(1)
    expected = torch.stack([rows[:2].mean(0), rows[2:].mean(0)])
    torch.testing.assert_close(inference.probabilities(clips, views=2), expected)
    with pytest.raises(ShapeError, match="do not divide into 3 views"):
        inference.probabilities(clips, views=3)


def test_the_caller_s_model_is_left_alone() -> None:
    model = create_model("simple3d", num_classes=3).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    Inference(model, precision="bfloat16", device="cpu").probabilities(torch.rand(1, 3, 4, 32, 32))
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_nan_frames_are_named() -> None:
    clips = torch.ones(2, 3, 4, 8, 8)
    clips[1, 0, 2, 3, 3] = torch.nan
    clips[1, 2, 3] = torch.inf
    with pytest.raises(ShapeError, match="NaN or infinity in clip 1 frame 2, clip 1 frame 3"):
        Inference(Fixed(1.0, 2.0), device="cpu").probabilities(clips)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_weights_that_give_nan_are_refused(precision: str) -> None:
    model = Fixed(1.0, float("nan"))
    with pytest.raises(WeightsError, match="its weights are broken"):
        Inference(model, precision=precision, device="cpu").probabilities(ONES)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["simple3d", "factorized3d", "r2plus1d_18"])
def test_folded_batch_norms_change_nothing(name: str) -> None:
    torch.manual_seed(0)
    model = create_model(name, num_classes=5)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    folded = fold_batch_norms(model)
    assert not any(isinstance(module, nn.BatchNorm3d) for module in folded.modules() if name != "r2plus1d_18")
    clip = torch.randn(1, 3, 4, 32, 32)
    with torch.inference_mode():
        expected = model.eval()(clip)
        torch.testing.assert_close(folded(clip), expected, atol=1e-4, rtol=1e-4)
