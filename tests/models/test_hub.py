"""The hub's models behind the own interface, on small checkpoints saved in the hub's own format."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from muybridge.errors import OptionError, ShapeError, WeightsError
from muybridge.models import hub_folder as hub_folder_module
from muybridge.models.hub_folder import read_state, record_of_folder
from muybridge.models.registry import create_model, model_entry
from muybridge.models.vivit_weights import load_vivit_folder
from muybridge.models.weights import weights_of
from torchvision_oracle import torchvision_video_models

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
LABELS = {"id2label": {0: "clap", 1: "jump", 2: "wave"}, "label2id": {"clap": 0, "jump": 1, "wave": 2}}
CONFIGS = {
    "videomae": ("VideoMAE", SMALL | {"image_size": 32, "num_frames": 4}),
    "timesformer": ("Timesformer", SMALL | {"image_size": 32, "num_frames": 4}),
    "vjepa2": (
        "VJEPA2",
        {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "mlp_ratio": 2.0,
            "crop_size": 32,
            "frames_per_clip": 4,
            "num_pooler_layers": 1,
            "pred_hidden_size": 32,
            "pred_num_hidden_layers": 1,
            "pred_num_attention_heads": 4,
        },
    ),
}


@pytest.fixture(scope="module")
def transformers():  # type: ignore[no-untyped-def]
    torchvision_video_models()  # transformers' processors import it
    return pytest.importorskip("transformers")


@pytest.fixture(scope="module", params=list(CONFIGS))
def saved(request, transformers, tmp_path_factory):  # type: ignore[no-untyped-def]
    """(name, folder, the model that was saved there)."""
    prefix, settings = CONFIGS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    torch.manual_seed(0)
    config = getattr(transformers, f"{prefix}Config")(**settings, **LABELS)
    model = transformers.AutoModelForVideoClassification.from_config(config).eval()
    model.save_pretrained(folder)
    processor = {
        "do_resize": True,
        "size": {"shortest_edge": 36},
        "do_center_crop": True,
        "crop_size": {"height": 32, "width": 32},
        "image_mean": [0.4, 0.5, 0.6],
        "image_std": [0.2, 0.25, 0.3],
        "resample": 3,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return request.param, folder, model


def test_a_folder_loads_by_its_own_name_and_by_any_name(saved) -> None:  # type: ignore[no-untyped-def]
    name, folder, theirs = saved
    clip = torch.randn(2, 3, 4, 32, 32)
    with torch.inference_mode():
        expected = theirs(**{theirs.main_input_name: clip.transpose(1, 2)}).logits
        for model in (create_model(name, weights=folder), create_model("hub_model", weights=str(folder))):
            assert not model.training
            torch.testing.assert_close(model(clip), expected, atol=1e-5, rtol=0)
    with pytest.raises(ShapeError, match="5 frames"):
        model(torch.zeros(1, 3, 5, 32, 32))


def test_labels_and_preprocessing_come_from_the_folder(saved) -> None:  # type: ignore[no-untyped-def]
    name, folder, _ = saved
    record = weights_of(create_model(name, weights=folder))
    assert record is not None
    assert record.labels == ("clap", "jump", "wave")
    assert (record.num_frames, record.size_px, record.resize_px) == (4, 32, 36)
    assert record.mean == pytest.approx((0.4, 0.5, 0.6))
    assert record.std == pytest.approx((0.2, 0.25, 0.3))
    assert record.interpolation == "bicubic"


def test_a_new_number_of_classes_loses_the_labels(saved) -> None:  # type: ignore[no-untyped-def]
    name, folder, _ = saved
    model = create_model(name, weights=folder, num_classes=5)
    assert model(torch.zeros(1, 3, 4, 32, 32)).shape == (1, 5)
    assert weights_of(model).labels == ()  # type: ignore[union-attr]


def test_a_backbone_without_a_head_is_refused(transformers, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    config = transformers.VideoMAEConfig(**CONFIGS["videomae"][1])
    transformers.VideoMAEModel(config).save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match=r"lacks \d+ parameters of VideoMAEForVideoClassification"):
        create_model("videomae", weights=tmp_path)
    assert create_model("videomae", weights=tmp_path, num_classes=3)(torch.zeros(1, 3, 4, 32, 32)).shape == (
        1,
        3,
    )


def test_a_damaged_folder_is_named(saved, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    name, folder, _ = saved
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(WeightsError, match="cannot be loaded as a video classifier"):
        create_model(name, weights=tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": ')
    with pytest.raises(WeightsError, match="is not valid JSON"):
        create_model(name, weights=tmp_path)


@pytest.mark.parametrize("damage", [{"patch_size": 0}, {"hidden_size": "many"}, {"num_attention_heads": 0}])
def test_settings_without_a_meaning_are_blamed_on_the_folder(  # type: ignore[no-untyped-def]
    transformers, tmp_path: Path, damage: dict[str, object]
) -> None:
    config = transformers.VideoMAEConfig(**CONFIGS["videomae"][1])
    transformers.VideoMAEForVideoClassification(config).save_pretrained(tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    assert damage.keys() <= settings.keys()
    (tmp_path / "config.json").write_text(json.dumps(settings | damage))
    with pytest.raises(WeightsError, match=f"{tmp_path} cannot be loaded as a video classifier"):
        create_model("videomae", weights=tmp_path)


def saved_with(folder: Path, theirs, changes: dict[str, object]) -> Path:  # type: ignore[no-untyped-def]
    """A folder with settings other than those by which its parameters were made."""
    theirs.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    return folder


@pytest.mark.parametrize("num_layers", [1, 0, -1])
def test_layers_that_the_settings_do_not_name_are_not_left_out(  # type: ignore[no-untyped-def]
    saved, tmp_path: Path, num_layers: int
) -> None:
    name, _, theirs = saved
    folder = saved_with(tmp_path, theirs, {"num_hidden_layers": num_layers})
    for num_classes in (None, 5):
        with pytest.raises(WeightsError, match=r"holds \d+ parameters for which .*layer\.[01]\."):
            create_model(name, weights=folder, num_classes=num_classes)


def test_layers_of_a_backbone_without_a_head_are_not_left_out(transformers, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    backbone = transformers.VideoMAEModel(transformers.VideoMAEConfig(**CONFIGS["videomae"][1]))
    with pytest.raises(WeightsError, match=r"has no place by its config.json \(encoder\.layer\.1\."):
        create_model(
            "videomae", weights=saved_with(tmp_path, backbone, {"num_hidden_layers": 1}), num_classes=3
        )


def test_biases_that_the_settings_do_not_name_are_not_left_out(transformers, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    config = transformers.VideoMAEConfig(**CONFIGS["videomae"][1], **LABELS)
    theirs = transformers.VideoMAEForVideoClassification(config)
    with pytest.raises(WeightsError, match=r"holds 4 parameters .*query\.bias"):
        create_model("videomae", weights=saved_with(tmp_path, theirs, {"qkv_bias": False}))


def test_what_pretraining_needed_besides_the_backbone_is_left_out(transformers, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    decoder = {"decoder_hidden_size": 16, "decoder_num_attention_heads": 2, "decoder_num_hidden_layers": 1}
    config = transformers.VideoMAEConfig(**CONFIGS["videomae"][1], **decoder, decoder_intermediate_size=16)
    transformers.VideoMAEForPreTraining(config).save_pretrained(tmp_path)
    model = create_model("videomae", weights=tmp_path, num_classes=3)
    assert model(torch.zeros(1, 3, 4, 32, 32)).shape == (1, 3)


@pytest.mark.parametrize("num_classes", [None, 3])
def test_a_head_has_a_score_for_each_label(saved, tmp_path: Path, num_classes: int | None) -> None:  # type: ignore[no-untyped-def]
    name, _, theirs = saved
    for wrong in (0, 2, 4):
        folder = saved_with(tmp_path, theirs, {"num_labels": wrong})
        with pytest.raises(WeightsError, match=f"its config.json has num_labels {wrong}; expected 3"):
            create_model(name, weights=folder, num_classes=num_classes)
    saved_with(tmp_path, theirs, {"id2label": {}})
    with pytest.raises(WeightsError, match=r"its config\.json has num_labels 0; expected at least 1"):
        create_model(name, weights=folder)
    assert create_model(name, weights=folder, num_classes=5)(torch.zeros(1, 3, 4, 32, 32)).shape == (1, 5)


def test_code_in_a_repository_is_never_run(tmp_path: Path, transformers) -> None:  # type: ignore[no-untyped-def]
    witness = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(witness)!r}, 'w')\nclass Evil: pass\n")
    config = {
        "model_type": "evil",
        "auto_map": {"AutoConfig": "evil.Evil", "AutoModelForVideoClassification": "evil.Evil"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError):
        create_model("hub_model", weights=tmp_path)
    assert not witness.exists()


def test_several_files_and_an_index_are_one_state(saved, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    _, folder, model = saved
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    whole, parts = read_state(folder), read_state(tmp_path)
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[key], parts[key]) for key in whole)


@pytest.mark.parametrize("name", ["nope.safetensors", "/tmp/nope.safetensors", "runs/nope.safetensors"])
def test_a_file_that_is_not_there_is_neither_a_folder_nor_a_repository(name: str) -> None:
    with pytest.raises(WeightsError, match=f"no such file {name}; give the path"):
        hub_folder_module.hub_folder(name)


def test_without_a_network_the_message_says_what_to_download(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")
    asked = []

    def offline(reference: str, **options: object) -> str:
        asked.append(options.get("local_files_only", False))
        raise hub.errors.LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(hub, "snapshot_download", offline)
    with pytest.raises(WeightsError) as caught:
        create_model("videomae", weights="kinetics400")
    assert asked == [True, False]  # the local cache first
    message = str(caught.value)
    assert "https://huggingface.co/MCG-NJU/videomae-base-finetuned-kinetics" in message
    assert "give the folder's path instead" in message


def test_a_cached_hub_name_loads_with_the_published_record(monkeypatch, transformers, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    config = transformers.VideoMAEConfig(**CONFIGS["videomae"][1], **LABELS)
    transformers.VideoMAEForVideoClassification(config).save_pretrained(tmp_path)
    monkeypatch.setattr(hub_folder_module, "cached_hub_folder", lambda reference: tmp_path)
    record = weights_of(create_model("videomae", weights="kinetics400"))
    assert record is not None
    assert (record.license, record.accuracy["top1"]) == ("CC-BY-NC-4.0", 80.9)
    assert record.labels == ("clap", "jump", "wave")  # the folder knows its own labels
    assert (record.num_frames, record.size_px, record.stride) == (4, 32, 4)


def test_hub_model_needs_weights() -> None:
    with pytest.raises(OptionError, match="hub_model needs weights"):
        create_model("hub_model")


TORCHVISION = {
    "s3d": "S3D_Weights",
    "mvit_v1_b": "MViT_V1_B_Weights",
    "mvit_v2_s": "MViT_V2_S_Weights",
    "swin3d_t": "Swin3D_T_Weights",
    "swin3d_s": "Swin3D_S_Weights",
    "swin3d_b": "Swin3D_B_Weights",
}


@pytest.mark.parametrize("name", list(TORCHVISION))
def test_torchvision_s_models_keep_their_keys_and_their_records(name: str) -> None:
    video = torchvision_video_models()
    published = getattr(video, TORCHVISION[name])
    entry = model_entry(name)
    assert {record.url for record in entry.weights.values()} == {member.url for member in published}
    by_url = {member.url: member for member in published}
    for record in entry.weights.values():
        member = by_url[record.url]
        metrics = member.meta["_metrics"]["Kinetics-400"]
        assert dict(record.accuracy) == {"top1": metrics["acc@1"], "top5": metrics["acc@5"]}
        transforms = member.transforms()
        assert (list(record.mean), list(record.std)) == (transforms.mean, transforms.std)
        assert [record.size_px] * 2 == transforms.crop_size
        resize = [record.resize_px] if isinstance(record.resize_px, int) else list(record.resize_px or ())
        assert resize == transforms.resize_size
        assert f"clip_len={record.num_frames}" in member.meta["_docs"]
        assert f"frame_rate={record.frames_per_second:g}`" in member.meta["_docs"]
        assert f"{member.meta['_docs'].split('clips_per_video=')[1].split('`')[0]} clip" in record.protocol
    with torch.device("meta"):
        ours, theirs = create_model(name), getattr(video, name)()
        assert list(ours.state_dict()) == list(theirs.state_dict())
        parameters = sum(p.numel() for p in ours.parameters())
        assert parameters == next(iter(published)).meta["num_params"]
        with pytest.raises(ShapeError):
            ours(torch.zeros(1, 16, 3, 224, 224))


def vivit_folder(folder: Path) -> tuple[dict[str, object], dict[str, object]]:
    """A small ViViT in the hub's format; its config and its processor, for what is done to them."""
    net = create_model(
        "vivit", num_classes=3, num_frames=4, size_px=32, dim=32, depth=1, num_heads=2, mlp_dim=32
    )
    save_file(dict(net.state_dict()), folder / "model.safetensors")
    config: dict[str, object] = {
        "model_type": "vivit",
        "num_frames": 4,
        "image_size": 32,
        "tubelet_size": [2, 16, 16],
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "id2label": {"0": "a", "1": "b", "2": "c"},
    }
    processor: dict[str, object] = {"size": {"shortest_edge": 36}, "crop_size": {"height": 32, "width": 32}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return config, processor


@pytest.mark.parametrize(
    ("config", "processor"),
    [
        ({"image_size": None}, {}),
        ({"image_size": {"height": 32}}, {}),
        ({"tubelet_size": 2}, {}),
        ({"tubelet_size": [2, 16]}, {}),
        ({"num_attention_heads": 0}, {}),
        ({"num_frames": "many"}, {}),
        ({"layer_norm_eps": "x"}, {}),
        ({"id2label": ["a", "b", "c"]}, {}),
        ({"id2label": {"x": "a"}}, {}),
        ({}, {"rescale_factor": 0}),
        ({}, {"image_mean": [0.5, 0.5]}),
        ({}, {"image_std": [0, 0, 0]}),
        ({}, {"size": {"height": 40}}),
        ({}, {"size": {"shortest_edge": 10**9}}),
        ({}, {"crop_size": {"height": -3, "width": -3}}),
    ],
)
def test_a_folder_whose_config_cannot_be_is_named(
    tmp_path: Path, config: dict[str, object], processor: dict[str, object]
) -> None:
    sound_config, sound_processor = vivit_folder(tmp_path)
    found = weights_of(load_vivit_folder(str(tmp_path)))
    assert found is not None
    assert found.labels == ("a", "b", "c")
    (tmp_path / "config.json").write_text(json.dumps(sound_config | config))
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(sound_processor | processor))
    with pytest.raises(WeightsError, match=f"{tmp_path.name}: its config says what cannot be"):
        load_vivit_folder(str(tmp_path))


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "model.safetensors.index.json"])
@pytest.mark.parametrize("content", ["{", "null", "[1, 2]", "[" * 100_000])
def test_a_damaged_file_of_a_folder_is_named(tmp_path: Path, name: str, content: str) -> None:
    vivit_folder(tmp_path)
    (tmp_path / name).write_text(content)
    with pytest.raises(WeightsError, match=f"{name} (is not valid JSON|holds a JSON)"):
        load_vivit_folder(str(tmp_path))


@pytest.mark.parametrize("place", ["../base/model.safetensors", "/etc/passwd", "a\\b", "..", "", 3])
def test_an_index_leads_nowhere_but_to_the_files_beside_it(tmp_path: Path, place: object) -> None:
    config, _ = vivit_folder(tmp_path)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": place}}))
    with pytest.raises(WeightsError, match="expected the plain name of a file"):
        read_state(tmp_path)
    with pytest.raises(
        WeightsError, match="expected the plain name of a file"
    ):  # before another library reads it
        record_of_folder(tmp_path, config, "mine")
    index.write_text("{}")
    with pytest.raises(WeightsError, match="no weight_map"):
        read_state(tmp_path)
