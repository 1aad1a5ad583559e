"""What is the user's own, named in a config as ``file.py:name``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evoml.core.errors import SettingError
from evoml.core.own_files import from_file

_FOLDERS: list[str] = []  # of users' own files, the one used last first; searched after all others


def object_of(text: str, here: Path) -> Any:
    """Return the object that ``file.py:name`` names; the path begins at ``here``. Raises SettingError.

    A process loads a file once, so that what it keeps, such as tables it has read, stays from cell to cell; again where it, or
    what it imports from beside it, has been edited.
    """
    folder = str((here / text.partition(":")[0]).resolve().parent)
    _search_first(folder)
    return from_file(str(here / text))


def _search_first(folder: str) -> None:
    """Have what a file imports from beside it, also while it runs, found there rather than beside another own file."""
    if folder in _FOLDERS or folder not in sys.path:
        _FOLDERS[:] = [folder, *(one for one in _FOLDERS if one != folder)]
        sys.path[:] = [*(path for path in sys.path if path not in _FOLDERS), *_FOLDERS]


def function_of(text: str, here: Path) -> Callable[..., Any]:
    """Return the function that ``file.py:function`` names, as :func:`object_of` does."""
    found = object_of(text, here)
    if not callable(found):
        raise SettingError(f"{here / text} is no function")
    return found  # type: ignore[no-any-return]
