"""What the symbolic estimators share. They hold no logic of their own: a fit is one call of evoml.run.formulas."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from evoml.core.budget import Moment, check_positive, early_stopping
from evoml.core.errors import DataError, SettingError, nearest
from evoml.estimators import parameters
from evoml.estimators.symbolic_results import SymbolicResults

if TYPE_CHECKING:
    from evoml.run.formulas import FormulaResult, FormulaSearch, Sight

METRICS = {
    "mse": "mse",
    "rmse": "mse",
    "r2": "mse",
    "mae": "mae",
    "mean absolute error": "mae",
    "pearson": "correlation",
    "log loss": "log_loss",
    "log_loss": "log_loss",
}

PARSIMONY = "; give the share of the target's variance that a node is worth, such as 0.001"

PARAMETERS = """
    Parameters
    ----------
    population_size : int, default=1000
        Formulas in the population (of each island), and offspring in a generation.
    generations : int or None, default=None
        Generations to evolve. A run bounded by generations or evaluations gives the same bits for any ``n_jobs``, and for any
        order of the rows.
    seconds : float or None, default=None
        Seconds that ``fit`` may take. If no bound at all is given, 60. It ends earlier where the target is met exactly; what
        is compiled at the first use on a machine comes on top (``evoml warmup`` does so beforehand).
    evaluations : int or None, default=None
        Formulas to evaluate; the generation in which the number is reached is not cut.
    cpu_seconds : float or None, default=None
        CPU seconds that ``fit`` may take. Of several bounds, the first that is reached ends the run.
    function_set : sequence of str, mapping or None, default=None
        Operations by name: ``add, sub, mul, div, pow, min, max, neg, inv, square, cube, sqrt, cbrt, abs, exp, log, sin, cos,
        tan, asin, acos, atan, sinh, cosh, tanh, sigmoid``; or a mapping of names to how often each is tried. None is add,
        sub, mul, div, square, sqrt, exp, log, sin, cos, tanh, asin, by how often textbooks use them. Whole powers come of
        products; ``pow`` is for others than roots, such as x ^ 0.7. The front is written with the operations asked for, and
        with ``add`` and ``mul``, which scale formulas; with None, in the shortest way there is.
    algorithm : str, scheme or callable, default="nsga2"
        How it evolves: ``"nsga2"``, ``"spea2"`` or ``"nsga3"`` on error and complexity; ``"age_fitness"``, age-fitness Pareto
        optimisation; ``"lexicase"``, epsilon-lexicase selection of parents; classic genetic programming with tournaments on
        error plus ``parsimony_coefficient`` times complexity, where offspring replace their parents (``"generational"``) or
        compete with them (``"mu_plus_lambda"``); ``"regularised"``, where the oldest tenth dies; ``"map_elites"``, an archive
        of the best of each size and outermost operation; ``"random"``, the control. Or one with settings, such as
        ``schemes.MapElites(descriptors=("size", "cost"))`` of :mod:`evoml.algorithms.schemes`, your own subclass of
        ``Scheme``, or where it is: ``"file.py:Name"``.
    islands : int, default=1
        Populations that evolve apart; every 20 generations the best of each move on to others.
    topology : {"ring", "complete", "star"} or networkx graph, default="ring"
        To which islands they move: a graph has a node for each island, and an edge from each to where its best go.
    patience : int or None, default=60
        Generations without a much better formula (a tenth less error) after which a population begins anew, half as many
        again after each time; the best formulas are kept apart anyway. None is never.
    tournament_size : int, default=2
        Entrants of a tournament for a parent.
    parsimony_coefficient : float, default=0.001
        Share of the target's variance that a node is worth, for the algorithms above.
    p_crossover, p_subtree_mutation, p_hoist_mutation, p_point_mutation : float or None, default=None
        How often each variation is tried, relative to the others (inserting, removing and exchanging of nodes, change of
        constants); None is as often as has proved good.
    init_length : (int, int), default=(1, 20)
        Nodes of first formulas, at least and at most.
    max_length, max_depth : int, default=40, 12
        Nodes and levels that formulas may have. What scales them, intercept + slope * formula, comes on top in the front.
    const_range : (float, float) or None, default=(-1.0, 1.0)
        Where constants begin, before they are tuned; None for formulas without constants but
        those that scale them.
    local_search : int or (int, float), default=5
        Steps of Levenberg-Marquardt by which the constants of each offspring are tuned, and the share of offspring that are.
    selection : {"mdl", "knee", "best"}, default="mdl"
        Which formula of the front is ``formula_``: that of least description length with the target, the one where more
        complexity ceases to pay, or that of the least error.
    snap : bool, default=True
        Whether constants become rounder numbers (2, 1/3, pi ...) at the end, or go, where that takes less to describe than
        the data then take more: within two or three standard errors of a constant, the others moving along with it.
    complexity : mapping of str to float or None, default=None
        Complexity of operations by name, ``"constant"`` and ``"variable"``; what is not named counts 1. Formulas are written in
        the way that is least complex by these.
    units : mapping of name or number to str or None, default=None
        Unit of each column, by name or number: ``"m/s^2"``, ``"kg"``, ``"1"``; of the target it is ``target_unit``. Formulas
        that add what cannot be added are worse than all others, and never in the front. A constant may have any unit.
    target_unit : str or None, default=None
        Unit that formulas of the front have. As what scales a formula may have any unit, the search does not mind it; but a
        constant that is needed to carry it stays: of ``0.99 * x0 * x1`` the factor may be rounded away only where the product
        has that unit by itself.
    monotone : mapping of name or number to {"increasing", "decreasing"} or None, default=None
        How the formula must move with a column, in the range seen in ``fit``. The search looks at 64 rows, and in the end at
        10,000, and along lines through 64 from end to end of that range: what falls there is not in the front. Of what is
        narrower than that, nothing is known.
    initial_formulas : sequence of str, default=()
        Formulas to start from, as texts.
    max_samples : float, int or None, default=None
        Rows that the search looks at, as a share or a number, evenly spread; None is 10,000 of them at most. The formulas of
        the front are tuned, and compared, on all.
    precision : {"float64", "float32"}, default="float64"
        Of the values by which formulas are compared in the search; constants are tuned, and the front is judged, in float64.
    stopping_criteria : float, default=1e-18
        Error, as a share of the target's variance, at which the target counts as met and the search ends soon. Good
        approximations reach 1e-12; below the default it is the formula itself.
    early_stop : int, callable or None, default=None
        Generations without a better front after which the run ends, or a rule of your own, ``rule(progress)``:
        called before each step with the :class:`evoml.core.Progress` so far, it returns whether to stop.
    feature_names : sequence of str or None, default=None
        Names of the columns in formulas; None is those of the data frame, or x0, x1, ...
    n_jobs : int or None, default=1
        Threads; -1 is all cores.
    random_state : int, generator or None, default=None
        Seed of the run. None takes fresh entropy; global random states are never touched.
    verbose : int, default=0
        1 shows the hall of fame while it grows: live on a terminal, as log records of the logger ``"evoml"`` elsewhere.
    warm_start : bool, default=False
        Whether a further ``fit`` starts from the last front, and whether an existing ``journal`` is resumed.
    callbacks : sequence of callables or None, default=None
        Each is called after every generation with what can be seen then: ``progress``, ``lineages``, ``improved``.
    journal : path or None, default=None
        SQLite file that records the run: a row a generation, each new formula of the front, and checkpoints from which a run
        that was killed goes on to the same bits.
