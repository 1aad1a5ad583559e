"""What both estimators share. They hold no logic of their own: a fit is one call of :func:`evoml.run.search`."""

from __future__ import annotations

import copy
import math
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from evoml.core.budget import Moment
from evoml.core.dataset import read_dataset
from evoml.core.errors import BudgetError, SettingError
from evoml.estimators import parameters
from evoml.estimators.holding_out import Rows, divided
from evoml.estimators.holding_out import record as record_held_out
from evoml.estimators.pipeline_results import PipelineResults
from evoml.journal import Journal

if TYPE_CHECKING:
    from evoml.core.dataset import Dataset, Task
    from evoml.run import Search

HELD_OUT = 0.02, 0.5  # share of the time, and seconds, to score the rows held out in

PARAMETERS = """
    Parameters
    ----------
    generations : int or None, default=None
        Generations to evolve. A run bounded by generations or evaluations gives the same bits for any ``n_jobs``.
    population_size : int, default=50
        Individuals in the population, and candidates in a generation.
    max_time_mins : float or None, default=None
        Minutes that ``fit`` may take, from its call to its return: all is over by 1.02 times as long and a second. If no
        bound at all is given, five.
    max_cpu_mins : float or None, default=None
        Minutes of CPU time that all evaluations and the search itself may take together. Of several bounds, the first that
        is reached ends the run.
    max_evaluations : int or None, default=None
        Pipelines to evaluate; exact duplicates are not counted.
    max_eval_time_mins : float or None, default=None
        Minutes one pipeline may take on all folds; then its worker is stopped. None is a tenth of ``max_time_mins``
        (half of a budget of seconds), or five minutes in a run without a bound of time.
    scoring : str, callable, list or dict, default=None
        Metric(s) by name, or callables ``(estimator, X, y)``; the first one counts. None is accuracy for a classifier
        (``"f1_macro"`` for several labels that are 0 or 1) and R2 for a regressor. A target of several columns is scored as
        scikit-learn does, or else by the mean over columns; ``"accuracy"`` is the share of rows right in all of them,
        ``"neg_log_loss"`` a sum. Names are scikit-learn's, and ``"quadratic_weighted_kappa"``, ``"geometric_mean"``,
        ``"neg_ranked_probability_score"``, ``"fbeta:2"``, ``"neg_mean_pinball_loss:0.9"`` (of that quantile) and
        ``"neg_mean_tweedie_deviance:1.5"``; costs of mistakes are given by :class:`evoml.CostMatrix`. Where a metric of
        labels or of probabilities gains by it, on folds that it was not learned on, a cut, weights of the classes or a
        calibration is put around the final model.
    cv : int, "time", splitter or iterable, default=5
        Folds: a number (shuffled, stratified by class, whole groups where groups are given), a scikit-learn splitter,
        (train, test) row numbers, or ``"time"`` (``"time:COLUMN"``): five tests, each on later rows than it trains on, by
        the first column of times (or that column of times or numbers).
    n_jobs : int or None, default=None
        Worker processes; -1 is all cores. None is all cores too, but no more than ``population_size``, each with a
        gibibyte of memory, and one inside a worker of joblib's.
    random_state : int, generator or None, default=None
        Seed of the run. None takes fresh entropy; global random states are never touched.
    verbose : int, default=0
        1 logs progress to the logger ``"evoml"`` at each improvement, 2 at each evaluation.
    warm_start : bool, default=False
        Whether a further ``fit`` starts from the last front, and whether an existing ``journal`` is resumed.
    early_stop : int, callable or None, default=None
        Generations without improvement after which the run ends, or a rule of your own, ``rule(progress)``:
        called before each step with the :class:`evoml.core.Progress` so far, it returns whether to stop.
    memory_limit : int, str or None, default=None
        Memory each worker may allocate, in bytes or as ``"4GB"``. None is an even share of 80 % of the machine's.
    objectives : sequence of str, default=("score", "complexity")
        What evolution optimises: ``"score"``, names of metrics in ``scoring``, ``"complexity"`` (steps, ensembles
        counting more than single models, and values away from their defaults), or what was measured: ``"fit_time"``,
        ``"predict_time"`` (seconds for a thousand rows), ``"memory"`` and ``"size"`` (bytes), which differ from run to
        run; less is better in all of these. The first one is ``"score"``, or the first metric of ``scoring`` by its name.
    racing : bool, default=True
        Whether candidates that can hardly reach the survivors any more are stopped early: on parts of the rows of a large
        table, then fold by fold. Only those evaluated on all folds can win. ``False`` evaluates all on all folds.
    search_space : Catalogue, path of a TOML file, mapping or None, default=None
        Parts that may be used; see :func:`evoml.load_catalogue`.
    algorithm : str, scheme or callable, default="nsga2"
        How it evolves. In generations: ``"nsga2"``, ``"spea2"``, ``"nsga3"``, ``"age_fitness"`` (age-fitness Pareto),
        ``"lexicase"`` (parents by epsilon-lexicase selection, each row a case; 200 of them at most), ``"generational"`` with
        an elite and ``"mu_plus_lambda"`` (on the first objective), ``"islands"`` (four, with migration in a ring),
        ``"successive_halving"`` (the population shrinks as its rows grow; for tables of several thousand rows). Without
        waiting for anybody: ``"regularised"`` (the oldest dies), ``"map_elites"`` (an archive of the best of each size and
        model; ``plot("archive")``) and ``"random"``, the control. Or one with settings, such as
        ``schemes.SPEA2(tournament_size=3)`` of :mod:`evoml.algorithms.schemes`, ``partial(Islands, topology=graph)``, a DEAP
        toolbox as ``DeapToolbox(toolbox)``, your own subclass of ``Scheme``, a callable
        ``(space, seed, population_size=...)`` that returns an algorithm, or where such a thing is: ``"file.py:Name"``.
    initial_pipelines : sequence or None, default=None
        scikit-learn pipelines (or texts) to start from.
    operators : mapping of name to callable or None, default=None
        Operators of variation of your own, beside those there are, or in the place of one of the same name: each takes one
        pipeline, or several, and a NumPy generator, such as ``widen(pipeline, rng)``, and returns a pipeline, or None where it
        finds nothing to work on. Pipelines are nested calls, :class:`evoml.genomes.pipeline_tree.Term`; what their steps need
        is put before them.
    callbacks : sequence of callables or None, default=None
        Each is called as ``callback(progress, outcome)`` after every outcome. An object may have any of the methods of
        :class:`evoml.run.RunCallback` instead: for the start, the end, each batch, each outcome and each improvement.
    journal : path or None, default=None
        SQLite file that records the run; None keeps the record in memory.
    executor : {"auto", "process", "serial", "dask"}, address or dask Client, default="auto"
        Where pipelines are evaluated. Only worker processes can stop a pipeline that hangs; ``"auto"`` takes them unless
        the budget is under five seconds. A Dask cluster is given by the address of its scheduler (``"tcp://host:8786"``) or
        by a client; ``"dask"`` is that of the current client, or ``n_jobs`` workers on this machine if there is none. Its
        workers need the same libraries; ``memory_limit`` None is then a share of each worker's own memory. A pickled copy
        of the estimator keeps the address in place of a client.
    ensemble_size : int, default=8
        Pipelines in the final model at most. Those whose average predicts best out of fold are chosen greedily, where
        averaging pays at all; 1 is the single best pipeline.
    max_predict_ms_per_1k : float or None, default=None
        Milliseconds that the final model may take to predict a thousand rows, on this machine; for the sake of this limit,
        and of the next, candidates are passed over and ensembles are smaller.
    max_model_mb : float or None, default=None
        Megabytes that the pickled final model may have.
    conformal : bool, default=False
        Whether the model is to tell how sure it is: a regressor by ``predict_interval``, a classifier by ``predict_set``. It
        takes no further fit, but the package ``mapie``: ``pip install "evoml[conformal]"``.
    column_kinds : mapping of name to kind or None, default=None
        Corrects what was inferred of columns (see ``columns_``): ``"number"``, ``"boolean"``, ``"category"``, ``"text"``
        (free text), ``"datetime"`` (or with its format, ``"datetime %d.%m.%Y"``), ``"duration"`` or ``"drop"``. Columns
        without a name are called ``x0``, ``x1``, ...
    holdout : float, tuple or None, default=None
        Share of the rows (0.2) that is set aside before anything is learned, to score the model on at the end: by class, whole
        groups, or the latest rows with ``cv="time"``. Or rows of your own, ``(X, y)`` or ``(X, y, sample_weight)``. The model
        is not fitted on them, so that the score is its own; ``fitted_pipeline_.fit(X, y)`` takes them in afterwards.
"""


