"""What an experiment is, read from its file: variants, problems, seeds, and how its results are judged."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evoml.core.errors import nearest
from evoml.experiment.names import CONFIG, find_config, name_of
from evoml.experiment.problems import problems_of
from evoml.experiment.toml_lines import TomlFile

GENOMES = ("pipeline", "formula", "program", "estimator")
BOUNDS = ("evaluations", "generations", "seconds", "cpu_seconds")
TIMES = {"seconds", "cpu_seconds", "max_time_mins", "max_cpu_mins"}
DIRECTIONS = ("maximise", "minimise")
HOW = ("genome", "estimator", "runner")  # what a level may exchange as a whole
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_NUMBER, _WHOLE, _TEXT = "a number", "a whole number from 1 on", "a text"

KEYS: Mapping[str, tuple[str, Any]] = {  # key -> (what it must be, its default)
    "title": (_TEXT, ""),
    "description": (_TEXT, ""),
    "genome": (_TEXT, None),
    "estimator": (_TEXT, None),
    "runner": (_TEXT, None),
    "seeds": ("a whole number from 1 on, or a list of whole numbers from 0 on", 10),
    "test_size": ("a number between 0 and 1", 0.3),
    "scoring": (_TEXT, None),
    "measure": (_TEXT, "test_score"),
    "direction": (_TEXT, "maximise"),
    "paired": ("true or false", True),
    "alpha": ("a number between 0 and 1", 0.05),
    "success": (_NUMBER, None),
    "measures": (_TEXT, None),
    "cell_jobs": (_WHOLE, 1),
    "cell_memory": ("a number of bytes, or a text such as '2GB'", "2GB"),
    "budget": ("a table", {}),
    "settings": ("a table", {}),
    "factors": ("a table", {}),
    "problems": ("a table", None),
}


@dataclass(frozen=True)
class Variant:
    """A combination of levels, one of each factor.

    Attributes
    ----------
    name : str
        The levels, as reports show them.
    levels : mapping
        Level by factor.
    genome, estimator, runner : str or None
        What runs: a genome, of which ``"estimator"`` is an import path in ``estimator``, or a function in a file.
    settings : mapping
        Parameters of what runs, and its budget; a bound may be a table with one for each problem.
    """

    name: str
    levels: Mapping[str, str]
    genome: str | None
    estimator: str | None
    runner: str | None
    settings: Mapping[str, Any]

    @property
    def ordered(self) -> bool:
        """Whether time bounds none of its runs, so that they can be repeated bit for bit."""
        return self.genome in (None, "estimator") or (self.counted and not TIMES & self.settings.keys())

    @property
    def counted(self) -> bool:
        """Whether evaluations or generations bound its runs, whatever bounds them besides."""
        return bool({"evaluations", "generations"} & self.settings.keys())

    def on(self, problem: str) -> Variant:
        """Return the variant with its budget on a problem."""
        bounds = {name: self.settings[name] for name in BOUNDS if isinstance(self.settings.get(name), Mapping)}
        return replace(self, settings={**self.settings, **{name: bound[problem] for name, bound in bounds.items()}})


@dataclass(frozen=True)
class Experiment:
    """An experiment, as its file describes it; the format is told in ``experiments/README.md``. Commands know it by name."""

    name: str
    path: Path
    folder: Path
    results: Path
    title: str
    description: str
    variants: Sequence[Variant]
    problems: Mapping[str, Mapping[str, Any]]
    seeds: Sequence[int]
    test_size: float
    scoring: str | None
    measure: str
    direction: str
    paired: bool
    alpha: float
    success: Mapping[str, float]
    measures: str | None
    cell_jobs: int
    cell_memory: int
    factors: Sequence[str] = field(default=())


def read_config(name: str | Path) -> Experiment:
    """Read an experiment. Raises ConfigError, which names file, line and key, for the first mistake."""
    path = find_config(name)
    file = TomlFile(path)
    content = file.content
    _known(file, [], content, KEYS)
    values = {key: _checked(file, key, content[key]) if key in content else usual for key, (_, usual) in KEYS.items()}
    if not values["title"]:
        raise file.error([], "a title is missing: add title = '...'")
    variants = list(_variants(file, values))
    if not values["problems"]:
        raise file.error([], "problems are missing: add at least one, e.g. [problems.wine] with data = 'sklearn:wine'")
    abstract = all(variant.runner is not None for variant in variants)
    problems, success = problems_of(file, values["problems"], values["success"], abstract)
    _check_bounds(file, values, problems)
    folder = path.resolve().parent
    own = [] if path.name == CONFIG else [path.stem]  # there may be several in a folder
    return Experiment(
        name=name_of(path),
        path=path,
        folder=folder,
        results=folder.joinpath("results", *own),
        variants=variants,
        problems=problems,
        success=success,
        seeds=_seeds(file, values["seeds"]),
        cell_memory=_bytes(file, values["cell_memory"]),
        factors=list(values["factors"]),
        **{
            key: values[key]
            for key in ("title", "description", "test_size", "scoring", "measure", "direction", "paired", "alpha")
        },
        **{key: values[key] for key in ("measures", "cell_jobs")},
    )


def _known(file: TomlFile, keys: list[str], table: Mapping[str, Any], known: Any) -> None:
    for key in table:
        if key not in known:
            raise file.error([*keys, key], f"unknown key{nearest(key, known)}; known are {', '.join(known)}")


def _checked(file: TomlFile, key: str, value: Any) -> Any:
    """Return the value of a key. Raises ConfigError if it is not of the kind it must be."""
    wanted = KEYS[key][0]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = {
        _TEXT: isinstance(value, str),
        _NUMBER: number,
        _WHOLE: number and isinstance(value, int) and value > 0,
        "a number between 0 and 1": number and 0 < value < 1,
        "true or false": isinstance(value, bool),
        "a table": isinstance(value, dict),
    }
    if not fits.get(wanted, True):
        raise file.error([key], f"must be {wanted}, got {value!r}")
    choices = {"genome": GENOMES, "direction": DIRECTIONS}.get(key)
    if choices and value not in choices:
        raise file.error([key], f"unknown {key} {value!r}{nearest(value, choices)}; there are: {', '.join(choices)}")
    return value


def _seeds(file: TomlFile, value: Any) -> list[int]:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return list(range(value))
    whole = isinstance(value, list) and all(isinstance(one, int) and one >= 0 for one in value)
    if not whole or not value or len(set(value)) < len(value):
        raise file.error(["seeds"], f"must be a whole number from 1 on, or a list of different ones, got {value!r}")
    return list(value)


def _bytes(file: TomlFile, value: Any) -> int:
    found = re.fullmatch(r"\s*(\d+\.?\d*)\s*([KMGT]?)(I?B)?\s*", str(value).upper())
    if not found or isinstance(value, bool):
        raise file.error(["cell_memory"], f"must be a number of bytes, or a text such as '2GB', got {value!r}")
    return int(float(found[1]) * _UNITS[found[2]])


# -- variants ---------------------------------------------------------------------------------------------------------


def _variants(file: TomlFile, values: Mapping[str, Any]) -> Iterator[Variant]:
    """Yield all combinations of levels."""
    _known(file, ["budget"], values["budget"], BOUNDS)
    shared = {**values["settings"], **values["budget"]}
    how = {key: values[key] for key in HOW}
    factors = {name: _levels(file, name, given) for name, given in values["factors"].items()}
    for chosen in itertools.product(*factors.values()):
        levels = dict(zip(factors, (name for name, _ in chosen), strict=True))
        yield _variant(file, levels, [settings for _, settings in chosen], how, shared)


def _variant(
    file: TomlFile, levels: Mapping[str, str], given: Sequence[Mapping[str, Any]], how: Mapping[str, Any], shared: Any
) -> Variant:
    settings, how = dict(shared), dict(how)
    own: dict[str, Any] = {}
    at = ["runner"] if how["runner"] else ["genome"]
    for factor, level in zip(levels, given, strict=True):
        keys = ["factors", factor, levels[factor]]
        if exchanged := {key: level[key] for key in HOW if key in level}:
            settings, how, at = {}, {**dict.fromkeys(HOW), **exchanged}, [*keys, next(iter(exchanged))]
        own |= {key: value for key, value in level.items() if key not in HOW}
    _check_how(file, how, at)
    settings |= own
    name = ", ".join(levels.values()) or how["runner"] or how["estimator"] or str(how["genome"])
    if how["genome"] not in (None, "estimator") and not settings.keys() & set(BOUNDS):
        told = f"add [budget] with evaluations = 100, or another of {', '.join(BOUNDS)}"
        raise file.error(at, f"{name}: a budget is missing: {told}")
    return Variant(name, levels, how["genome"], how["estimator"], how["runner"], settings)


def _check_how(file: TomlFile, how: Mapping[str, Any], keys: Sequence[str]) -> None:
    """Check that exactly one of genome and runner is given, and what it needs."""
    if how["genome"] is None and how["runner"] is None:
        raise file.error([], f"genome or runner is missing: add genome = one of {', '.join(GENOMES)}")
    if how["genome"] is not None and how["runner"] is not None:
        raise file.error(keys, "give either genome or runner, not both")
    if how["genome"] not in (None, *GENOMES):
        raise file.error(
            keys, f"unknown genome {how['genome']!r}{nearest(how['genome'], GENOMES)}; there are: {', '.join(GENOMES)}"
        )
    if (how["genome"] == "estimator") != (how["estimator"] is not None):
        raise file.error(keys, "genome = 'estimator' and estimator = 'package.Class' belong together")
    if how["runner"] is not None:
        check_function(file, keys, how["runner"])


def check_function(file: TomlFile, keys: Sequence[str], text: str) -> None:
    """Check that a text is ``file.py:function`` with a file that is there."""
    name, _, function = str(text).partition(":")
    if not function.isidentifier():
        raise file.error(keys, f"must be 'file.py:function', got {text!r}")
    if not (file.path.parent / name).is_file():
        raise file.error(
            keys, f"there is no file {file.path.parent / name}; the path begins at the folder of this file"
        )


def _levels(file: TomlFile, factor: str, given: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the levels of a factor: name, and the settings it stands for."""
    keys = ["factors", factor]
    if isinstance(given, dict):
        if odd := [name for name, settings in given.items() if not isinstance(settings, dict)]:
            raise file.error(
                [*keys, odd[0]], "a named level is a table of settings; values of a setting stand in a list"
            )
        levels = list(given.items())
    elif isinstance(given, list):
        levels = [(_label(value), {factor: value}) for value in given]
    else:
        raise file.error(keys, f"must be a list of values, or a table of named levels, got {given!r}")
    names = [name for name, _ in levels]
    if not levels or len(set(names)) < len(names):
        raise file.error(keys, f"needs levels that differ from each other, got {names}")
    return levels


def _label(value: Any) -> str:
    if isinstance(value, str):
        return Path(value.partition(":")[2] or value).name if ".py:" in value else value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_bounds(file: TomlFile, values: Mapping[str, Any], problems: Mapping[str, Any]) -> None:
    """Check all bounds: numbers above 0, or tables with such a number for each problem."""
    places = [(["budget"], values["budget"])]
    for factor, given in values["factors"].items():
        places += [(["factors", factor, name], level) for name, level in _levels(file, factor, given)]
    for keys, table in places:
        for name in table.keys() & set(BOUNDS):
            bound, at = table[name], [*keys, name]
            if isinstance(bound, dict):
                _known(file, at, bound, problems)
                if missing := [problem for problem in problems if problem not in bound]:
                    raise file.error(at, f"says nothing of {', '.join(missing)}: give a number for each problem")
            for value in bound.values() if isinstance(bound, dict) else [bound]:
                if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
                    raise file.error(at, f"must be a number above 0, got {value!r}")
