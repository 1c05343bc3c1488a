"""Which model speaks: an endpoint, a vision-language model of the hub, or an own network, all as `Speaker`s.

"captioner.safetensors"             a checkpoint of an own network                  language/own_networks.py
"http://127.0.0.1:8000/v1#name"     a server that speaks the OpenAI protocol        language/endpoint.py
"folder/" or "owner/repository"     transformers, from the disk or the hub          language/hub_speakers.py
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from muybridge.errors import OptionError

if TYPE_CHECKING:
    from muybridge.language.speaker import Speaker

__all__ = ["load_speaker"]


def load_speaker(model: str | Path) -> Speaker:
    """The model that a name, a path or an address stands for, ready to speak.

    Args:
        model: the address of an endpoint (`http://host:port/v1`, `#` and the model's name behind it where it serves
            several), a folder in the hub's format, a hub name `owner/repository`, or the path of a `.safetensors`
            checkpoint of `video_captioner` or `video_qa`.

    Raises:
        OptionError: an empty name, or an address that is none.
        WeightsError: no such folder or repository, no network, or files that are missing, damaged or no
            `safetensors`; the message says what to do.
        MissingExtraError: models of the hub need `muybridge[hub]`.

    >>> load_speaker("http://127.0.0.1:8000/v1#smolvlm")
    EndpointSpeaker('http://127.0.0.1:8000/v1', model='smolvlm')
    """
    name = str(model).strip()
    if not name:
        raise OptionError("model is empty; give a hub name, a folder, or the address of an endpoint")
    if "://" in name:
        from muybridge.language.endpoint import EndpointSpeaker

        address, _, served = name.partition("#")
        return EndpointSpeaker(address, model=served or None)
    from muybridge.language.own_networks import is_own_checkpoint, load_own_speaker

    if is_own_checkpoint(name):
        return load_own_speaker(name)
    from muybridge.language.hub_speakers import load_hub_speaker

    return load_hub_speaker(name)
