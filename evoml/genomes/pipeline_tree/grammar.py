"""What can be written down: DEAP's typed primitive set, made from the catalogue for the table at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from deap import gp

from evoml.components.hyperparameters import described
from evoml.core.errors import SearchSpaceError, nearest
from evoml.genomes.pipeline_tree.term import FEATURES, PASSTHROUGH, STACK, UNION, UNIONS, Term, Value
from evoml.genomes.pipeline_tree.tree import PipelineTree
from evoml.genomes.pipeline_tree.types import (
    DATA_TYPES,
    MODEL_TYPES,
    Bare,
    Dense,
    DenseSeveral,
    DenseSingle,
    HyperparameterType,
    Model,
    NonNegative,
    Numeric,
    Several,
    Single,
    Table,
    Text,
    Unwrapped,
    hyperparameter_type,
)

if TYPE_CHECKING:
    from evoml.components import Catalogue, Part
    from evoml.components.part import Outputs
    from evoml.core.dataset import Task

#: Structural words, the types they read and the type they give. One word may have several readings.
_STRUCTURE: dict[str, tuple[tuple[type, ...], type]] = {
    UNION: ((Dense, Dense), Dense),
    "union_nonnegative": ((NonNegative, NonNegative), NonNegative),
    "union_numeric": ((Numeric, Numeric), Numeric),
    PASSTHROUGH: ((Dense,), Dense),
    STACK: ((Model,), Dense),
}
_FREQUENCY = {"light": 1.0, "medium": 0.15, "heavy": 0.05}  # how often a part is tried at random, by what it costs


@dataclass(frozen=True)
class DataFacts:
    """What a grammar must know of a table.

    Attributes
    ----------
    task : {"classification", "regression"}
    kind : {"text", "table", "numeric", "dense"}
        What the input is: with free text, with categories, with missing numbers, or finite numbers only.
    n_rows, n_features : int
        ``n_rows`` is the least number of rows that a step may be fitted on.
    n_classes, class_rows : int
        Number of classes, and rows of the smallest; 0 for regression.
    complete_numbers : bool
        Whether the columns of numbers have no missing values.
    has_categories : bool
        Whether a table with free text holds categories too.
    target : {"any", "nonnegative", "positive"}
        Sign of a regression target.
    needs_predict_proba : bool
        Whether the metric needs probabilities.
    imbalance : float
        Rows of the largest class for each of the smallest.
    skewness : float
        Of a regression target.
    outputs : {"one", "indicator", "several"}
        What the target is: one column, several of labels that are 0 or 1, or several of anything else.
    n_outputs : int
    """

    task: Task
    kind: str
    n_rows: int
    n_features: int
    n_classes: int = 0
    class_rows: int = 0
    complete_numbers: bool = True
    has_categories: bool = True
    target: Literal["any", "nonnegative", "positive"] = "any"
    needs_predict_proba: bool = False
    imbalance: float = 1.0
    skewness: float = 0.0
    outputs: Outputs = "one"
    n_outputs: int = 1


class Grammar:
    """The typed primitive set of a search space on a table, and the way from text to tree.

    Parameters
    ----------
    catalogue : Catalogue
    facts : DataFacts
        What of the table decides which parts suit it, and their ranges.

    Attributes
    ----------
    primitives : deap.gp.PrimitiveSetTyped
        Parts as primitives, the input and default values as terminals.
    catalogue : Catalogue
        The parts that suit the table, with ranges limited to what it allows.
    """

    def __init__(self, catalogue: Catalogue, facts: DataFacts) -> None:
        self.facts = facts
        self.catalogue = catalogue.limited(
            task=facts.task,
            n_rows=facts.n_rows,
            n_features=facts.n_features,
            n_classes=facts.n_classes,
            class_rows=facts.class_rows,
            target=facts.target,
            needs_predict_proba=facts.needs_predict_proba,
            imbalance=facts.imbalance,
            skewness=facts.skewness,
            outputs=facts.outputs,
        )
        self.input_type = DATA_TYPES[facts.kind]
        self.primitives = gp.PrimitiveSetTyped("pipeline", [self.input_type], Model)
        self.primitives.renameArguments(ARG0=FEATURES)
        self.features = self.primitives.mapping[FEATURES]
        self.may_miss = not facts.complete_numbers  # whether any step can see missing numbers
        for name, (inputs, output) in _STRUCTURE.items():
            if output is not Numeric or self.may_miss:
                self.primitives.addPrimitive(_called, list(inputs), output, name=name)
        for part in self.catalogue.values():
            self._add_part(part)
        self.min_steps = self._min_steps()
        if self.min_steps.get(Model, 99) >= 99:
            raise SearchSpaceError(
                f"the search space has no {facts.task} model that can be reached from {facts.kind} data;"
                " keep at least one model, and an imputer or encoder if the data has missing values or text"
            )

    def _add_part(self, part: Part) -> None:
        reads = {**DATA_TYPES, **MODEL_TYPES}[part.input]
        gives = self._model_type(part) if part.output is None else DATA_TYPES[part.output]
        tables = (Table,) if self.facts.has_categories else ()
        if reads is Text:
            if self.input_type is not Text:
                return
            gives = gives if tables else Numeric if self.may_miss else Dense
        elif reads is Table:
            if self.input_type not in (Text, Table) or not tables:
                return
            gives = gives if self.may_miss else Dense
        elif part.kind == "imputer" and not self.may_miss:
            return
        types = [hyperparameter_type(part.name, h.name) for h in part.hyperparameters]
        self.primitives.addPrimitive(_called, [reads, *types], gives, name=part.name)
        for hyperparameter, type_ in zip(part.hyperparameters, types, strict=True):
            self.primitives.addTerminal(hyperparameter.default, type_)

    def _model_type(self, part: Part) -> type:
        """Return the type of a part that is a model, or goes around one."""
        if part.around is not None:
            return Model
        if self.facts.outputs != "one":
            dense = issubclass(DATA_TYPES[part.input], Dense) or issubclass(self.input_type, Dense)
            if self.facts.outputs in part.outputs:
                return DenseSeveral if dense else Several
            return DenseSingle if dense else Single
        dumb = self.facts.needs_predict_proba and part.kind == "classifier" and not part.predict_proba
        return Unwrapped if dumb else Bare

    def _min_steps(self) -> dict[type, int]:
        """Return the least depth of a tree of each type: 0 for what the input already is."""
        depth = dict.fromkeys((Model, *MODEL_TYPES.values(), *DATA_TYPES.values()), 99)
        depth.update({type_: 0 for type_ in depth if issubclass(self.input_type, type_)})
        for _ in range(len(depth) + 1):
            for type_ in depth:
                for primitive in self.primitives.primitives[type_]:
                    depth[type_] = min(depth[type_], 1 + max(depth[need] for need in data_arguments(primitive)))
        return depth

    def writable(self, type_: type, steps: int) -> list[gp.Primitive]:
        """Return the primitives that give ``type_`` and can be completed within ``steps`` steps."""
        fits = [p for p in self.primitives.primitives[type_] if self._depth(p) <= steps]
        return [p for p in fits if p.name not in UNIONS or p.ret is type_ or type_ is Model]

    def _depth(self, primitive: gp.Primitive) -> int:
        return 1 + max(self.min_steps[need] for need in data_arguments(primitive))

    def hyperparameter(self, type_: HyperparameterType) -> Any:
        """Return the catalogue's description of a hyperparameter from its type."""
        return next(h for h in self.catalogue[type_.part].hyperparameters if h.name == type_.hyperparameter)

    def frequency(self, primitive: gp.Primitive) -> float:
        """Return how often a primitive is tried at random, relative to others of its kind."""
        part = self.catalogue.get(primitive.name)
        return _FREQUENCY[part.cost] * self.liking(primitive) if part else 1.0

    def liking(self, primitive: gp.Primitive) -> float:
        """Return the same without regard to what the part costs."""
        part = self.catalogue.get(primitive.name)
        return float(part.frequency) if part else 1.0

    # -- from text to tree --------------------------------------------------------------------------------------------

    def tree(self, term: Term, *, adapt: bool = False) -> PipelineTree:
        """Return the tree of a nested call, missing hyperparameters at their defaults.

        With ``adapt``, encoders, imputers and scalers are put in where a step needs more than its input promises, and
        values out of range are moved to the nearest allowed one. Raises SearchSpaceError for what cannot be written.
        """
        return PipelineTree(self._nodes(term, Model, adapt))

    def _nodes(self, term: Term, needed: type, adapt: bool) -> list[Any]:
        if term.name == FEATURES:
            head, nodes = self.features, [self.features]
        elif adapt and len(term.inputs) == 1 and self._is_needless(term.name):
            return self._nodes(term.inputs[0], needed, adapt)
        else:
            head = self._primitive(term, needed)
            nodes = [head, *self._arguments(term, head, adapt)]
        if issubclass(head.ret, needed):
            return nodes
        bridge = self._bridge(head.ret, needed) if adapt else None
        if bridge is None:
            model = _word(needed) == "Model"
            mend = "end it with a model" if model else "put a step in between that makes it so"
            hint = "" if model else " (an encoder, an imputer, MinMaxScaler, stack ...)"
            raise SearchSpaceError(
                f"{term.name} gives {_word(head.ret)} data where {_word(needed)} is needed in {term}; {mend}{hint}"
            )
        for part in bridge:
            nodes = [part, *nodes, *self._defaults(part)]
        return nodes

    def _is_needless(self, name: str) -> bool:
        """Tell whether a part encodes text or fills gaps of which this table has none."""
        part = self.catalogue.get(name)
        return part is not None and part.kind in ("encoder", "imputer") and name not in self.primitives.mapping

    def _primitive(self, term: Term, needed: type) -> gp.Primitive:
        names = UNIONS if term.name in UNIONS else (term.name,)
        found = [p for name in names if isinstance(p := self.primitives.mapping.get(name), gp.Primitive)]
        if not found:
            raise SearchSpaceError(
                f"there is no part {term.name!r} in the search space for this {self.facts.task} table"
                + nearest(term.name, self.primitives.mapping)
            )
        exact = [p for p in found if p.name == term.name and issubclass(p.ret, needed)]
        return (exact or [p for p in found if issubclass(p.ret, needed)] or found)[0]

    def _arguments(self, term: Term, head: gp.Primitive, adapt: bool) -> list[Any]:
        inputs = data_arguments(head)
        if len(inputs) != len(term.inputs):
            raise SearchSpaceError(f"{term.name} takes {len(inputs)} input(s), got {len(term.inputs)} in {term}")
        nodes = [n for child, need in zip(term.inputs, inputs, strict=True) for n in self._nodes(child, need, adapt)]
        types = head.args[len(inputs) :]
        known = [type_.hyperparameter for type_ in types]
        for name in term.values:
            if name not in known:
                raise SearchSpaceError(
                    f"{term.name} has no hyperparameter {name!r} in the search space{nearest(name, known)};"
                    f" it has: {', '.join(known) or 'none'}"
                )
        return nodes + [self._terminal(type_, term.values, adapt) for type_ in types]

    def _terminal(self, type_: HyperparameterType, values: Any, adapt: bool) -> gp.Terminal:
        hyperparameter = self.hyperparameter(type_)
        value = values.get(type_.hyperparameter, hyperparameter.default)
        if not (adapt or hyperparameter.contains(value)):
            raise SearchSpaceError(
                f"{type_.part}: {type_.hyperparameter}={value!r} is outside its range, {described(hyperparameter)}"
            )
        value = hyperparameter.clip(value)  # also if it is within: 1 becomes 1.0 where a float is meant
        return gp.Terminal(value, False, type_)

    def _defaults(self, primitive: gp.Primitive) -> list[gp.Terminal]:
        return [self._terminal(type_, {}, False) for type_ in primitive.args[len(data_arguments(primitive)) :]]

    def _bridge(self, given: type, needed: type) -> list[gp.Primitive] | None:
        """Return the shortest chain of steps that turns ``given`` data into ``needed``, or None."""
        chains: list[list[gp.Primitive]] = [[]]
        for _ in range(4):
            longer = []
            for chain in chains:
                current = chain[-1].ret if chain else given
                for part in self._converters():
                    if issubclass(current, part.args[0]) and not issubclass(current, part.ret):
                        if issubclass(part.ret, needed):
                            return [*chain, part]
                        longer.append([*chain, part])
            chains = longer
        return None

    def _converters(self) -> list[gp.Primitive]:
        preferred = ("TextEncoder", "OneHotEncoder", "OrdinalEncoder", "SimpleImputer", "MinMaxScaler")
        parts = [p for p in self.catalogue.values() if p.kind in ("encoder", "imputer", "scaler", "wrapper")]
        parts.sort(key=lambda p: preferred.index(p.name) if p.name in preferred else len(preferred))
        found = (self.primitives.mapping.get(part.name) for part in parts)
        return [primitive for primitive in found if primitive is not None]

    # -- values -------------------------------------------------------------------------------------------------------

    def values_at_random(
        self, primitive: gp.Primitive, rng: Any, shared: dict[str, Value] | None = None
    ) -> list[gp.Terminal]:
        """Return values for a primitive's hyperparameters: those in ``shared`` that fit, else the default or a draw."""
        terminals = []
        for type_ in primitive.args[len(data_arguments(primitive)) :]:
            hyperparameter = self.hyperparameter(type_)
            value = hyperparameter.default if rng.random() < 0.5 else hyperparameter.sample(rng)
            kept = (shared or {}).get(type_.hyperparameter, ())
            terminals.append(gp.Terminal(kept if kept != () and hyperparameter.contains(kept) else value, False, type_))
        return terminals


@cache
def _data_arguments(arguments: tuple[Any, ...]) -> tuple[type, ...]:
    return tuple(type_ for type_ in arguments if not isinstance(type_, HyperparameterType))


def data_arguments(primitive: gp.Primitive) -> tuple[type, ...]:
    """Return the types of the data (and models) that a primitive reads, its hyperparameters left out."""
    return _data_arguments(tuple(primitive.args))


def _word(type_: type) -> str:
    """Return what a type is called in messages."""
    return "Model" if issubclass(type_, (Model, Unwrapped, Single)) else type_.__name__


def _called(*arguments: object) -> Sequence[object]:
    """Stand for every primitive: trees are compiled by way of their plan, never called."""
    return arguments
