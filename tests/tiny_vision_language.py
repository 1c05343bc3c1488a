"""Tiny models of the vision-language families, saved in the hub's own format: weights, tokenizer, processors, template.

They are random unless a test trains them, so what they say means nothing; that they are loaded, fed and heard by
the same code and files as the published ones is what they are for.
"""

from pathlib import Path
from typing import Any

import torch

from torchvision_oracle import torchvision_video_models

WORDS = (
    "a the photo of red green blue yellow square moves left right picture is what color frame video image"
    " something else an"
)

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}"
    "{{ message['content'] }}{% else %}{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% elif part['type'] == 'video' %}"
    "<|vision_start|><|video_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QWEN_TOKENS = [
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
]
SMOL_TOKENS = [
    "<|im_start|>",
    "<end_of_utterance>",
    "<fake_token_around_image>",
    "<image>",
    "<global-img>",
    *(f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)),
]


def byte_tokenizer(special: list[str], **settings: Any) -> Any:
    """Every byte is a token, so that any prompt can be read back as it was written."""
    import transformers
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate(["<pad>", "<s>", "</s>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", **settings
    )


def word_tokenizer(**settings: Any) -> Any:
    """A BERT tokenizer that knows `WORDS`."""
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]", *WORDS.split()]
    tokenizer = Tokenizer(
        models.WordLevel({name: index for index, name in enumerate(names)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        additional_special_tokens=["[DEC]", "[ENC]"],
        **settings,
    )


def save_blip(folder: Path, *, questions: bool = False) -> Any:
    """BLIP: the captioner, or the one that answers."""
    torchvision_video_models()
    import transformers
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    tokenizer = word_tokenizer()
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "encoder_hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 64,
        "bos_token_id": 5,
        "sep_token_id": 3,
        "eos_token_id": 3,
        "pad_token_id": 0,
    }
    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
    }
    config = transformers.BlipConfig(text_config=text, vision_config=vision)
    torch.manual_seed(0)
    kind = transformers.BlipForQuestionAnswering if questions else transformers.BlipForConditionalGeneration
    model = kind(config).eval()
    processor = transformers.BlipProcessor(BlipImageProcessorPil(size={"height": 32, "width": 32}), tokenizer)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return model


