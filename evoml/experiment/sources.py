"""What a cell hangs on beside its config: its own files, its tables and evoml itself, each by its content."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoml.core.imports_beside import digest as content_of
from evoml.core.imports_beside import with_imports
from evoml.core.own_files import is_in_file

if TYPE_CHECKING:
    from evoml.experiment.cells import Cell
    from evoml.experiment.results import Row

FILE, TABLE, EVOML = "file ", "table ", "evoml sources"
PROGRAM, OWN_TEXT = ".py", (".py", ".toml")


def contents(cell: Cell) -> dict[str, str]:
    """Return a hash of each file and table of a cell that is there, and of evoml's sources, by what versions call them."""
    named = sorted(set(_named(cell)))
    programs = with_imports(path for path in named if path.suffix == PROGRAM)
    files = [*(path for path in named if path.suffix in OWN_TEXT), *programs]
    tables = [path for path in named if path.suffix not in OWN_TEXT]
    found = {f"{FILE}{os.path.relpath(path, cell.here)}": path for path in files}
    found |= {f"{TABLE}{path.name}": path for path in tables}
    return {**{name: digest for name in sorted(found) if (digest := content_of(found[name]))}, EVOML: _of_evoml()}


def changed(recorded: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the names of the files and tables of a cell that are others now than when it was recorded.

    What was not recorded then, or is not there now, tells nothing.
    """
    own = (name for name in recorded if name.startswith((FILE, TABLE)))
    return [name for name in own if name in now and recorded[name] != now[name]]


def of_libraries(versions: Mapping[str, str]) -> dict[str, str]:
    """Return versions without the contents of files: what is told in a report."""
    return {name: version for name, version in versions.items() if not name.startswith((FILE, TABLE, EVOML))}


def told_of_others(rows: Iterable[Row], cells: Sequence[Cell]) -> str:
    """Say how many finished cells were run with files or tables that are others now; an empty text for none."""
    by_name = {cell.id: cell for cell in cells}
    known = [row for row in rows if EVOML in row.versions]
    counts = Counter(name for row in known for name in changed(row.versions, contents(by_name[row.cell])))
    parts = [
        f"{count} finished cell{'s' * (count > 1)} {'were' if count > 1 else 'was'} run with another {name.partition(' ')[2]}"
        for name, count in counts.items()
    ]
    return f"{', '.join(parts)}: to run them again, delete their lines in results.csv" if parts else ""


def _named(cell: Cell) -> Iterator[Path]:
    """Yield all files that the settings, the problem and the functions of a cell name."""
    variant = cell.variant
    told = [variant.runner, cell.measures, cell.scoring, variant.settings, cell.problem_arguments]
    for text in _texts(told):
        name = text.rpartition(":")[0] if is_in_file(text) else os.path.expandvars(text)
        path = cell.here / name
        with suppress(OSError, ValueError):  # a long text is no name of a file
            if name and path.is_file():
                yield path.resolve()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (Mapping, list, tuple)):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one)


@cache
def _of_evoml() -> str:
    """Return a hash of evoml's own sources: its version alone does not tell two states of them apart."""
    import evoml

    home = Path(evoml.__file__).parent
    running = hashlib.blake2b(digest_size=8)
    for path in sorted(path for path in home.rglob("*") if path.suffix in OWN_TEXT):
        running.update(path.relative_to(home).as_posix().encode() + b"\0" + path.read_bytes())
    return running.hexdigest()
