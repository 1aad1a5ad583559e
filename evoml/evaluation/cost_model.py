"""How long a pipeline will take, learned in the run from what each step of earlier ones took.

For each part of the catalogue, the logarithm of its seconds is a linear function of the logarithms of rows and columns and of
its hyperparameters: so run times are commonly modelled for the configuration of algorithms (Hutter et al. 2014, "Algorithm
runtime prediction"). A Bayesian regression starts from what the catalogue says of a part and says how sure it is. With
recursive least squares, one step is learned or predicted in some ten microseconds.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evoml.components import Choice, Formula
from evoml.genomes.pipeline_tree.term import FEATURES, STACK, UNION

if TYPE_CHECKING:
    from evoml.components import Part
    from evoml.core.candidate import StepTime
    from evoml.genomes.pipeline_tree import Plan

ROWS, COLUMNS = 1000, 20  # the table that the cost classes of the catalogue are meant for
# seconds of a fit on that table, and the deviation of their logarithm
LEVELS = {"light": (0.003, 1.2), "medium": (0.15, 0.8), "heavy": (1.5, 0.8)}
ROW_POWERS = {"SVC": 2.0, "SVR": 2.0, "KernelRidge": 2.0, "KernelPCA": 2.0}  # time grows with this power of the rows
BINNED = ("HistGradientBoosting", "LGBM", "XGB", "CatBoost")  # boosting that mostly does not look at single rows
BOOSTED = (*BINNED, "GradientBoosting")  # a tree for each class
LEAST_SECONDS = 1e-4  # below, it is all the same
INNER_FOLDS, INNER_SHARE = 3, 2 / 3  # further fits of a stacked model, and the share of the rows they see
ITERATIONS = {"n_estimators": 1.0, "max_iter": 0.5}  # time grows with this power of them
NOISE = 0.3  # standard deviation of the logarithm of seconds, as long as nothing is known
MEASURED = 0.2  # the same of a pipeline about what it took on its folds
FIRM = 2.0  # how many pairs of observations the first noise is worth
SURPRISE = 3.0  # standard deviations of an error that says something of the noise, and not of the part
SLOPES = (0.3, 2.5)  # powers of the rows that can be, whatever a few measurements may say
NOT_FITTED = (FEATURES, UNION, STACK)  # what fitting takes is counted elsewhere, or nothing
MAX_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds that something will take: the median, and the standard deviation of the logarithm."""

    seconds: float = 0.0
    spread: float = 0.0

    def at(self, deviations: float) -> float:
        """Return the seconds so many standard deviations from the median: -1.28 is the lowest tenth."""
        return self.seconds * math.exp(deviations * self.spread)

    def times(self, factor: float) -> Estimate:
        return Estimate(self.seconds * factor, self.spread)


class _Step(NamedTuple):
    """One fit of a step: by which regression it is estimated, its features, and how often it happens."""

    node: str
    regression: Regression
    x: np.ndarray
    times: int


