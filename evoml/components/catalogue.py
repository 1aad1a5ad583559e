"""The catalogue: an immutable mapping from names to parts, read from TOML, extended and narrowed by its user."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias

from evoml.components.checking import check_part
from evoml.components.entries import merged, part_from
from evoml.components.expressions import evaluate
from evoml.components.hyperparameters import Formula, Integer
from evoml.components.part import Outputs, Part, Task
from evoml.core.errors import SearchSpaceError, nearest

DATA_FILES = ("classifiers", "regressors", "preprocessing", "features", "encoders", "compiled", "boosting", "wrappers")
OPTIONAL_FILES = ("programs",)  # of parts that are there only where these are asked for
_TARGETS = {"any": (None,), "nonnegative": (None, "nonnegative"), "positive": (None, "nonnegative", "positive")}

TargetRange: TypeAlias = Literal["any", "nonnegative", "positive"]


class Catalogue(Mapping[str, Part]):
    """The parts a pipeline may use, by name. Every method that changes something returns a new catalogue.

    `unavailable` maps the names of known parts whose library isn't installed to the name of that library.
    """

    __slots__ = ("_parts", "unavailable")

    def __init__(self, parts: Mapping[str, Part], unavailable: Mapping[str, str] | None = None) -> None:
        self._parts = dict(parts)
        self.unavailable = dict(unavailable or {})

    def __getitem__(self, name: str) -> Part:
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        return f"<Catalogue of {len(self)} parts>"

    def with_part(self, name: str, **entry: Any) -> "Catalogue":
        """With a new part, or with the one of that name replaced; `entry` has the keys of a TOML entry."""
        return self._with(_checked(part_from(name, entry, "with_part"), "with_part"))

    def without(self, *names: str) -> "Catalogue":
        """Without these parts. Raises SearchSpaceError for an unknown name."""
        for name in names:
            if name not in self.unavailable:
                self._known(name, "without")
        return self._of({name: part for name, part in self._parts.items() if name not in names})

    def only(self, *names: str) -> "Catalogue":
        """With nothing but these parts. Raises SearchSpaceError for an unknown name."""
        for name in names:
            if name not in self.unavailable:
                self._known(name, "only")
        return self._of({name: part for name, part in self._parts.items() if name in names})

    def narrowed(self, part: str, hyperparameter: str, **changes: Any) -> "Catalogue":
        """With another range for one hyperparameter: any of low, high, choices, default, scale.

        A default that falls outside is moved to the nearest value (of choices: the first) unless one is given.
        """
        found = self._known(part, "narrowed")
        names = [one.name for one in found.hyperparameters]
        if hyperparameter not in names:
            raise SearchSpaceError(
                f"narrowed: [{part}] hyperparameters.{hyperparameter}: no such hyperparameter"
                f"{nearest(hyperparameter, names)}; it has: {', '.join(names) or 'none'}"
            )
        return self._with(
            _checked(merged(found, {"hyperparameters": {hyperparameter: changes}}, "narrowed"), "narrowed")
        )

    def limited(
        self,
        *,
        task: Task,
        n_rows: int,
        n_features: int,
        n_classes: int | None = None,
        class_rows: int | None = None,
        target: TargetRange = "any",
        needs_predict_proba: bool = False,
        imbalance: float = 1.0,
        skewness: float = 0.0,
        outputs: Outputs = "one",
    ) -> "Catalogue":
        """Only parts that suit the task, the target and the data, their integer ranges capped by `at_most`.

        n_rows, class_rows: the smallest number of rows, in all and of the smallest class, a part may be fitted on.
        imbalance: rows of the largest class for each of the smallest. skewness: of the target. outputs: what the target is;
        models of one column only stay, where it is another, as long as there is a wrapper for them.
        Each part's frequency becomes a number; classifiers without probabilities stay, where these are needed, as long as
        there is a wrapper that gives them some.
        """
        if class_rows is None:
            class_rows = n_rows
        facts = {"n_rows": n_rows, "n_features": n_features, "n_classes": n_classes or 1, "class_rows": class_rows}
        known = {"imbalance": imbalance, "skewness": skewness, "needs_probabilities": int(needs_predict_proba), **facts}
        suitable = {
            name: _offered(_capped(part, facts), known)
            for name, part in self._parts.items()
            if part.task in (None, task)
            and part.target in _TARGETS[target]
            and (task == "regression" or part.min_class_rows <= class_rows)
            and (part.task is None or outputs in part.outputs or (part.is_model and "one" in part.outputs))
        }
        suitable = {name: part for name, part in suitable.items() if float(part.frequency) > 0}
        mended = any(part.input == "any_model" and part.predict_proba for part in suitable.values())
        joined = any(part.input in ("single_model", "dense_single_model") for part in suitable.values())
        if not joined:
            suitable = {n: part for n, part in suitable.items() if not part.is_model or outputs in part.outputs}
        if needs_predict_proba and not mended:
            suitable = {n: part for n, part in suitable.items() if part.predict_proba or part.kind != "classifier"}
        return self._of(suitable)

    def _known(self, name: str, where: str) -> Part:
        if name in self._parts:
            return self._parts[name]
        if name in self.unavailable:
            raise SearchSpaceError(
                f"{where}: [{name}] needs the package {self.unavailable[name]!r}, which is not installed; install it"
            )
        raise SearchSpaceError(f"{where}: [{name}]: no such part in the catalogue{nearest(name, self._parts)}")

    def _with(self, part: Part) -> "Catalogue":
        if part.requires is not None and find_spec(part.requires) is None:
            remaining = {name: one for name, one in self._parts.items() if name != part.name}
            return Catalogue(remaining, {**self.unavailable, part.name: part.requires})
        return self._of({**self._parts, part.name: part})

    def _of(self, parts: Mapping[str, Part]) -> "Catalogue":
        return Catalogue(parts, self.unavailable)


def load_catalogue(
    extra: str | Path | Mapping[str, Any] | Catalogue | None = None, metric: str | None = None
) -> Catalogue:
    """The built-in catalogue as suits a metric, with `extra` laid over it.

    extra: a TOML file, a mapping of the same structure, a catalogue, which is returned as it is, or "programs", for learning
    algorithms as parts (see :class:`evoml.LearnedAlgorithm`). In a file or a mapping a new table adds a part, `remove = true`
    removes one, a partial table changes one, a top-level `only` keeps just those named.
    metric: name of the metric that counts, with its parameter after a colon if it has one.
    Raises SearchSpaceError for any mistake, naming file, entry and key.
    """
    if isinstance(extra, Catalogue):
        return extra
    if extra is None:
        return _built_in(metric)
    if isinstance(extra, str) and extra in OPTIONAL_FILES:
        return _laid_over(_built_in(metric), tomllib.loads(_data(extra)), f"{extra}.toml")
    if isinstance(extra, str | Path):
        return _laid_over(_built_in(metric), read_toml(Path(extra)), str(extra))
    if isinstance(extra, Mapping):
        return _laid_over(_built_in(metric), extra, "catalogue")
    raise SearchSpaceError(f"catalogue: must be a TOML file's path, a mapping or a Catalogue, got {extra!r}")


def known_pipelines(task: Task) -> tuple[str, ...]:
    """Texts of generally good pipelines for a task, best and quickest first."""
    return tuple(tomllib.loads(_data("pipelines"))[task])


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's content. Raises SearchSpaceError, with the line, if it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SearchSpaceError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SearchSpaceError(f"{path}: not valid TOML: {error}; mend that line") from error


@cache
def _built_in(metric: str | None = None) -> Catalogue:
    if metric is not None:
        return _for_metric(_built_in(), metric)
    catalogue = Catalogue({})
    for file in DATA_FILES:
        for name, entry in tomllib.loads(_data(file)).items():
            catalogue = catalogue._with(part_from(name, entry, f"{file}.toml"))
    return catalogue


def _for_metric(catalogue: Catalogue, metric: str) -> Catalogue:
    """The catalogue with the losses that a metric calls for."""
    name, _, given = metric.partition(":")
    value = float(given) if re.fullmatch(r"[0-9]*\.?[0-9]+", given) else 0.5  # no number: the metric itself refuses it
    for part, changes in tomllib.loads(_data("metrics")).get(name, {}).items():
        if part in catalogue:
            fixed = {key: value if one == "$value" else one for key, one in changes.get("fixed", {}).items()}
            catalogue = catalogue._with(merged(catalogue[part], {**changes, "fixed": fixed}, "metrics.toml"))
    return catalogue


def _data(file: str) -> str:
    return (files("evoml.components") / "data" / f"{file}.toml").read_text(encoding="utf-8")


def _laid_over(catalogue: Catalogue, extra: Mapping[str, Any], where: str) -> Catalogue:
    for name, entry in extra.items():
        if name == "only":
            continue
        if not isinstance(entry, Mapping):
            raise SearchSpaceError(
                f"{where}: {name}: must be a table describing a part, got {entry!r}; write [{name}]"
                f"{nearest(name, ['only'])}"
            )
        catalogue = _with_entry(catalogue, name, entry, where)
    if "only" in extra:
        names = extra["only"]
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise SearchSpaceError(f"{where}: only: must be an array of part names, got {names!r}")
        for name in names:
            if name not in catalogue.unavailable:
                catalogue._known(name, f"{where}: only")
        catalogue = catalogue.only(*names)
    return catalogue


def _with_entry(catalogue: Catalogue, name: str, entry: Mapping[str, Any], where: str) -> Catalogue:
    if "remove" in entry:
        if entry != {"remove": True}:
            raise SearchSpaceError(f"{where}: [{name}] remove: must be true and stand alone, got {dict(entry)!r}")
        if name not in catalogue.unavailable:
            catalogue._known(name, where)
        return catalogue.without(name)
    if name in catalogue:
        return catalogue._with(_checked(merged(catalogue[name], entry, where), where))
    if name in catalogue.unavailable and "path" not in entry:
        return catalogue  # a change to a part whose library is not installed here
    if "path" not in entry:
        catalogue._known(name, where)
    return catalogue._with(_checked(part_from(name, entry, where), where))


def _checked(part: Part, where: str) -> Part:
    if part.requires is None or find_spec(part.requires) is not None:
        check_part(part, where)
    return part


def _offered(part: Part, facts: Mapping[str, float]) -> Part:
    if part.frequency == "1":
        return part
    return replace(part, frequency=str(float(evaluate(part.frequency, facts))))


def _capped(part: Part, facts: Mapping[str, int]) -> Part:
    if not any(isinstance(one, Formula | Integer) and one.at_most is not None for one in part.hyperparameters):
        return part
    return replace(
        part,
        hyperparameters=tuple(
            _lowered(one, facts) if isinstance(one, Formula | Integer) and one.at_most is not None else one
            for one in part.hyperparameters
        ),
    )


def _lowered(hyperparameter: Formula | Integer, facts: Mapping[str, int]) -> Formula | Integer:
    """The integer range with its high end lowered; a range of one value is left where not even `low` is allowed.

    Formulas name that many columns at most.
    """
    allowed = max(1, int(evaluate(str(hyperparameter.at_most), facts)))
    if isinstance(hyperparameter, Formula):
        fewer = replace(hyperparameter, columns=min(hyperparameter.columns, allowed))
        return replace(fewer, default=fewer.clip(fewer.default))
    high = min(hyperparameter.high, allowed)
    low = min(hyperparameter.low, high)
    return replace(hyperparameter, low=low, high=high, default=min(hyperparameter.default, high))
