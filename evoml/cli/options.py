"""The options of a fit: from the command line, a TOML file, or the record of an earlier run, checked once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from evoml.core.budget import check_positive
from evoml.core.errors import BudgetError, SettingError, nearest
from evoml.core.own_files import is_in_file

DEFAULT_SECONDS = 60.0
TASKS = ("auto", "classification", "regression")

_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(
        ("table", "metric", "task", "search_space", "algorithm", "group", "weight", "out", "cluster"), (str,)
    ),
    "target": (str, list),
    "time_split": (str,),
    "holdout": (int, float, str),
    **dict.fromkeys(("columns", "operators"), (dict,)),
    **dict.fromkeys(("evaluations", "generations", "seed", "jobs", "ensemble_size"), (int,)),
    **dict.fromkeys(("seconds", "cpu_seconds", "max_predict_ms", "max_model_mb", "explain"), (int, float)),
}
_NOUNS = {
    (dict,): "a table of names with a text for each",
    (str,): "a text",
    (str, list): "a text or a list of texts",
    (int,): "a whole number",
    (int, float): "a number",
    (int, float, str): "a share of the rows or the name of a table",
}


@dataclass(frozen=True, slots=True)
class FitOptions:
    """What `evoml fit` can be told; None means not given.

    Attributes
    ----------
    table : str
        Where the data are.
    target : str or list of str
        The column to predict, or several.
    metric : str
        Name of a scikit-learn metric.
    seconds, cpu_seconds, evaluations, generations : float, float, int, int
        Bounds of the run; the first that is reached ends it. 60 seconds if none is given.
    seed : int
        Seed of all randomness; a fresh one if not given.
    jobs : int
        Number of processes; -1 for all processors this process may use.
    holdout : float or str
        Share of the rows that the search never sees, to score the final model on; or another table.
    task : str
        "auto", "classification" or "regression".
    search_space : str
        TOML file of the parts a pipeline may use.
    algorithm : str
        How it evolves: a name, or ``file.py:Name``.
    group, weight : str
        Columns with the group and the weight of each row; not used as features.
    out : str
        Folder of the run.
    cluster : str
        Address of a Dask scheduler whose workers evaluate the pipelines.
    time_split : str
        Column by which folds, and the rows held out, are later than what is trained on.
    columns : dict of name to kind
        What columns are, where it would be inferred wrongly.
    operators : dict of name to ``file.py:function``
        Operators of variation beside evoml's own.
    ensemble_size : int
        Pipelines that the model may average; 1 for a single one.
    max_predict_ms, max_model_mb : float
        Milliseconds that the model may take for a thousand rows, and megabytes that it may have.
    explain : float
        Seconds that explaining the model may take after the run, 0 for no explanation.
    """

    table: str | None = None
    target: str | list[str] | None = None
    metric: str | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    evaluations: int | None = None
    generations: int | None = None
    seed: int | None = None
    jobs: int | None = None
    holdout: float | str | None = None
    task: str | None = None
    search_space: str | None = None
    algorithm: str | None = None
    group: str | None = None
    weight: str | None = None
    out: str | None = None
    cluster: str | None = None
    time_split: str | None = None
    columns: Mapping[str, str] | None = None
    operators: Mapping[str, str] | None = None
    ensemble_size: int | None = None
    max_predict_ms: float | None = None
    max_model_mb: float | None = None
    explain: float | None = None

    @property
    def targets(self) -> list[str]:
        """The columns to predict."""
        return [self.target] if isinstance(self.target, str) else list(self.target or ())

    def over(self, others: FitOptions) -> FitOptions:
        """Return the options given here, and the other's where none is given here; kinds of columns add up."""
        columns = {**(others.columns or {}), **(self.columns or {})} or None
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return replace(others, **{**given, "columns": columns})

    def complete(self) -> FitOptions:
        """Return the options with defaults filled in. Raises EvomlError for a value that cannot be used."""
        from evoml.cli.tables import PREFIX
        from evoml.core.random import fresh_seed

        if self.table is None:
            raise SettingError("no table was given; name a CSV or Parquet file, or e.g. sklearn:iris")
        shipped = self.table.startswith(PREFIX)
        if self.target is None and not shipped:
            raise SettingError("no target was given; name the column to predict with --target COLUMN")
        _check(self)
        bounded = self.seconds or self.cpu_seconds or self.evaluations or self.generations
        return replace(
            self,
            target=self.target or "target",
            seconds=self.seconds if bounded else DEFAULT_SECONDS,
            seed=fresh_seed() if self.seed is None else self.seed,
            jobs=-1 if self.jobs is None else self.jobs,
            task=self.task or "auto",
        )