class EvoEstimator(PipelineResults, BaseEstimator):
    """The face of a search; see EvoClassifier and EvoRegressor."""

    _task: Task

    def __init__(
        self,
        *,
        generations: int | None = None,
        population_size: int = 50,
        max_time_mins: float | None = None,
        max_cpu_mins: float | None = None,
        max_evaluations: int | None = None,
        max_eval_time_mins: float | None = None,
        scoring: Any = None,
        cv: Any = 5,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
        warm_start: bool = False,
        early_stop: Any = None,
        memory_limit: Any = None,
        objectives: Any = ("score", "complexity"),
        racing: bool = True,
        search_space: Any = None,
        algorithm: Any = "nsga2",
        initial_pipelines: Any = None,
        operators: Any = None,
        callbacks: Any = None,
        journal: str | Path | None = None,
        executor: Any = "auto",
        column_kinds: Any = None,
        ensemble_size: int = 8,
        max_predict_ms_per_1k: float | None = None,
        max_model_mb: float | None = None,
        conformal: bool = False,
        holdout: Any = None,
    ) -> None:
        self.generations = generations
        self.population_size = population_size
        self.max_time_mins = max_time_mins
        self.max_cpu_mins = max_cpu_mins
        self.max_evaluations = max_evaluations
        self.max_eval_time_mins = max_eval_time_mins
        self.scoring = scoring
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.early_stop = early_stop
        self.memory_limit = memory_limit
        self.objectives = objectives
        self.racing = racing
        self.search_space = search_space
        self.algorithm = algorithm
        self.initial_pipelines = initial_pipelines
        self.operators = operators
        self.callbacks = callbacks
        self.journal = journal
        self.executor = executor
        self.column_kinds = column_kinds
        self.ensemble_size = ensemble_size
        self.max_predict_ms_per_1k = max_predict_ms_per_1k
        self.max_model_mb = max_model_mb
        self.conformal = conformal
        self.holdout = holdout

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
        """Search for the best pipeline and fit it on the whole table.

        Parameters
        ----------
        X : (n_rows, n_columns) array, sparse matrix or data frame
            Numbers, categories, free text, dates and missing values, as they come; ``columns_`` tells what was made of them.
        y : (n_rows,) array, or (n_rows, n_outputs) array or data frame
            Labels or numbers to predict; several columns are numbers, labels that are 0 or 1, or labels of any kind.
        sample_weight : (n_rows,) array or None
            Whole-number weights count as that many rows. Others are used by each step that takes weights, and in scoring.
        groups : (n_rows,) array or None
            Rows of a group are never on both sides of a fold.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For a table, target or setting that cannot be used; the message says what to do.
        """
        began = Moment()
        from evoml.run import search

        self._held_seed = parameters.seed(self.random_state) if isinstance(self.holdout, float) else 0
        (X, y, sample_weight, groups), kept = self._divided(Rows(X, y, sample_weight, groups))
        dataset = read_dataset(X, y, self._task, sample_weight, groups, self.column_kinds)
        for note in dataset.notes:
            warnings.warn(note, UserWarning, stacklevel=2)
        wanted = replace(self._search(dataset, X, y), began=began)
        result = search(wanted if kept is None else replace(wanted, budget=wanted.budget.shorter(*HELD_OUT)))
        validate_data(self, X, reset=True, skip_check_array=True)
        self._layout = dataset.features.layout
        self.columns_ = dataset.features.described()
        self._keep(result)
        self._several = dataset.several
        if dataset.classes is not None:
            self.classes_ = list(dataset.classes) if dataset.several else self.fitted_pipeline_.classes_
        self._score_held_out(kept)
        return self

    def _divided(self, rows: Rows) -> tuple[Rows, Rows | None]:
        seed = self._held_seed if hasattr(self, "_held_seed") else parameters.seed(self.random_state)
        return divided(rows, self.holdout, seed, self.cv, self.column_kinds, self._task)

    def _score_held_out(self, kept: Rows | None) -> None:
        from evoml.evaluation.holdout import held_out_score

        self.holdout_score_, self.holdout_interval_ = math.nan, (math.nan, math.nan)
        if kept is None:
            return
        try:
            found = held_out_score(self, self.scoring, kept.X, kept.y, 0, kept.sample_weight, kept.groups)
        except ValueError as error:  # there is a model by now
            warnings.warn(f"the rows held out could not be scored: {error}", UserWarning, stacklevel=3)
            return
        self.holdout_score_, self.holdout_interval_ = found.value, (found.low, found.high)
        self._record = record_held_out(found, len(kept.y), self._record, self.journal)

    def as_search(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Search:
        """Return the search that ``fit`` would run, without running it: what :func:`evoml.run.replay` wants to know."""
        (X, y, sample_weight, groups), _ = self._divided(Rows(X, y, sample_weight, groups))
        return self._search(read_dataset(X, y, self._task, sample_weight, groups, self.column_kinds), X, y)

    def _search(self, dataset: Dataset, X: Any, y: Any) -> Search:
        from evoml.components import load_catalogue
        from evoml.core.budget import check_positive, early_stopping
        from evoml.estimators.logs import log_progress
        from evoml.evaluation import on_cluster, workers
        from evoml.evaluation.scoring import first_name
        from evoml.run import Search

        if self.population_size is None:
            raise BudgetError("population_size must be a positive whole number, got None")
        check_positive(self.population_size, "population_size", whole=True)
        check_positive(self.max_eval_time_mins, "number of max_eval_time_mins")
        early_stopping(self.early_stop)  # raises for what is no rule
        if self.conformal and dataset.several:
            raise SettingError(
                f"conformal=True is for targets of one column, this one has {len(dataset.outputs)}: fit a model for each, or"
                " leave it out"
            )
        n_workers = workers(self.n_jobs, self.population_size)
        elsewhere = self.memory_limit is None and on_cluster(self.executor)  # its workers know how much memory there is
        callbacks = list(self.callbacks or [])
        return Search(
            dataset=dataset,
            catalogue=load_catalogue(self.search_space, first_name(self.scoring)),
            budget=parameters.budget(self.generations, self.max_evaluations, self.max_time_mins, self.max_cpu_mins),
            seed=parameters.seed(self.random_state),
            scoring=self.scoring,
            cv=self.cv,
            objectives=[self.objectives] if isinstance(self.objectives, str) else list(self.objectives),
            algorithm=self.algorithm,
            population_size=self.population_size,
            initial_pipelines=[*parameters.pipelines(self.initial_pipelines), *self._last_front()],
            operators=self.operators,
            early_stop=self.early_stop,
            racing=bool(self.racing),
            n_jobs=n_workers,
            executor=self.executor,
            eval_seconds=None if self.max_eval_time_mins is None else 60.0 * self.max_eval_time_mins,
            memory_limit=None if elsewhere else parameters.worker_memory(self.memory_limit, n_workers),
            callbacks=[*callbacks, log_progress(self.verbose)] if self.verbose else callbacks,
            journal=self.journal,
            resume=self.warm_start,
            limits=parameters.limits(self.ensemble_size, self.max_predict_ms_per_1k, self.max_model_mb),
            conformal=parameters.conformal(self.conformal),
            notes=_origin(X, y),
        )

    def _last_front(self) -> list[str]:
        """Return the pipelines a warm start begins with; a journal that is resumed holds them itself."""
        resumed = self.journal is not None and Journal.has_begun(self.journal)
        return (
            list(self.pareto_front_["text"])
            if self.warm_start and not resumed and hasattr(self, "pareto_front_")
            else []
        )

    def __getstate__(self) -> Any:
        """Return the state to pickle: a client cannot be pickled, but the address of its cluster can."""
        state = super().__getstate__()
        if isinstance(self.executor, str):
            return state
        return {**state, "executor": getattr(getattr(self.executor, "scheduler", None), "address", "auto")}

    def __sklearn_clone__(self) -> Any:
        """Return an unfitted estimator of the same parameters; a client is shared, for a connection cannot be copied."""
        copied = super(EvoEstimator, copy.copy(self)).__sklearn_clone__()
        copied.executor = self.executor
        return copied

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def _origin(X: Any, y: Any) -> dict[str, str]:
    """Return what data frames say of themselves: ``X.attrs["table"]`` and the name of the target."""
    target = ", ".join(map(str, y.columns)) if hasattr(y, "columns") else getattr(y, "name", None)
    told = {"table": getattr(X, "attrs", {}).get("table"), "target": target}
    return {name: str(value) for name, value in told.items() if value is not None}
