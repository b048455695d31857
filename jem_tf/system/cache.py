"""The user's cache: what takes long to get or to compute, and is the same next time."""

import os
import pathlib


def folder():
    """$XDG_CACHE_HOME/jem_tf, or ~/.cache/jem_tf; it need not exist yet."""
    given = pathlib.Path(os.environ.get("XDG_CACHE_HOME", ""))
    root = given if given.is_absolute() else pathlib.Path.home() / ".cache"
    return root / "jem_tf"
