"""What users write in files of their own: ``"file.py:Name"`` is the object of that name in that file."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from evoml.core.errors import SettingError, nearest
from evoml.core.imports_beside import digest as content_of
from evoml.core.imports_beside import forget_others, remembered, with_imports

_HELPERS: dict[str, Mapping[str, ModuleType]] = {}  # what the module of a file has imported from beside it
_TURN = threading.RLock()  # a thread must not find a module that another is still running


def is_in_file(value: Any) -> bool:
    """Tell whether a value names an object in a Python file."""
    return isinstance(value, str) and value.rpartition(":")[0].endswith(".py")


def from_file(place: str) -> Any:
    """Return the object that ``"file.py:Name"`` names. Raises SettingError if there is none, or the file cannot be run."""
    file, _, name = place.rpartition(":")
    path = Path(file).expanduser().resolve()
    if not path.is_file():
        raise SettingError(f"there is no file {path} for {place!r}; check the path")
    with _TURN:
        module = _module(path)
    if not hasattr(module, name):
        known = [one for one in vars(module) if not one.startswith("_")]
        raise SettingError(f"{path} has no {name!r}{nearest(name, known)}; there are: {', '.join(known)}")
    return getattr(module, name)


def _module(path: Path) -> Any:
    """Return a file's module: the same one as long as the file, and what it imports from beside it, is the same.

    So its classes are the same, too. What it imported stands under its name again, whatever files had helpers of the same name.
    """
    _, *helpers = files = with_imports([path])
    digest = hashlib.blake2b("".join(f"{one}{content_of(one)}" for one in files).encode(), digest_size=8).hexdigest()
    own = f"evoml_own_{path.stem}_{digest}"
    if own in sys.modules:
        _HELPERS[own] = {
            **_HELPERS.get(own, {}),
            **remembered(helpers),
        }  # some are imported only when a function is called
        forget_others(helpers)
        sys.modules.update(_HELPERS[own])
        return sys.modules[own]
    import cloudpickle

    forget_others(helpers)
    spec = importlib.util.spec_from_file_location(own, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[own] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[own]
        raise SettingError(f"{path} could not be run: {type(error).__name__}: {error}") from error
    _HELPERS[own] = remembered(helpers)
    cloudpickle.register_pickle_by_value(module)  # worker processes cannot import it by that name
    return module
