"""What experiments are called, and where their files are: ``wine/small`` is ``experiments/wine/small.toml``, or its config."""

from __future__ import annotations

import tomllib
from pathlib import Path

from evoml.core.errors import nearest
from evoml.experiment.toml_lines import ConfigError

CONFIG, SUFFIX = "config.toml", ".toml"
HOME = "experiments"


def find_config(name: str | Path) -> Path:
    """Return the file of an experiment given by its folder, its file, or its name. Raises ConfigError if there is none."""
    for path in (Path(name), Path(HOME) / name):
        for file in (path, path / CONFIG, Path(f"{path}{SUFFIX}")):
            if file.is_file():
                return file
    known = known_names(Path(HOME))
    told = f"there are: {', '.join(known)}" if known else "give its folder, or run this beside the folder experiments"
    raise ConfigError(f"there is no experiment {str(name)!r}{nearest(name, known)}; {told}")


def name_of(path: Path) -> str:
    """Return the name by which a config is found: its path below the nearest ``experiments``, or else below its folder's."""
    path = path.resolve()
    homes = [folder for folder in path.parents[1:] if folder.name == HOME]
    home = homes[0] if homes else path.parents[min(1, len(path.parents) - 1)]
    below = path.relative_to(home)
    return (below.parent if path.name == CONFIG else below.with_suffix("")).as_posix()


def known_names(home: Path) -> list[str]:
    """Return the names of all experiments in a folder, and in those below it."""
    return sorted(name_of(path) for path in home.rglob(f"*{SUFFIX}") if _is_config(path))


def _is_config(path: Path) -> bool:
    try:
        return {"title", "problems"} <= tomllib.loads(path.read_text(encoding="utf-8")).keys()
    except (OSError, ValueError):
        return False
