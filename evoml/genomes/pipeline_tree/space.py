"""The space of pipelines on one table: sample, vary, name, measure and build them."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from evoml.components import known_pipelines
from evoml.core.errors import SearchSpaceError
from evoml.genomes.pipeline_tree.build import build
from evoml.genomes.pipeline_tree.grammar import DataFacts, Grammar
from evoml.genomes.pipeline_tree.growth import ramped
from evoml.genomes.pipeline_tree.own_operators import OwnOperator, own_offspring, own_parents
from evoml.genomes.pipeline_tree.plan import Plan
from evoml.genomes.pipeline_tree.reading import read_estimator
from evoml.genomes.pipeline_tree.source import ensemble_source, source
from evoml.genomes.pipeline_tree.term import FEATURES, STACK, Term, read_term
from evoml.genomes.pipeline_tree.tree import PipelineTree
from evoml.genomes.pipeline_tree.tuning import Place, Tried, structure_and_values, tune
from evoml.genomes.pipeline_tree.variation import OPERATORS
from evoml.kernels.warmup import is_ready, load

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

    from evoml.components import Catalogue
    from evoml.components.calls import Call
    from evoml.components.hyperparameters import Value
    from evoml.core.candidate import Trial

READ = 1000  # structures and values kept, because each is learned from many times
PLANS = 256  # kept, because each is asked for several times while a candidate is made and told
TUNE = "tune"  # the operator that learns from trials
BUILT_IN = {**{name: parents for name, (parents, _) in OPERATORS.items()}, TUNE: 1}
ATTEMPTS = 20  # at a draw that breaks a limit or finds nothing to work on


class PipelineSpace:
    """All pipelines that can be written for a table.

    Parameters
    ----------
    catalogue : Catalogue
        Parts that may be used.
    facts : DataFacts
        What there is to know of the table.
    initial_pipelines : sequence of scikit-learn estimators or texts
        Where evolution starts, before the known good pipelines of the catalogue.
    own_operators : mapping of name to callable or None
        More operators, or others in the place of those there are: each takes one pipeline or several as
        :class:`~evoml.genomes.pipeline_tree.Term` and a generator, and returns another, or None where it finds nothing to
        work on.
    max_steps, max_depth : int
        Greatest number of steps of a tree, and of steps one after another.
    max_cells : int
        Greatest number of cells (rows times columns) any step may give, on a table larger than this many times the input.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        facts: DataFacts,
        initial_pipelines: Sequence[Any] = (),
        *,
        max_steps: int = 12,
        max_depth: int = 6,
        max_cells: int = 20_000_000,
        own_operators: Mapping[str, OwnOperator] | None = None,
    ) -> None:
        self.grammar = Grammar(catalogue, facts)
        self.facts = facts
        self.catalogue = self.grammar.catalogue
        self.max_steps = max(max_steps, self.grammar.min_steps[self.grammar.primitives.ret] + 1)
        self.max_depth = max(max_depth, self.grammar.min_steps[self.grammar.primitives.ret] + 1)
        self.max_columns = max(2 * facts.n_features, min(3_000, max_cells // max(facts.n_rows, 1)))
        self.own_operators = dict(own_operators or {})
        self.operators = {**BUILT_IN, **own_parents(self.own_operators)}
        self.initial = self._initial(initial_pipelines)
        self._plans: dict[str, Plan] = {}  # by text
        self._read: dict[str, tuple[str, Mapping[Place, Value]]] = {}  # structure and values, by key

    def _initial(self, pipelines: Sequence[Any]) -> tuple[PipelineTree, ...]:
        own = [self.grammar.tree(read_estimator(pipeline, self.catalogue), adapt=True) for pipeline in pipelines]
        texts = known_pipelines(self.facts.task)
        known = self._writable([*texts[:3], *self._called_for(texts[:2]), *texts[3:]])
        alone = [f"{part.name}({FEATURES})" for part in self.catalogue.values() if part.is_model]
        return (*own, *(known or self._writable(alone)))

    def _called_for(self, texts: Sequence[str]) -> list[str]:
        """Return pipelines within each of the light wrappers that the table or the metric calls for."""
        parts = self.catalogue.values()
        wrappers = [one.name for one in parts if one.around and one.cost == "light" and float(one.frequency) >= 1]
        return [f"{wrapper}({text})" for text in texts for wrapper in wrappers]

    def _writable(self, texts: Iterable[str]) -> list[PipelineTree]:
        """Return distinct trees of pipelines, without those whose parts the user took out, or that do not suit the table."""
        found: dict[str, PipelineTree] = {}
        for text in texts:
            with suppress(SearchSpaceError):
                tree = self.adapted(text)
                found.setdefault(str(tree), tree)
        return list(found.values())

    # -- what an algorithm needs --------------------------------------------------------------------------------------

    def sample(self, positions: Sequence[int], streams: Sequence[np.random.Generator]) -> list[PipelineTree]:
        """Return first individuals: known pipelines at the first positions, ramped random trees after them."""
        return [
            self.initial[position] if position < len(self.initial) else self.random(rng)
            for position, rng in zip(positions, streams, strict=True)
        ]

    def vary(
        self,
        operators: Sequence[str],
        parents: Sequence[Sequence[PipelineTree]],
        streams: Sequence[np.random.Generator],
        trials: Sequence[Trial] = (),
    ) -> list[PipelineTree]:
        """Return one offspring for each operator, its parents and its stream; a random tree where nothing came of it."""
        tried = [self._tried_as(trial) for trial in trials] if TUNE in operators else []
        return [self._vary(*mating, tried) for mating in zip(operators, parents, streams, strict=True)]

    def _vary(
        self, operator: str, parents: Sequence[PipelineTree], rng: np.random.Generator, tried: Sequence[Tried]
    ) -> PipelineTree:
        for _ in range(ATTEMPTS):
            if operator in self.own_operators:
                offspring = own_offspring(self.grammar, operator, self.own_operators[operator], parents, rng)
            elif operator == TUNE:
                offspring = tune(self.grammar, parents[0], rng, tried, self.within_limits)
            else:
                offspring = OPERATORS[operator][1](self.grammar, parents, rng)
            if offspring is None:
                break
            if self.within_limits(offspring):
                return offspring
        return self.random(rng)

    def _tried_as(self, trial: Trial) -> Tried:
        """Return a trial as local search reads it."""
        key = trial.key
        if key not in self._read:
            if len(self._read) >= READ:
                del self._read[next(iter(self._read))]  # the oldest
            self._read[key] = structure_and_values(trial.genome, self.catalogue)
        return Tried(*self._read[key], trial.genome[0].name, trial.score)

    def random(self, rng: np.random.Generator) -> PipelineTree:
        """Return a random tree within limits."""
        for attempt in range(ATTEMPTS):
            tree = ramped(self.grammar, rng, max(2, min(4, self.max_depth) - attempt // 5))
            if self.within_limits(tree):
                return tree
        return self.initial[0] if self.initial else tree

    def key(self, tree: PipelineTree) -> str:
        """Return the canonical hash: the same for trees that mean the same."""
        return self.plan(tree).key

    def complexity(self, tree: PipelineTree) -> int:
        """Return the number of steps and of hyperparameters away from their defaults (see :meth:`Plan.complexity`)."""
        return self.plan(tree).complexity()

    def family(self, tree: PipelineTree) -> str:
        """Return the name of the model at the end, whatever is around it."""
        term = tree.term()
        while term.inputs and self.catalogue[term.name].around is not None:
            term = term.inputs[0]
        return term.name

    def parse(self, text: str) -> PipelineTree:
        """Return the tree written in ``text``. Raises SearchSpaceError if this space cannot hold it."""
        return self.grammar.tree(read_term(text))

    def adapted(self, text: str) -> PipelineTree:
        """Return a known pipeline for any table as a tree for this one, with what its steps need before them.

        Raises SearchSpaceError if its parts were taken out, or do not suit the table.
        """
        return self.grammar.tree(_known(read_term(text), self.grammar), adapt=True)

    # -- what an evaluation needs -------------------------------------------------------------------------------------

    def plan(self, tree: PipelineTree) -> Plan:
        """Return the graph that is executed, drawn and exported."""
        text = str(tree)
        if text not in self._plans:
            if len(self._plans) >= PLANS:
                del self._plans[next(iter(self._plans))]  # the oldest
            self._plans[text] = Plan(tree.term(), self.catalogue)
        return self._plans[text]

    @cached_property
    def identity(self) -> str:
        """Hash of the catalogue: what the names in a plan stand for."""
        return hashlib.blake2b(repr(sorted(self.catalogue.items())).encode(), digest_size=16).hexdigest()

    def read(self, text: str) -> Plan:
        """Return the graph of a tree's text."""
        return Plan.from_text(text, self.catalogue)

    def build(self, text: str, random_state: int, *, weighted: bool = False, grouped: bool = False) -> Pipeline:
        """Return the unfitted scikit-learn Pipeline of a tree's text."""
        return build(self.read(text), random_state, weighted=weighted, grouped=grouped)

    def source(
        self,
        text: str,
        random_state: int,
        comment: str = "",
        columns: Mapping[str, Any] | None = None,
        around: Call | None = None,
    ) -> str:
        """Return Python source that makes the same pipeline as :meth:`build`, after a CleanTable of ``columns`` if given.

        ``around`` is a call that takes it as its ``estimator``.
        """
        return source(self.read(text), random_state, comment, columns, around)

    def ensemble_source(
        self,
        weights: Mapping[str, float],
        random_state: int,
        comment: str = "",
        columns: Mapping[str, Any] | None = None,
        around: Call | None = None,
    ) -> str:
        """Return the same of the weighted average of pipelines; ``weights`` by the texts of their trees."""
        plans = {self.read(text): weight for text, weight in weights.items()}
        classifier, several = self.facts.task == "classification", self.facts.outputs != "one"
        return ensemble_source(plans, classifier, random_state, comment, columns, around, several)

    @cached_property
    def compiled(self) -> frozenset[str]:
        """The groups of kernels that parts of the catalogue need."""
        return frozenset(part.compiled for part in self.catalogue.values() if part.compiled)

    def kernels(self, text: str) -> frozenset[str]:
        """Return the groups of kernels that a tree's text needs; none for a text that cannot be read."""
        if not self.compiled:
            return frozenset()
        try:
            return self.read(text).compiled
        except SearchSpaceError:
            return frozenset()

    def preload(self) -> None:
        """Import every part and load the kernels that are compiled, so that processes forked later have it all already."""
        for part in self.catalogue.values():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                part.load()
                if part.requires is not None and part.name in self.grammar.primitives.mapping:
                    import_module(part.requires)  # some parts import it when they are first used
        load(group for group in sorted(self.compiled) if is_ready(group))

    def __getstate__(self) -> dict[str, Any]:
        """Return what workers need: they read and build pipelines, and vary none."""
        return {**self.__dict__, "_plans": {}, "_read": {}, "own_operators": {}}

    # -- limits -------------------------------------------------------------------------------------------------------

    def within_limits(self, tree: PipelineTree) -> bool:
        """Tell whether a tree is small enough, stacks no model on a stacked model, and makes no giant table."""
        term = tree.term()
        if len(tree.steps()) > self.max_steps or _depth(term) > self.max_depth or _stacking(term) > 1:
            return False
        outputs = self.facts.n_outputs * (1 if self.facts.n_classes <= 2 else self.facts.n_classes)
        return self.plan(tree).columns(self.facts.n_features, self.facts.n_rows, outputs) <= self.max_columns


def _known(term: Term, grammar: Grammar) -> Term:
    """Return a known pipeline without values that this table's limited ranges do not know."""
    part = grammar.catalogue.get(term.name)
    names = {h.name for h in part.hyperparameters} if part else set()
    values = {name: value for name, value in term.values.items() if name in names}
    return Term(term.name, tuple(_known(child, grammar) for child in term.inputs), values)


def _depth(term: Term) -> int:
    return 1 + max(map(_depth, term.inputs), default=-1)


def _stacking(term: Term) -> int:
    """Return how many stacked models lie within one another."""
    return (term.name == STACK) + max(map(_stacking, term.inputs), default=0)