class CostModel:
    """Estimates the seconds of pipelines on one table.

    How many columns a step gives is learned too: what the catalogue knows is an upper bound where the data decide.

    Parameters
    ----------
    n_outputs : int
        Number of classes; 1 for a regression.
    rows, columns : int
        Those of a fold. Features are distances from them, so that a part that is dearer than was thought is just that,
        and not taken for one that grows faster.
    """

    def __init__(self, n_outputs: int = 1, rows: int = ROWS, columns: int = COLUMNS) -> None:
        self.n_outputs, self.rows, self.columns = n_outputs, max(rows, 1), max(columns, 1)
        self._regressions: dict[str, Regression] = {}
        self._steps: dict[tuple[str, int, int], list[_Step]] = {}
        self._widths: dict[str, int] = {}  # columns that a step gives
        self._narrower: dict[str, float] = {}  # columns that a part gave, as a share of its upper bound

    def fold(self, plan: Plan, rows: int, columns: int) -> Estimate:
        """Estimate fitting and predicting on one fold with so many rows to fit on, and columns in the table."""
        return self._total(plan, rows, columns, np.array([1.0, 1.0]))

    def fit(self, plan: Plan, rows: int, columns: int) -> Estimate:
        """Estimate fitting on so many rows, and columns in the table."""
        return self._total(plan, rows, columns, np.array([1.0, 0.0]))

    def scaled(self, plan: Plan, seconds: float, measured_rows: int, rows: int, columns: int) -> Estimate:
        """Estimate fitting on ``rows`` when fitting on ``measured_rows`` took ``seconds``."""
        measured, wanted = self.fit(plan, measured_rows, columns), self.fit(plan, rows, columns)
        return Estimate(seconds * wanted.seconds / measured.seconds if measured.seconds else seconds, MEASURED)

    def learn(self, plan: Plan, steps: Sequence[StepTime]) -> None:
        """Learn what steps of a plan took; folds of a size count as one measurement, their mean."""
        steps = [step for step in steps if step.node in plan.nodes and plan.part(step.node) not in NOT_FITTED]
        self._learn_widths(plan, steps)
        folds: dict[tuple[str, int, int, float], list[StepTime]] = defaultdict(list)
        for step in steps:
            folds[step.node, step.rows, step.columns, step.effort].append(step)
        for (node, rows, columns, effort), group in folds.items():
            regression, x = self._of(plan, node, rows, columns, effort)
            fit = sum(step.fit for step in group) / len(group)
            predict = sum(step.predict for step in group) / len(group)
            regression.learn(x, np.array([fit, predict]))

    def _learn_widths(self, plan: Plan, steps: Sequence[StepTime]) -> None:
        seen = {step.node: step.columns for step in steps}
        for node, columns in seen.items():
            source = plan.columns_of(node)
            part = plan.catalogue.get(plan.part(source))
            if part is None or source not in seen or source in self._widths:
                continue
            rows = max(step.rows for step in steps if step.node == source)
            bound = part.n_columns(seen[source], plan.values(source), rows)
            self._widths[source] = columns
            if part.name not in self._narrower:
                self._steps.clear()  # they were estimated without knowing this
            self._narrower[part.name] = columns / bound

    def learn_limit(self, plan: Plan, seconds: float, rows: int, columns: int) -> None:
        """Learn that a plan took longer than ``seconds``: it was the dearest step, as far as can be told."""
        steps = self._fits(plan, rows, columns)
        if not steps or self.fit(plan, rows, columns).seconds >= seconds:
            return
        dearest = max(steps, key=lambda step: (step.regression.mean(step.x)[0], step.node == plan.root))
        dearest.regression.learn(dearest.x, np.array([seconds, math.exp(dearest.regression.mean(dearest.x)[1])]))

    def _total(self, plan: Plan, rows: int, columns: int, counted: np.ndarray) -> Estimate:
        total = variance = 0.0
        for step in self._fits(plan, rows, columns):
            mean, spread = step.regression.predict(step.x)
            seconds = step.times * np.exp(mean) * counted
            total += seconds.sum()
            variance += ((seconds * spread) ** 2).sum()
        return Estimate(float(total), math.sqrt(variance) / total if total else 0.0)

    def _fits(self, plan: Plan, rows: int, columns: int) -> list[_Step]:
        """Return all fits of a plan: steps of a stacked model are fitted on all rows, and on each inner fold."""
        key = plan.key, rows, columns
        if key not in self._steps:
            if len(self._steps) >= MAX_KEPT:
                self._steps.clear()
            inner = max(1, int(INNER_SHARE * rows))
            whole, parts = self._given(plan, rows, columns), self._given(plan, inner, columns)
            stacked = _stacked(plan)
            made = [_Step(node, *self._of(plan, node, rows, n), 1) for node, n in whole.items()]
            made += [
                _Step(node, *self._of(plan, node, inner, parts[node]), INNER_FOLDS) for node in stacked if node in parts
            ]
            self._steps[key] = made
        return self._steps[key]

    def _given(self, plan: Plan, rows: int, columns: int) -> dict[str, int]:
        """Return the number of columns that each step is fitted on."""
        out: dict[str, int] = {}
        given: dict[str, int] = {}
        for node in plan.nodes:
            name = plan.part(node)
            width = sum(out[source] for source in plan.inputs(node))
            part = plan.catalogue.get(name)
            if name == FEATURES:
                out[node] = columns
            elif name == STACK:
                out[node] = 1 if self.n_outputs <= 2 else self.n_outputs
            elif name == UNION:
                out[node] = width
            else:
                if part is not None and part.around is not None:  # the model within is fitted as a part of it
                    given.pop(plan.inputs(node)[0])
                given[node] = max(width, 1)
                out[node] = self._width(plan, node, part, given[node], rows)
        return given

    def _width(self, plan: Plan, node: str, part: Part | None, given: int, rows: int) -> int:
        """Return the number of columns that a step gives, which is given so many."""
        if part is None or part.output is None or node in self._widths:
            return self._widths.get(node, given)
        bound = part.n_columns(given, plan.values(node), rows)
        if part.name in self._narrower:
            return max(1, round(bound * self._narrower[part.name]))
        return round(math.sqrt(given * bound)) if part.kind == "encoder" else bound

    def _of(self, plan: Plan, node: str, rows: int, columns: int, effort: float = 1.0) -> tuple[Regression, np.ndarray]:
        """Return the regression that a step belongs to, and the step's features."""
        name, part = plan.part(node), plan.catalogue.get(plan.part(node))
        if part is not None and part.around is not None:  # it takes as long as the model within, more or less often
            node = plan.inputs(node)[0]
            name, part = f"{name} {plan.part(node)}", plan.catalogue.get(plan.part(node))
        if name not in self._regressions:
            self._regressions[name] = Regression(*_prior(part, self.n_outputs, self.rows, self.columns))
        x = np.concatenate([
            [1.0, math.log(max(rows, 1) / self.rows), math.log(max(columns, 1) / self.columns), math.log(effort)],
            _settings(part, plan.values(node)),
        ])  # fmt: skip
        return self._regressions[name], x


