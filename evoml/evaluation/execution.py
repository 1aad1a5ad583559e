"""A plan carried out on one fold: each step once, from the cache where it was done before.

The results are those of the scikit-learn pipeline that the plan describes. A step's name in the plan says what it does
to which inputs; with the fold it names the result, whichever candidate asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from evoml.core.candidate import StepTime
from evoml.evaluation.responses import Responses, responses
from evoml.evaluation.results import Stopwatch, given_writable, lasting, pickled_size
from evoml.genomes.pipeline_tree.term import FEATURES, STACK, UNION
from evoml.learners.binned_table import BinnedLearner
from evoml.learners.out_of_fold import (
    certain,
    inner_folds,
    label_classes,
    prediction_columns,
)

if TYPE_CHECKING:
    from evoml.evaluation.binnings import Binnings
    from evoml.evaluation.cache import Cache
    from evoml.evaluation.folds import Fold


class Steps(Protocol):
    """What can be carried out: a graph of steps, as :class:`evoml.genomes.pipeline_tree.Plan` is one."""

    root: str

    def part(self, node: str) -> str: ...

    def inputs(self, node: str) -> list[str]: ...

    def columns_of(self, node: str) -> str: ...

    def make(self, node: str, random_state: int, effort: float = 1.0) -> Any: ...

    def predicts_most_probable(self, node: str) -> bool: ...


class StepCost(NamedTuple):
    """Seconds (wall, CPU) of fitting a step and of predicting with it, its pickled bytes, and what it was fitted on."""

    fit: float = 0.0
    fit_cpu: float = 0.0
    predict: float = 0.0
    predict_cpu: float = 0.0
    size: int = 0
    rows: int = 0
    columns: int = 0


@dataclass(frozen=True)
class Workshop:
    """What all executions of one candidate share.

    Attributes
    ----------
    plan : Steps
    seed : int
        ``random_state`` of every step.
    classifier : bool
    cache : Cache
    binnings : Binnings
        Codes of columns for the learners that work on codes.
    prefix : str
        Names what all results depend on beside fold and step: table, folds, catalogue, versions.
    before_fit : callable
        Called before anything is fitted, e.g. to look at the clock.
    fit : callable
        ``fit(step, table, X)`` fits a step, with the weights and groups it takes.
    whole : callable
        ``whole(fold)`` returns the fitted pipeline of the whole plan: for metrics that want more than predictions.
    seeded : callable
        Returns a context in which the global random states are seeded anew; they are as they were after it.
    weigh : bool
        Whether the pickled size of each step is taken.
    """

    plan: Steps
    seed: int
    classifier: bool
    cache: Cache
    binnings: Binnings
    prefix: str
    before_fit: Callable[[], None]
    fit: Callable[..., Any]
    whole: Callable[[Fold], Any]
    seeded: Callable[[], AbstractContextManager[Any]]
    weigh: bool = False


class Execution:
    """A plan on one fold.

    Attributes
    ----------
    costs : dict
        Cost of each step that was needed, by the name of its result; those of steps recalled are as recorded.
    recalled : int
        Steps that came from the cache.
    saved : float
        Seconds they had cost.
    answering : float
        Seconds that models took to predict, whoever asked.
    """

    def __init__(self, workshop: Workshop, fold: Fold) -> None:
        self.workshop, self.fold = workshop, fold
        self.costs: dict[tuple[str, str], StepCost] = {}
        self.recalled, self.saved, self.answering = 0, 0.0, 0.0
        self._columns: dict[str, tuple[Any, Any]] = {}
        self._models: dict[str, Responses] = {}
        self._inner: dict[int, Execution] = {}

    # -- results ------------------------------------------------------------------------------------------------------

    def columns(self, node: str) -> tuple[Any, Any]:
        """Return what a step gives for the training and for the test rows."""
        if node not in self._columns:
            name = self.workshop.plan.part(node)
            if name == FEATURES:
                found = self.fold.training.X, self.fold.testing.X
            elif name == UNION:
                found = self._union(node)
            else:
                found = self._recalled(node, self._stacked if name == STACK else self._transformed)
            self._columns[node] = found
        return self._columns[node]

    def model(self, node: str) -> Responses:
        """Return a model as far as it speaks of the test rows."""
        if node not in self._models:
            kept = self.workshop.cache.recall(self._name(node))
            if kept is not None:
                self._count(kept[1])
            self._models[node] = responses(self, node, kept and kept[0])
        return self._models[node]

    def finish(self) -> None:
        """Keep what models have said for others, and let go of all but the costs: on a large table, results are large too."""
        for model in self._models.values():
            model.keep()
        self._models.clear()
        self._columns.clear()
        self._inner.clear()

    # -- steps --------------------------------------------------------------------------------------------------------

    def _recalled(self, node: str, compute: Callable[[str], tuple[Any, Any]]) -> tuple[Any, Any]:
        """Return a step's results from the cache, or compute them; the names of all costs they took go with them."""
        kept = self.workshop.cache.recall(self._name(node))
        if kept is not None:
            self._count(kept[1])
            return kept[0]  # type: ignore[no-any-return]
        found = tuple(map(lasting, compute(node)))
        self.keep(node, found)
        return found  # type: ignore[return-value]

    def keep(self, node: str, value: Any) -> None:
        """Keep what a step gives, together with the costs of all that it took."""
        costs = self.costs_of(node)
        self.workshop.cache.keep(self._name(node), (value, costs), _seconds(costs))

    def _count(self, costs: Mapping[tuple[str, str], StepCost]) -> None:
        new = {key: cost for key, cost in costs.items() if key not in self.costs}
        self.recalled += 1
        self.saved += _seconds(new)
        self.costs.update(new)

    def _name(self, node: str) -> str:
        return f"{self.workshop.prefix}-{self.fold.name}-{node}"

    def costs_of(self, node: str) -> dict[tuple[str, str], StepCost]:
        """Return the costs of a step and of all that it needs."""
        plan, found, open_nodes = self.workshop.plan, {}, [node]
        while open_nodes:
            at = open_nodes.pop()
            key = (self.fold.name, at)
            if key in self.costs:
                found[key] = self.costs[key]
            open_nodes += plan.inputs(at)
            if plan.part(at) == STACK:
                inside = f"{self.fold.name}."
                found |= {inner: cost for inner, cost in self.costs.items() if inner[0].startswith(inside)}
        return found

    def _union(self, node: str) -> tuple[Any, Any]:
        from scipy import sparse

        branches = [self.columns(source) for source in self.workshop.plan.inputs(node)]
        found = []
        for parts in zip(*branches, strict=True):
            loose = any(sparse.issparse(part) for part in parts)
            found.append(sparse.hstack(parts).tocsr() if loose else np.hstack(parts))
        return found[0], found[1]

    def _transformed(self, node: str) -> tuple[Any, Any]:
        before, after = self.columns(self.workshop.plan.inputs(node)[0])
        step = self._made(node)
        with Stopwatch() as fitting:
            train = given_writable(
                lambda X, table: self.workshop.fit(step, table, X, transform=True), before, self.fold.training
            )
        with Stopwatch() as predicting:
            test = given_writable(step.transform, after)
        self._cost(node, step, fitting, predicting, before)
        return train, test

    def _stacked(self, node: str) -> tuple[np.ndarray, np.ndarray]:
        """Return out-of-fold predictions of the training rows, and those of the model fitted on all of them."""
        inside, training = self.workshop.plan.inputs(node)[0], self.fold.training
        full = self.model(inside)
        classes = label_classes(training.y) if self.workshop.classifier else None
        test = prediction_columns(full, self.fold.testing.X, classes)
        train = np.zeros((len(training.y), test.shape[1]))
        for number, (learn, predict) in enumerate(inner_folds(training.y, training.groups, self.workshop.classifier)):
            labels = training.y[learn]
            if classes is not None and np.all(labels == labels[0]):
                train[predict] = certain(labels[0], len(predict), classes)
                continue
            if number not in self._inner:
                self._inner[number] = Execution(self.workshop, self.fold.inner(number, learn, predict))
            inner = self._inner[number]
            train[predict] = prediction_columns(inner.model(inside), inner.fold.testing.X, classes)
        for inner in self._inner.values():
            self.costs.update(inner.costs)
            self.recalled, self.saved = self.recalled + inner.recalled, self.saved + inner.saved
            inner.recalled, inner.saved = 0, 0.0
        return train, test

    def fitted(self, node: str) -> tuple[Any, Any]:
        """Return a model fitted on the training rows, and the test rows as it wants them."""
        source = self.workshop.plan.columns_of(node)
        before, after = self.columns(source)
        step = self._made(node)
        if isinstance(step, BinnedLearner):
            before, after = self.workshop.binnings.shared(self._name(source), before, after)
        with Stopwatch() as fitting:
            given_writable(lambda X, table: self.workshop.fit(step, table, X), before, self.fold.training)
        if isinstance(step, BinnedLearner):
            fitting.add(before.saved)  # it costs what it would cost alone, whoever came first
        self._cost(node, step, fitting, Stopwatch(), before)
        return step, after

    def _made(self, node: str) -> Any:
        step = self.workshop.plan.make(node, self.workshop.seed, self.fold.effort)
        self.workshop.before_fit()
        return step

    def _cost(self, node: str, step: Any, fitting: Stopwatch, predicting: Stopwatch, X: Any) -> None:
        self.costs[self.fold.name, node] = StepCost(
            *(fitting.wall, fitting.cpu, predicting.wall, predicting.cpu),
            size=pickled_size(step) if self.workshop.weigh else 0,
            rows=X.shape[0],
            columns=X.shape[1],
        )

    def predicted(self, node: str, spent: Stopwatch) -> None:
        """Add to what predicting with a model has cost."""
        self.answering += spent.wall
        cost = self.costs[self.fold.name, node]
        self.costs[self.fold.name, node] = cost._replace(
            predict=cost.predict + spent.wall, predict_cpu=cost.predict_cpu + spent.cpu
        )

    def step_times(self) -> list[StepTime]:
        """Return what each step took, as a cost model learns from it."""
        return [
            StepTime(node, cost.rows, cost.columns, cost.fit, cost.predict, self.fold.effort)
            for (_, node), cost in self.costs.items()
            if cost.rows
        ]


def _seconds(costs: Mapping[Any, StepCost]) -> float:
    return sum(cost.fit + cost.predict for cost in costs.values())
