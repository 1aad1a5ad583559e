"""A part: one library class with its typed hyperparameter ranges, from which estimators and source text are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from evoml.components.calls import Call, load, render, resolve, seeded
from evoml.components.expressions import evaluate
from evoml.components.hyperparameters import Hyperparameter, Value, same
from evoml.core.errors import SearchSpaceError

Kind: TypeAlias = Literal[
    "classifier", "regressor", "scaler", "imputer", "encoder", "discretiser",
    "constructor", "kernel", "decomposition", "selector", "clusterer", "wrapper",
]  # fmt: skip
DataType: TypeAlias = Literal[
    "any", "text", "table", "numeric", "dense", "nonnegative", "model", "any_model", "single_model", "dense_single_model"
]  # fmt: skip
MODEL_INPUTS = ("model", "any_model", "single_model", "dense_single_model")
Task: TypeAlias = Literal["classification", "regression"]
Cost: TypeAlias = Literal["light", "medium", "heavy"]
Target: TypeAlias = Literal["nonnegative", "positive"]
Outputs: TypeAlias = Literal["one", "indicator", "several"]


@dataclass(frozen=True, slots=True)
class Part:
    """One entry of the catalogue.

    input, output: text is a table with free text, table one with categories; table and numeric are special cases of any,
    dense is one of numeric, nonnegative of dense; models have no output. A wrapper reads a model (any_model: also one without
    the probabilities that the metric needs; single_model: one of a single output, dense_single_model: on finite numbers) and
    is one again.
    outputs: what a target may be for a part that looks at it: one column, several of labels that are 0 or 1 (an indicator),
    several of anything else. A model of one only is offered to wrappers that make models of several outputs of it.
    cost: a fit on 1,000 x 20 in one thread takes less than 0.1 s (light), less than 1 s (medium), or more.
    min_class_rows: rows that the smallest class must have for a fit to work at all.
    predicts_most_probable: whether predict is by definition the class of the greatest predict_proba, so that one will do.
    stands_for: path of the library's class that the part is a quicker equivalent of.
    iterations: the argument that counts rounds, trees or iterations; fewer make a cheaper, worse model.
    around: the argument of a wrapper that takes the model.
    frequency: how often the part is tried at random beside others of its cost, an expression over data facts; 0 is never.
    compiled: the group of kernels that must be compiled before the part is used at its speed, see evoml.kernels.warmup.
    """

    name: str
    path: str
    kind: Kind
    task: Task | None
    input: DataType
    output: DataType | None
    hyperparameters: tuple[Hyperparameter, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict, hash=False)
    cost: Cost = "light"
    requires: str | None = None
    predict_proba: bool = False
    target: Target | None = None
    columns: str = "n_features"
    applies_to: Literal["all", "categorical"] = "all"
    wrap: str | None = None
    min_class_rows: int = 1
    iterations: str | None = None
    predicts_most_probable: bool = False
    compiled: str | None = None
    stands_for: str | None = None
    around: str | None = None
    frequency: str = "1"
    outputs: tuple[Outputs, ...] = ("one",)

    @property
    def is_model(self) -> bool:
        return self.kind in ("classifier", "regressor")

    def load(self) -> type:
        """The library's class. Raises SearchSpaceError if it cannot be imported."""
        return load(self.path)

    def makes(self, cls: type) -> bool:
        """Tell whether the part makes estimators of a class, or of our safer or quicker kind of it."""
        if self.stands_for is not None and load(self.stands_for) is cls:
            return True
        own = self.load()
        return own is cls or (self.path.startswith("evoml.") and issubclass(own, cls) and cls is not object)

    def hyperparameter(self, name: str) -> Hyperparameter:
        """The hyperparameter of that name. Raises SearchSpaceError, with the names there are, for an unknown one."""
        for hyperparameter in self.hyperparameters:
            if hyperparameter.name == name:
                return hyperparameter
        known = ", ".join(hyperparameter.name for hyperparameter in self.hyperparameters) or "none"
        raise SearchSpaceError(f"{self.name} has no hyperparameter {name!r}; it has: {known}")

    def defaults(self) -> dict[str, Value]:
        return {hyperparameter.name: hyperparameter.default for hyperparameter in self.hyperparameters}

    def active(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The values that count: missing ones by default, those whose `when` does not hold (transitively) dropped."""
        for name in values:
            self.hyperparameter(name)
        complete = self.defaults() | dict(values)
        conditions = {hyperparameter.name: hyperparameter.when for hyperparameter in self.hyperparameters}

        def holds(name: str) -> bool:
            return all(
                holds(other) and any(same(complete[other], value) for value in allowed)
                for other, allowed in conditions[name].items()
            )

        return {name: value for name, value in complete.items() if holds(name)}

    def settings(self, values: Mapping[str, Value], random_state: int | None) -> dict[str, Any]:
        """The exact keyword arguments of the constructor; nested estimators are `Call`s, objects are `Imported`s."""
        return dict(self._call(values, random_state).arguments)

    def build(self, values: Mapping[str, Value], random_state: int | None, effort: float = 1.0) -> Any:
        """An unfitted estimator, with the share ``effort`` of its iterations."""
        return resolve(self.called(values, random_state, effort))

    def called(
        self, values: Mapping[str, Value], random_state: int | None, effort: float = 1.0, model: Call | None = None
    ) -> Call:
        """The call that makes the estimator; ``model`` is what a wrapper goes around."""
        call = self._lighter(self._call(values, random_state), effort)
        if self.around is not None:
            call = Call(call.path, {self.around: model, **call.arguments})
        return self._wrapped(call)

    def _lighter(self, call: Call, effort: float) -> Call:
        if self.iterations is None or effort >= 1.0:
            return call
        outer, _, inner = self.iterations.partition("__")
        if inner:
            return Call(call.path, {**call.arguments, outer: self._fewer(call.arguments[outer], inner, effort)})
        return self._fewer(call, outer, effort)

    @staticmethod
    def _fewer(call: Call, name: str, effort: float) -> Call:
        if name not in call.arguments:  # it is not active
            return call
        return Call(call.path, {**call.arguments, name: max(1, round(effort * call.arguments[name]))})

    def source(self, values: Mapping[str, Value], random_state: int | None) -> tuple[str, set[str]]:
        """The Python expression that makes the same estimator as `build`, and the import lines it needs."""
        return render(self.called(values, random_state))

    def n_columns(self, n_features: int, values: Mapping[str, Value], n_rows: int) -> int:
        """How many columns come out (an upper bound where the data decide), at least one."""
        facts = {"n_features": n_features, "n_rows": n_rows, **self.defaults(), **values}
        return max(1, int(evaluate(self.columns, facts)))

    def _call(self, values: Mapping[str, Value], random_state: int | None) -> Call:
        arguments = dict(self.fixed)
        for name, value in self.active(values).items():
            outer, _, inner = name.partition("__")
            if inner:
                nested: Call = arguments[outer]
                arguments[outer] = Call(nested.path, {**nested.arguments, inner: value})
            else:
                arguments[name] = value
        return seeded(Call(self.path, arguments), random_state)

    def _wrapped(self, call: Call) -> Call:
        if self.wrap is not None:
            call = Call(self.wrap, {}, (call,))
        return _over_categorical_columns(call) if self.applies_to == "categorical" else call


def _over_categorical_columns(encoder: Call) -> Call:
    # Excluding numbers, rather than naming string types, holds for pandas 2 (object) and pandas 3 (str) alike.
    selector = Call("sklearn.compose.make_column_selector", {"dtype_exclude": ["number", "bool"]})
    return Call(
        "sklearn.compose.ColumnTransformer",
        {
            "transformers": [("categorical", encoder, selector)],
            "remainder": "passthrough",
            "sparse_threshold": 0,
            "verbose_feature_names_out": False,
        },
    )
