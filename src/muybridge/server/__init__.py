"""A web page and an HTTP API over the videos of a folder.

1. `library`    the videos of a folder, under names that lead nowhere else
2. `analyses`   one video is watched after the other, in a thread of its own
3. `hosts`      names of hosts, as they are given and as browsers send them
4. `guard`      who may ask: this machine's own pages, and nobody's scripts
5. `app`        what is answered
6. `serving`    the address, until Ctrl-C
"""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {"create_app": "muybridge.server.app", "serve": "muybridge.server.serving"}

__getattr__, __dir__ = attach(__name__, _NAMES, ("analyses", "app", "guard", "hosts", "library", "serving"))
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.server.app import create_app as create_app
    from muybridge.server.serving import serve as serve
