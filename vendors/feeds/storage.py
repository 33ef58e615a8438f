"""Uploaded files below the var folder, where web server and workers both reach them."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from flask import current_app

from marketplace.kernel.db import new_id
from marketplace.kernel.errors import Conflict

_CHUNK = 1 << 20
KEEP_DAYS = 30


class FeedFileGone(Conflict):
    """The file was removed from the store; upload it again."""

    message = "The file of this feed is no longer kept; upload it again."


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that was kept: its name below the folder, its size and its SHA-256 in hex."""

    stored_as: str
    size_bytes: int
    sha256: str


def folder() -> Path:
    path: Path = current_app.extensions["kontor_settings"].var / "feeds"
    path.mkdir(parents=True, exist_ok=True)
    return path


def path_of(stored_as: str) -> Path:
    """Where a kept file is. Raises FeedFileGone."""
    path = folder() / stored_as
    if not path.is_file():
        raise FeedFileGone
    return path


@contextmanager
def kept(stream: BinaryIO) -> Iterator[Stored]:
    """Copy a stream to disk; the file goes again where the block around it fails."""
    path = folder() / str(new_id())
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("wb") as file:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                size += file.write(chunk)
        yield Stored(path.name, size, digest.hexdigest())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def passing(content: BinaryIO) -> Iterator[Path]:
    """A stream as a file for as long as the block around it runs."""
    path = folder() / f"{new_id()}.tried"
    try:
        with path.open("wb") as file:
            while chunk := content.read(_CHUNK):
                file.write(chunk)
        yield path
    finally:
        path.unlink(missing_ok=True)


def forget_old() -> int:
    """Remove files that nobody will ask for any more; returns how many."""
    until, gone = time.time() - KEEP_DAYS * 86_400, 0
    for path in folder().iterdir():
        with suppress(FileNotFoundError):  # a file that was only tried goes at any moment
            if path.stat().st_mtime < until:
                path.unlink()
                gone += 1
    return gone