def from_file(path: str) -> FitOptions:
    """Read options from a TOML file: names as on the command line, with dashes or underscores, but for ``columns`` and
    ``operators``, which are tables of names with a text for each.

    Raises SettingError, naming the file and the key, for anything that is not an option.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} is not valid TOML: {error}; mend that line") from error
    return from_mapping(content, path)


def from_mapping(content: Mapping[str, Any], where: str) -> FitOptions:
    """Make options of a mapping; None values are left out. Raises SettingError for unknown keys and wrong types."""
    known = [field.name for field in fields(FitOptions)]
    given = {key.replace("-", "_"): value for key, value in content.items() if value is not None}
    for name, value in given.items():
        if name not in known:
            options = [one.replace("_", "-") for one in known]
            raise SettingError(
                f"{where}: {name.replace('_', '-')!r} is not an option{nearest(name, options)}; known are:"
                f" {', '.join(options)}"
            )
        if not isinstance(value, _TYPES[name]) or isinstance(value, bool):
            raise SettingError(f"{where}: {name.replace('_', '-')} must be {_NOUNS[_TYPES[name]]}, got {value!r}")
    return FitOptions(**given)


def one_or_several(names: list[str] | None) -> str | list[str] | None:
    """Return what ``--target`` was given, a single one by itself."""
    return None if not names else names[0] if len(names) == 1 else list(names)


def operators_from(given: list[str] | None) -> dict[str, str] | None:
    """Return where each operator is, from texts such as ``widen=mine.py:widen``. Raises SettingError for another form."""
    pairs = {name: place for name, _, place in (one.partition("=") for one in given or ())}
    if wrong := [f"{name}={place}" for name, place in pairs.items() if not (name and is_in_file(place))]:
        raise SettingError(f"--operator takes NAME=FILE.py:FUNCTION, such as widen=mine.py:widen; got {wrong[0]!r}")
    return pairs or None


def share_or_table(text: str | None) -> float | str | None:
    """Return what ``--holdout`` was given: a number, or else the name of a table."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def usable_jobs(jobs: int) -> int:
    """Return the number of processes: negative counts back from the processors this process may use, as in joblib."""
    import joblib

    return jobs if jobs > 0 else max(1, joblib.cpu_count() + 1 + jobs)


def check_jobs(jobs: int | None) -> None:
    """Raise BudgetError for a number of processes, or threads, that there cannot be."""
    if jobs == 0:
        raise BudgetError("the number of --jobs must not be 0; give 1 or more, or -1 for all processors")


def check_seed(seed: int | None) -> None:
    """Raise SettingError for a seed that not all libraries take."""
    if seed is not None and not 0 <= seed < 2**32:
        raise SettingError(f"--seed must be from 0 to 4294967295, got {seed}")


def _check(options: FitOptions) -> None:
    check_positive(options.seconds, "number of --seconds")
    check_positive(options.cpu_seconds, "number of --cpu-seconds")
    for name in ("evaluations", "generations", "ensemble_size"):
        check_positive(getattr(options, name), f"number of --{name.replace('_', '-')}", whole=True)
    check_positive(options.max_predict_ms, "number of --max-predict-ms")
    check_positive(options.max_model_mb, "number of --max-model-mb")
    check_jobs(options.jobs)
    check_seed(options.seed)
    if options.explain != 0:
        check_positive(options.explain, "number of --explain")
    if isinstance(options.holdout, (int, float)) and not 0 < options.holdout < 1:
        raise SettingError(f"--holdout must be a share between 0 and 1, such as 0.2, got {options.holdout:g}")
    if options.task is not None and options.task not in TASKS:
        raise SettingError(f"--task must be {', '.join(TASKS)}; got {options.task!r}{nearest(options.task, TASKS)}")
    if options.cluster is not None and "://" not in options.cluster:
        raise SettingError(
            f"--cluster must be the address of a Dask scheduler, such as tcp://host:8786; got {options.cluster!r}"
        )
    if options.time_split is not None and options.group is not None:
        raise SettingError("--time-split and --group exclude each other: give the one that matters for new rows")
    if not all(isinstance(name, str) for name in options.targets):
        raise SettingError(f"target must be a text or a list of texts, got {options.target!r}")
    roles = [name for name in (*options.targets, options.group, options.weight) if name is not None]
    if len(set(roles)) < len(roles):
        raise SettingError("--target, --group and --weight must name different columns")
