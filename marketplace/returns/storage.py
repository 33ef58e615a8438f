"""Evidence files below the var folder; what a file is, its content says, never its name."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from flask import current_app

from marketplace.kernel.db import new_id
from marketplace.kernel.lazily import lazily
from marketplace.returns.refusals import EvidenceGone, EvidenceKindRefused, EvidenceTooLarge

puremagic: Any = lazily("puremagic")
KINDS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/heic": "heic",
    "application/pdf": "pdf",
}
_CHUNK = 1 << 18
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that was kept: its name below the folder, its kind, its size and its SHA-256 in hex."""

    stored_as: str
    content_type: str
    size_bytes: int
    sha256: str


def folder() -> Path:
    path: Path = current_app.extensions["kontor_settings"].var / "evidence"
    path.mkdir(parents=True, exist_ok=True)
    return path


def read(stored_as: str) -> bytes:
    """Raises EvidenceGone."""
    path = folder() / stored_as
    if not path.is_file():
        raise EvidenceGone
    return path.read_bytes()


@contextmanager
def kept(stream: BinaryIO, limit: int) -> Iterator[Stored]:
    """Copy a stream to disk; the file goes again where the block around it fails.

    Raises EvidenceKindRefused, EvidenceTooLarge.
    """
    head = stream.read(_HEAD)
    content_type = kind_of(head)
    path = folder() / str(new_id())
    digest, size, chunk = hashlib.sha256(), 0, head
    try:
        with path.open("wb") as file:
            while chunk:
                size += len(chunk)
                if size > limit:
                    raise EvidenceTooLarge(f"A file has at most {limit // 1_000_000} MB.", pointer="/file", limit=limit)
                digest.update(chunk)
                file.write(chunk)
                chunk = stream.read(_CHUNK)
        yield Stored(path.name, content_type, size, digest.hexdigest())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def kind_of(head: bytes) -> str:
    """The content type that the first bytes tell. Raises EvidenceKindRefused."""
    try:
        found = [match.mime_type for match in puremagic.magic_string(head)] if head else []
    except puremagic.PureError:
        found = []
    kind = next((one for one in found if one in KINDS), None)
    if kind is None or not head.startswith(_MARKS[kind]):
        raise EvidenceKindRefused(pointer="/file")
    return kind


# The library guesses from many marks; what is taken has to begin as its kind does.
_MARKS: dict[str, tuple[bytes, ...]] = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/webp": (b"RIFF",),
    "image/heic": (b"\x00\x00\x00",),
    "application/pdf": (b"%PDF-",),
}


def safe_name(name: str, content_type: str) -> str:
    """A name to save a file under: no path, and the ending of what it is."""
    stem = Path(name.replace("\\", "/")).stem or "evidence"
    kept_letters = "".join(letter if letter.isalnum() or letter in " -_." else "_" for letter in stem)[:100]
    return f"{kept_letters.strip('. ') or 'evidence'}.{KINDS[content_type]}"
