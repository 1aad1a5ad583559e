"""What is the user's own, named in a config as ``file.py:name``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evoml.core.errors import SettingError
from evoml.core.own_files import from_file


def object_of(text: str, here: Path) -> Any:
    """Return the object that ``file.py:name`` names; the path begins at ``here``. Raises SettingError.

    A process loads a file once, so that what it keeps, such as tables it has read, stays from cell to cell.
    """
    folder = str((here / text.partition(":")[0]).resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # for what it imports from beside it
    return from_file(str(here / text))


def function_of(text: str, here: Path) -> Callable[..., Any]:
    """Return the function that ``file.py:function`` names, as :func:`object_of` does."""
    found = object_of(text, here)
    if not callable(found):
        raise SettingError(f"{here / text} is no function")
    return found  # type: ignore[no-any-return]
