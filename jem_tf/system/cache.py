"""The user's cache folder, for files that are slow to download or to compute."""

import os
import pathlib


def folder() -> pathlib.Path:
    """Returns $XDG_CACHE_HOME/jem_tf, or ~/.cache/jem_tf; it need not exist yet.

    A relative $XDG_CACHE_HOME is ignored, as the XDG specification says.
    """
    given = pathlib.Path(os.environ.get("XDG_CACHE_HOME", ""))
    root = given if given.is_absolute() else pathlib.Path.home() / ".cache"
    return root / "jem_tf"
