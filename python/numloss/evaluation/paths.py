"""Names of files as text that is the same under every locale."""

from __future__ import annotations

import os
import re
from pathlib import Path

#: Keys in front of the host of a URI, and what stands behind its path.
SECRET = re.compile(r"(?<=://)[^/@]*@|[?].*")


def without_secrets(word: str) -> str:
    """Return a word of a command; of a URI, what reports show of it."""
    return SECRET.sub("", word) if "://" in word else word


def text_of(path: str | Path) -> str:
    """Return a name as UTF-8 says it, whatever Python takes the locale's encoding for."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def native(text: str) -> str:
    """Return the name that Python has under its locale for such a text."""
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


def path_of(text: str) -> Path:
    """Return the path that Python opens for such a text."""
    return Path(native(text))