"""

ATTRIBUTES = """
    Attributes
    ----------
    formula_ : str
        The chosen formula.
    front_ : pandas.DataFrame
        Formulas that are better than all simpler ones: complexity, loss, score (1 - error / error of the best constant),
        text, latex, and which is chosen. The losses are those on the rows of ``fit``: expect more on new rows.
    history_ : pandas.DataFrame
        One row a generation: seconds, evaluations, best score, errors.
    evaluations_ : int
    stopped_by_ : str
        ``"budget"``, ``"solved"``, ``"early_stop"``, ``"interrupt"`` or ``"exhausted"`` (a constant target).
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : (n_features,) array
        Names of the columns, where they are all strings.
"""


def with_shared_parameters(init: Callable[..., None]) -> Callable[..., None]:
    """Have an ``__init__`` that hands ``**parameters`` on to SymbolicEstimator show those in its signature, too."""
    own = [one for one in inspect.signature(init).parameters.values() if one.kind is not one.VAR_KEYWORD]
    shared = list(inspect.signature(SymbolicEstimator.__init__).parameters.values())[1:]
    init.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    return init


class SymbolicEstimator(SymbolicResults, BaseEstimator):
    """The face of a search for formulas; see SymbolicRegressor, SymbolicClassifier and SymbolicTransformer."""

    _metrics: tuple[str, ...] = ("mse", "rmse", "r2", "mae", "mean absolute error")
    _begins_anew = True  # whether the last population need not be a good one

    def __init__(
        self,
        *,
        population_size: int = 1000,
        generations: int | None = None,
        seconds: float | None = None,
        evaluations: int | None = None,
        cpu_seconds: float | None = None,
        metric: str | None = None,
        function_set: Any = None,
        algorithm: str = "nsga2",
        islands: int = 1,
        topology: Any = "ring",
        patience: int | None = 60,
        tournament_size: int = 2,
        parsimony_coefficient: float = 0.001,
        p_crossover: float | None = None,
        p_subtree_mutation: float | None = None,
        p_hoist_mutation: float | None = None,
        p_point_mutation: float | None = None,
        init_length: tuple[int, int] = (1, 20),
        max_length: int = 40,
        max_depth: int = 12,
        const_range: tuple[float, float] | None = (-1.0, 1.0),
        local_search: Any = 5,
        selection: str = "mdl",
        snap: bool = True,
        complexity: Mapping[str, float] | None = None,
        units: Mapping[Any, str] | None = None,
        target_unit: str | None = None,
        monotone: Mapping[str, str] | None = None,
        initial_formulas: Sequence[str] = (),
        max_samples: Any = None,
        precision: str = "float64",
        stopping_criteria: float = 1e-18,
        early_stop: Any = None,
        feature_names: Sequence[str] | None = None,
        n_jobs: int | None = 1,
        random_state: Any = None,
        verbose: int = 0,
        warm_start: bool = False,
        callbacks: Any = None,
        journal: str | Path | None = None,
    ) -> None:
        self.population_size = population_size
        self.generations = generations
        self.seconds = seconds
        self.evaluations = evaluations
        self.cpu_seconds = cpu_seconds
        self.metric = metric
        self.function_set = function_set
        self.algorithm = algorithm
        self.islands = islands
        self.topology = topology
        self.patience = patience
        self.tournament_size = tournament_size
        self.parsimony_coefficient = parsimony_coefficient
        self.p_crossover = p_crossover
        self.p_subtree_mutation = p_subtree_mutation
        self.p_hoist_mutation = p_hoist_mutation
        self.p_point_mutation = p_point_mutation
        self.init_length = init_length
        self.max_length = max_length
        self.max_depth = max_depth
        self.const_range = const_range
        self.local_search = local_search
        self.selection = selection
        self.snap = snap
        self.complexity = complexity
        self.units = units
        self.target_unit = target_unit
        self.monotone = monotone
        self.initial_formulas = initial_formulas
        self.max_samples = max_samples
        self.precision = precision
        self.stopping_criteria = stopping_criteria
        self.early_stop = early_stop
        self.feature_names = feature_names
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.journal = journal

    # -- fitting ------------------------------------------------------------------------------------------------------

    def _checked(self, X: Any, y: Any, **checks: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return a finite table and a target. Raises DataError, or scikit-learn's ValueError, with what to do."""
        _check_columns(X)
        try:
            X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2, **checks)
            y = np.asarray(y, dtype=np.float64) if checks.get("y_numeric") else y
        except ValueError as error:
            if "could not convert string" not in str(error):
                raise
            raise DataError(
                f"formulas need numbers, and there is text in the columns or the target ({error}): encode it, or use"
                " EvoClassifier or EvoRegressor, which take it as it is; a target of labels is for SymbolicClassifier"
            ) from error
        return X, y

    def _run(
        self, X: np.ndarray, targets: Sequence[Any], labels: Sequence[str], weights: Any, began: Moment
    ) -> FormulaResult:
        """Search a formula for each target, keep what was found and return it."""
        from evoml.run.formulas import search_formulas

        with self._shown(labels) as watching:
            wanted = self._search(X, targets, labels, weights, began)
            result = search_formulas(replace(wanted, callbacks=[*wanted.callbacks, *watching]))
        self._keep(result, self._names(X.shape[1]))
        return result

    def _search(
        self, X: np.ndarray, targets: Sequence[Any], labels: Sequence[str], weights: Any, began: Moment
    ) -> FormulaSearch:
        from evoml.evaluation import workers
        from evoml.run.formulas import FormulaSearch

        parameters.check_whole(self, "population_size", "islands", "tournament_size", "max_length", "max_depth")
        early_stopping(self.early_stop)  # raises for what is no rule
        check_positive(self.patience, "patience in generations", whole=True)
        steps, share = parameters.local_search(self.local_search)
        low, high = parameters.pair(self.init_length, "init_length")
        return FormulaSearch(
            X=X,
            targets=targets,
            labels=labels,
            names=self._names(X.shape[1]),
            weights=weights,
            budget=parameters.bounds(self),
            seed=parameters.seed(self.random_state),
            loss=self._loss(),
            operations=self.function_set,
            algorithm=self.algorithm,
            population_size=int(self.population_size),
            tournament_size=int(self.tournament_size),
            parsimony=parameters.number(self.parsimony_coefficient, "parsimony_coefficient", PARSIMONY),
            islands=int(self.islands),
            topology=self.topology,
            patience=self.patience if self._begins_anew else None,
            operators=self._operators(),
            init_length=(int(low), int(high)),
            max_length=int(self.max_length),
            max_depth=int(self.max_depth),
            const_range=None if self.const_range is None else parameters.pair(self.const_range, "const_range"),
            local_steps=steps,
            local_probability=share,
            complexity=self.complexity,
            units=self.units,
            target_unit=self.target_unit,
            monotone=self.monotone,
            initial_formulas=[
                *parameters.texts(self.initial_formulas, "initial_formulas", "x0 * x1"),
                *self._last_front(),
            ],
            search_rows=parameters.search_rows(self.max_samples, len(X)),
            selection=self.selection,
            snap=bool(self.snap),
            precision=self.precision,
            solved=parameters.number(self.stopping_criteria, "stopping_criteria"),
            early_stop=self.early_stop,
            n_jobs=workers(self.n_jobs),
            callbacks=parameters.callbacks(self.callbacks),
            journal=self.journal,
            resume=self.warm_start,
            began=began,
        )

    def _loss(self) -> str:
        metric = self._metrics[0] if self.metric is None else self.metric
        if metric not in self._metrics:
            raise SettingError(
                f"unknown metric {self.metric!r}{nearest(self.metric, self._metrics)}; there are: {', '.join(self._metrics)}"
            )
        return METRICS[metric]

    def _names(self, n: int) -> list[str]:
        if self.feature_names is not None:
            names = [str(name) for name in self.feature_names]
            if len(names) != n or len(set(names)) != n:
                raise SettingError(f"feature_names needs {n} different names, one for each column, got {names}")
            return names
        return [str(name) for name in getattr(self, "feature_names_in_", [f"x{column}" for column in range(n)])]

    def _operators(self) -> dict[str, float] | None:
        from evoml.genomes.expression.breeding import OPERATORS

        given = {
            "crossover": self.p_crossover,
            "subtree": self.p_subtree_mutation,
            "hoist": self.p_hoist_mutation,
            "point": self.p_point_mutation,
        }
        total = sum(OPERATORS.values())
        usual = {name: share / total for name, share in OPERATORS.items()}
        return {**usual, **{name: float(value) for name, value in given.items() if value is not None}}

    def _last_front(self) -> list[str]:
        """Return the formulas a warm start begins with; a journal that is resumed holds them itself.

        They are as the search left them, and only those that the settings, which may have changed, still allow: what scales
        them would make some too long.
        """
        from evoml.genomes.expression import ExpressionSpace
        from evoml.genomes.expression.operations import DEFAULT
        from evoml.journal import Journal

        resumed = self.journal is not None and Journal.has_begun(self.journal)
        if not self.warm_start or resumed or not hasattr(self, "_halls"):
            return []
        space = ExpressionSpace(
            self._names(self.n_features_in_),
            DEFAULT if self.function_set is None else self.function_set,
            max_length=self.max_length,
            max_depth=self.max_depth,
            const_range=self.const_range,
        )
        return [space.text(one) for hall in self._halls for one in hall if space.holds(one)]

    @contextmanager
    def _shown(self, labels: Sequence[str]) -> Iterator[list[Callable[[Sight], object]]]:
        """Show the hall of fame while the context lasts, where that is wanted."""
        if not self.verbose:
            yield []
            return
        from evoml.estimators.formula_display import shown

        names = getattr(self, "feature_names_in_", None) if self.feature_names is None else self.feature_names
        with shown(names, labels) as watch:
            yield [watch]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _check_columns(X: Any) -> None:
    """Raise DataError for columns of a data frame that hold no numbers."""
    kinds = getattr(X, "dtypes", None)
    if kinds is None or not hasattr(kinds, "items"):
        return
    odd = [str(name) for name, kind in kinds.items() if getattr(kind, "kind", "O") not in "biuf"]
    if odd:
        raise DataError(
            f"formulas need columns of numbers; {', '.join(map(repr, odd[:5]))} hold something else: encode or leave out"
            " such columns, or use EvoClassifier or EvoRegressor, which take them as they are"
        )