class Regression:
    """Bayesian linear regression of the logarithms of two kinds of seconds, of fitting and of predicting.

    Weights and noise have the conjugate normal-inverse-gamma prior (O'Hagan 1994, chapter 9), so results may be learned in any
    order; only the noise is not raised by more than a surprise can tell of it. The covariance is updated by recursive least
    squares.

    Parameters
    ----------
    weights : (d, 2) array
        What is expected before anything was learned.
    deviations : (d,) array
        How far from it weights may be.
    """

    def __init__(self, weights: np.ndarray, deviations: np.ndarray) -> None:
        self.weights = weights.astype(float)
        self._covariance = np.diag((deviations / NOISE) ** 2)
        self._count = FIRM
        self._squares = np.full(2, FIRM * NOISE**2)
        self._learned, self._log_rows = 0, 0.0

    def learn(self, x: np.ndarray, seconds: np.ndarray) -> None:
        """Learn that a step of features ``x`` took ``seconds`` to fit, and to predict with."""
        observed = np.log(np.maximum(seconds, LEAST_SECONDS))
        spread = self._covariance @ x
        scale = 1.0 + x @ spread
        error = observed - x @ self.weights
        self.weights += np.outer(spread / scale, error)
        self._covariance -= np.outer(spread, spread) / scale
        self._count += 0.5
        surprise = np.minimum(error**2 / scale, SURPRISE**2 * self._squares / self._count)
        self._squares += 0.5 * surprise
        self._learned += 1
        self._log_rows += (x[1] - self._log_rows) / self._learned

    def mean(self, x: np.ndarray) -> np.ndarray:
        """Return the expected logarithms of seconds; away from what was seen, they grow with the rows as times do."""
        slopes = self.weights[1]
        bounded = np.clip(slopes, *SLOPES)
        return x @ self.weights + (bounded - slopes) * (x[1] - self._log_rows)  # type: ignore[no-any-return]

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the expected logarithms of seconds and their standard deviations."""
        scale = 1.0 + x @ self._covariance @ x
        return self.mean(x), np.sqrt(self._squares / self._count * scale)


def _stacked(plan: Plan) -> set[str]:
    """Return the steps within stacked models."""
    inside = set().union(*(plan.needed(node) for node in plan.nodes if plan.part(node) == STACK), set())
    return {node for node in inside if plan.part(node) not in NOT_FITTED}


def _prior(part: Part | None, n_outputs: int, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights expected for a part, and how far from it they may be; see :func:`_settings` for their order."""
    seconds, deviation = LEVELS["medium" if part is None else part.cost]
    model, name = part is not None and part.is_model, "" if part is None else part.path.rpartition(".")[2]
    level = math.log(seconds)
    if model and n_outputs > 2:
        level += (1.0 if name.startswith(BOOSTED) else 0.3) * math.log(n_outputs / 2)
    settings = [(ITERATIONS.get(other, 0.0), 0.3 if other in ITERATIONS else 0.7) for other in _names(part)]
    slopes = [(0.5 if name.startswith(BINNED) else ROW_POWERS.get(name, 1.0), 0.3), (0.7, 0.3), (0.5, 0.2)]
    distances = (math.log(rows / ROWS), math.log(columns / COLUMNS))
    level += sum(distance * slope for distance, (slope, _) in zip(distances, slopes, strict=False))
    deviation = math.hypot(
        deviation, *(distance * other for distance, (_, other) in zip(distances, slopes, strict=False))
    )
    predict = level - math.log(10 if model else 3)
    weights = [slope for slope, _ in (*slopes, *settings)]
    deviations = [deviation, *(other for _, other in (*slopes, *settings))]
    return np.array([[level, *weights], [predict, *weights]]).T, np.array(deviations)


def _names(part: Part | None) -> list[str]:
    """Return a name for each feature that :func:`_settings` makes of a part's hyperparameters."""
    names = []
    for given in part.hyperparameters if part else ():
        names += [""] * len(given.choices) if isinstance(given, Choice) else [given.name]
    return names


def _settings(part: Part | None, values: Mapping[str, Any]) -> list[float]:
    """Return hyperparameters as numbers: 0 for defaults and for what is not active.

    A number is its distance from the default as a share of its range, on its own scale; of how often something is
    repeated the logarithm. A choice is an indicator of each value that is not the default.
    """
    found: list[float] = []
    for given in part.hyperparameters if part else ():
        value = values.get(given.name, given.default)
        if isinstance(given, Choice):
            found += [float(value == other != given.default) for other in given.choices]
        elif isinstance(given, Formula) or not isinstance(value, int | float) or isinstance(value, bool):
            found.append(0.0)
        elif given.name in ITERATIONS:
            found.append(math.log(max(value, 1) / given.default))
        elif given.scale == "log":
            found.append(math.log(value / given.default) / max(math.log(given.high / given.low), 1e-9))
        else:
            found.append((value - given.default) / max(given.high - given.low, 1e-9))
    return found
