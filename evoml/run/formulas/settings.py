"""What a search for formulas is asked for, and what its journal holds of that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.algorithms import named
from evoml.core.budget import Budget, Moment, StopRule
from evoml.core.process import versions

if TYPE_CHECKING:
    from evoml.run.formulas.loop import Sight

SELECTIONS = ("mdl", "knee", "best")
PRECISIONS = ("float64", "float32")
LIBRARIES = ("numpy", "numba", "llvmlite", "scipy")

_NOT_RECORDED = (
    "X", "targets", "weights", "budget", "callbacks", "journal", "resume", "began", "n_jobs", "checkpoint_seconds",
    "solved", "early_stop", "selection", "snap",
)  # fmt: skip
KIND = "formulas"


@dataclass(frozen=True, eq=False)
class FormulaSearch:
    """What to search for, where, how, and how long. See :class:`evoml.SymbolicRegressor` for the meaning of each.

    Attributes
    ----------
    X : (n_rows, n_features) float64 array
        Finite.
    targets : sequence of (n_rows,) float64 arrays
        One formula is searched for each.
    labels : sequence of str
        What each target is.
    weights : (n_rows,) float64 array or None
    names : sequence of str
        Of the columns.
    """

    X: np.ndarray
    targets: Sequence[np.ndarray]
    labels: Sequence[str]
    names: Sequence[str]
    budget: Budget
    seed: int
    weights: np.ndarray | None = None
    loss: str = "mse"
    operations: Mapping[str, float] | Sequence[str] | None = None
    algorithm: Any = "nsga2"
    population_size: int = 1000
    tournament_size: int = 2
    parsimony: float = 0.001
    islands: int = 1
    topology: Any = "ring"
    patience: int | None = 60
    migration_every: int = 20
    operators: Mapping[str, float] | None = None
    init_length: tuple[int, int] = (1, 20)
    max_length: int = 40
    max_depth: int = 12
    const_range: tuple[float, float] | None = (-1.0, 1.0)
    local_steps: int = 5
    local_probability: float = 1.0
    local_rows: int = 256
    complexity: Mapping[str, float] | None = None
    units: Mapping[Any, str] | None = None
    target_unit: str | None = None
    monotone: Mapping[str, str] | None = None
    initial_formulas: Sequence[str] = ()
    search_rows: int = 10_000
    precision: str = "float64"
    selection: str = "mdl"
    snap: bool = True
    solved: float = 1e-18
    early_stop: int | StopRule | None = None
    n_jobs: int = 1
    callbacks: Sequence[Callable[[Sight], object]] = ()
    journal: str | Path | None = None
    resume: bool = False
    checkpoint_seconds: float = 10.0
    began: Moment = field(default_factory=Moment)


def settings_of(wanted: FormulaSearch) -> dict[str, Any]:
    """Return the settings of a search that its journal holds, as JSON gives them back."""
    decisive = {name: getattr(wanted, name) for name in wanted.__dataclass_fields__ if name not in _NOT_RECORDED}
    settings = {
        "kind": KIND,
        **decisive,
        "algorithm": named(wanted.algorithm),
        "topology": named(wanted.topology),
        "names": list(wanted.names),
        "labels": list(wanted.labels),
        "initial_formulas": list(wanted.initial_formulas),
        "operations": dict(wanted.operations) if isinstance(wanted.operations, Mapping) else wanted.operations,
        "init_length": list(wanted.init_length),
        "const_range": None if wanted.const_range is None else list(wanted.const_range),
        "data_fingerprint": _fingerprint(wanted),
        "n_rows": len(wanted.X),
        "n_features": wanted.X.shape[1],
        "budget": asdict(wanted.budget),
        "versions": versions(LIBRARIES),
    }
    return dict(json.loads(json.dumps(settings)))


def _fingerprint(wanted: FormulaSearch) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for array in (wanted.X, *wanted.targets, *(() if wanted.weights is None else (wanted.weights,))):
        digest.update(repr((array.shape, str(array.dtype))).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