def save_smolvlm(folder: Path) -> Any:
    """SmolVLM2: frames of 32 × 32 pixels become one token each."""
    torchvision_video_models()
    import transformers
    from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

    tokenizer = byte_tokenizer(SMOL_TOKENS)
    identity = tokenizer.convert_tokens_to_ids
    config = transformers.SmolVLMConfig(
        image_token_id=identity("<image>"),
        scale_factor=2,
        pad_token_id=0,
        text_config={
            "model_type": "llama",
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "max_position_embeddings": 4096,
            "pad_token_id": 0,
        },
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 16,
        },
    )
    torch.manual_seed(0)
    model = transformers.SmolVLMForConditionalGeneration(config).eval()
    side = {"longest_edge": 32}
    processor = transformers.SmolVLMProcessor(
        SmolVLMImageProcessorPil(size=side, max_image_size=side, do_image_splitting=False),
        tokenizer,
        transformers.SmolVLMVideoProcessor(size=side, max_image_size=side),
        image_seq_len=1,
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return model


def save_qwen(folder: Path, family: str) -> Any:
    """`"Qwen2VL"`, `"Qwen2_5_VL"` or `"Qwen3VL"`."""
    torchvision_video_models()
    import transformers
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    tokenizer = byte_tokenizer(QWEN_TOKENS)
    identity = tokenizer.convert_tokens_to_ids
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "max_position_embeddings": 4096,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
        "bos_token_id": 1,
        "eos_token_id": identity("<|im_end|>"),
    }
    vision: dict[str, Any] = {"depth": 2, "num_heads": 2, "patch_size": 8, "in_channels": 3}
    if family == "Qwen2VL":
        vision |= {"embed_dim": 16, "hidden_size": 32, "mlp_ratio": 2}
    else:
        vision |= {"hidden_size": 16, "out_hidden_size": 32, "intermediate_size": 32}
    if family == "Qwen2_5_VL":
        vision |= {"window_size": 32, "fullatt_block_indexes": [1], "tokens_per_second": 2}
    if family == "Qwen3VL":
        vision |= {"num_position_embeddings": 16, "deepstack_visual_indexes": [0]}
    config = getattr(transformers, f"{family}Config")(
        text_config=text,
        vision_config=vision,
        image_token_id=identity("<|image_pad|>"),
        video_token_id=identity("<|video_pad|>"),
        vision_start_token_id=identity("<|vision_start|>"),
        vision_end_token_id=identity("<|vision_end|>"),
    )
    torch.manual_seed(0)
    model = getattr(transformers, f"{family}ForConditionalGeneration")(config).eval()
    size = {"shortest_edge": 16 * 16, "longest_edge": 32 * 32}
    video_family = "Qwen3VL" if family == "Qwen3VL" else "Qwen2VL"
    video_processor = getattr(transformers, f"{video_family}VideoProcessor")
    processor = getattr(transformers, f"{family}Processor")(
        Qwen2VLImageProcessorPil(size=size, patch_size=8),
        tokenizer,
        video_processor(
            size={**size, "longest_edge": 8 * 32 * 32} if family == "Qwen3VL" else size, patch_size=8
        ),
        chat_template=CHAT_TEMPLATE,
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return model


def save_image_text(folder: Path, family: str) -> Any:
    """`"CLIP"`, `"Siglip"` or `"Siglip2"`, for pictures of 32 × 32 pixels and the words of `WORDS`.

    SigLIP 2 is the one that keeps the shape of a picture, in up to 16 patches of 8 × 8 pixels.
    """
    torchvision_video_models()
    import importlib

    import transformers

    name = family.lower()
    pil = importlib.import_module(f"transformers.models.{name}.image_processing_pil_{name}")
    tokenizer = word_tokenizer(model_max_length=16)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {"vocab_size": len(tokenizer), "max_position_embeddings": 16, **size}
    text |= {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    vision = {"patch_size": 8, **size}
    vision |= {"num_patches": 16} if family == "Siglip2" else {"image_size": 32}
    joint = {"projection_dim": 32} if family == "CLIP" else {}
    config = getattr(transformers, f"{family}Config")(text_config=text, vision_config=vision, **joint)
    torch.manual_seed(0)
    model = getattr(transformers, f"{family}Model")(config).eval()
    square = {"height": 32, "width": 32}
    settings: dict[str, dict[str, Any]] = {
        "CLIP": {"size": {"shortest_edge": 32}, "crop_size": square},
        "Siglip": {"size": square},
        "Siglip2": {"patch_size": 8, "max_num_patches": 16},
    }
    images = getattr(pil, f"{family}ImageProcessorPil")(**settings[family])
    model.save_pretrained(folder)
    getattr(transformers, f"{family}Processor")(images, tokenizer).save_pretrained(folder)
    return model


def save_vit_gpt2(folder: Path) -> Any:
    """A ViT with a GPT-2, whose image processor and tokenizer lie in the folder without a common processor."""
    torchvision_video_models()
    import transformers
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    tokenizer = byte_tokenizer([])
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.ViTConfig(image_size=32, patch_size=8, **size),
        transformers.GPT2Config(
            vocab_size=len(tokenizer),
            n_embd=32,
            n_layer=1,
            n_head=2,
            n_positions=64,
            bos_token_id=1,
            eos_token_id=2,
        ),
    )
    config.decoder_start_token_id, config.pad_token_id = 1, 0
    torch.manual_seed(0)
    model = transformers.VisionEncoderDecoderModel(config).eval()
    model.save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model
