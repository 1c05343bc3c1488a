"""What was found once is not looked for again: results kept by (file content, observer, settings).

    findings/<sha256 of the file>/scenes-4f2a….json      one observer's findings, complete
    findings/<sha256 of the file>/pass-91c0….json        a pass that was cut off, to go on with

Files appear under their names when they are complete, so that a kill at any moment leaves nothing half-written;
one that cannot be read is as good as none. The oldest go when the folder grows beyond its limit.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import muybridge
from muybridge.cache_folder import cache_folder
from muybridge.observer import Finding, Observer
from muybridge.pipeline.encoding import decode, decode_findings, encode, encode_findings

__all__ = ["FindingsCache", "content_hash"]

MAX_BYTES = 4 * 2**30
_room: dict[Path, int] = {}
"""How much may be written into a folder before its files are looked at again."""


def content_hash(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class FindingsCache:
    """The findings of one file's observers.

    Args:
        path: the video.
        folder: None for the user's cache folder.
        max_bytes: how large the folder may grow.
    """

    def __init__(self, path: str | Path, *, folder: Path | None = None, max_bytes: int = MAX_BYTES) -> None:
        self.root = folder or cache_folder("findings")
        self.folder = self.root / content_hash(path)
        self.max_bytes = max_bytes

    def load(self, observer: Observer) -> tuple[list[Finding], list[str]] | None:
        """An observer's findings and the warnings that went with them; None where there are none."""
        saved = self._read(self._name(observer))
        if saved is None:
            return None
        with contextlib.suppress(KeyError, TypeError, ValueError):
            return decode_findings(saved["findings"]), [str(line) for line in saved["warnings"]]
        return None

    def save(self, observer: Observer, findings: list[Finding], warnings: list[str]) -> None:
        """Keep an observer's complete findings."""
        data = {"findings": encode_findings(findings), "warnings": warnings}
        self._write(self._name(observer), data)

    def load_pass(self, observers: list[Observer]) -> dict[str, Any] | None:
        """The state of a pass of just these observers that was cut off; None where there is none."""
        saved = self._read(self._pass_name(observers))
        if saved is None:
            return None
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            return {
                "state": saved["state"],
                "findings": {name: decode_findings(rows) for name, rows in saved["findings"].items()},
                "warnings": [str(line) for line in saved["warnings"]],
            }
        return None

    def save_pass(
        self,
        observers: list[Observer],
        state: Mapping[str, Any],
        findings: Mapping[str, list[Finding]],
        warnings: list[str],
    ) -> None:
        """Keep where a pass stands."""
        rows = {name: encode_findings(found) for name, found in findings.items()}
        self._write(self._pass_name(observers), {"state": state, "findings": rows, "warnings": warnings})

    def forget_pass(self, observers: list[Observer]) -> None:
        """The pass is complete."""
        with contextlib.suppress(OSError):
            (self.folder / self._pass_name(observers)).unlink(missing_ok=True)

    def _name(self, observer: Observer) -> str:
        key = json.dumps(
            [muybridge.__version__, type(observer).__qualname__, observer.settings()],
            sort_keys=True,
            default=str,
        )
        readable = "".join(c if c.isalnum() else "-" for c in observer.name)
        return f"{readable}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"

    def _pass_name(self, observers: list[Observer]) -> str:
        names = sorted(self._name(observer) for observer in observers)
        return f"pass-{hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]}.json"

    def _read(self, name: str) -> Any:
        file = self.folder / name
        try:
            data = decode(file.read_text(encoding="utf-8"))
            os.utime(file)  # the least recently used go first
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        return data if isinstance(data, dict) else None

    def _write(self, name: str, data: Mapping[str, Any]) -> None:
        # A cache that cannot be written costs time later, but must not cost the result now.
        partial = self.folder / f".{name}.{os.getpid()}.partial"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            text = encode(data)
            partial.write_text(text, encoding="utf-8")
            partial.replace(self.folder / name)
            self._prune(keep=self.folder / name, num_new=len(text))
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

    def _prune(self, *, keep: Path, num_new: int) -> None:
        # Looking at all files for each that is written would take ever longer. What this process has written since it
        # last looked is counted instead; others write too, so it looks again from time to time.
        room = _room.get(self.root, 0) - num_new
        if room < 0:
            files = [(file.stat().st_mtime, file.stat().st_size, file) for file in self.root.glob("*/*.json")]
            total = sum(size for _, size, _ in files)
            if total > self.max_bytes:
                total = self._remove_oldest(sorted(files), total, keep)
            room = min(self.max_bytes - total, self.max_bytes // 20)
        _room[self.root] = room

    def _remove_oldest(self, files: list[tuple[float, int, Path]], total: int, keep: Path) -> int:
        """Make some room at a time; the bytes that are left."""
        for _, size, file in files:
            if total <= 0.9 * self.max_bytes:
                break
            if file != keep:
                file.unlink(missing_ok=True)
                total -= size
        return total
