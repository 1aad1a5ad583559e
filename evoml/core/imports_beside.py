"""The files that a user's own file imports from beside it: found by reading, and loaded anew where they are others."""

from __future__ import annotations

import ast
import hashlib
import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import ModuleType

SUFFIX = ".py"
_seen: set[str] = set()  # files beside own ones, whose modules may be forgotten
_loaded: dict[str, str] = {}  # of these those that were imported -> hash of the content then


def with_imports(files: Iterable[Path]) -> list[Path]:
    """Return Python files and all beside them that they import, and those import."""
    found: dict[Path, None] = {}
    left = list(files)
    while left:
        path = left.pop()
        if path not in found:
            found[path] = None
            with suppress(OSError):
                left += _imports(path, stamp(path))
    return list(found)


def digest(path: Path) -> str:
    """Return a hash of a file's content; an empty text if it cannot be read."""
    try:
        return _of_content(path, stamp(path))
    except OSError:
        return ""


def stamp(path: Path) -> tuple[int, int]:
    """Return what differs when a file was written anew. Raises OSError."""
    known = path.stat()
    return known.st_mtime_ns, known.st_size


def forget_others(helpers: Sequence[Path]) -> None:
    """Forget modules of the same names that were imported from beside another file, or have been edited since."""
    wanted = {_name(path): path for path in helpers}
    remembered(path for path in helpers if str(path) not in _seen)  # others may have imported them already
    _seen.update(map(str, helpers))
    there = {name: str(getattr(sys.modules.get(name), "__file__", "")) for name in wanted}
    if any(_is_other(there[name], path) for name, path in wanted.items()):
        for name in [name for name in sys.modules if name.partition(".")[0] in wanted]:
            if str(getattr(sys.modules[name], "__file__", "")) in _seen:
                del sys.modules[name]
    importlib.invalidate_caches()


def remembered(helpers: Iterable[Path]) -> Mapping[str, ModuleType]:
    """Return the modules that were imported from these files, by name, and keep in mind what they were made of."""
    files = {str(path) for path in helpers}
    found = {name: one for name, one in list(sys.modules.items()) if str(getattr(one, "__file__", "")) in files}
    _loaded.update({str(one.__file__): digest(Path(str(one.__file__))) for one in found.values()})
    return found


def _is_other(loaded: str, path: Path) -> bool:
    return loaded in _seen and (loaded != str(path) or _loaded.get(loaded) != digest(path))


def _name(path: Path) -> str:
    """Return the first name by which a file beside another is imported; of a package that of its folder."""
    while (path.parent / "__init__.py").is_file():
        path = path.parent
    return path.stem


@lru_cache(maxsize=1000)
def _imports(path: Path, _: tuple[int, int]) -> tuple[Path, ...]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return ()
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    found: list[Path] = []
    for first in sorted({name.partition(".")[0] for name in names}):
        there = path.parent / first
        found += sorted(there.rglob(f"*{SUFFIX}")) if there.is_dir() else [there.with_suffix(SUFFIX)]
    return tuple(one for one in found if one.is_file())


@lru_cache(maxsize=1000)
def _of_content(path: Path, _: tuple[int, int]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
