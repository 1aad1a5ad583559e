"""From plan to Python source that runs without evoml, unless a part is a compiled learner of evoml's."""

from __future__ import annotations

import ast
import inspect
import threading
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from evoml.components.calls import Call, Verbatim, render
from evoml.genomes.pipeline_tree.build import assemble, named
from evoml.genomes.pipeline_tree.plan import Plan

_PARSING = threading.Lock()  # in Python 3.11.7, threads that parsed at once were seen to get in each other's way
_PIPELINE, _UNION = "from sklearn.pipeline import Pipeline", "from sklearn.pipeline import FeatureUnion"


_CLEAN_TABLE = "from evoml.core.clean_table import CleanTable"


def source(
    plan: Plan,
    random_state: int,
    comment: str = "",
    columns: Mapping[str, Any] | None = None,
    around: Call | None = None,
) -> str:
    """Return a module that defines ``make_pipeline()`` and ``pipeline``, the unfitted pipeline of ``plan``.

    ``comment`` becomes part of the module's docstring; with ``columns`` the first step is a CleanTable of them; ``around``
    takes the pipeline as its ``estimator``. Parts of evoml itself are written out in full, but for compiled learners, which
    are imported.
    """
    imports = {_PIPELINE}
    if around is not None:
        return _whole(_written(plan, random_state, imports), "Pipeline", imports, comment, columns, around)
    return _module(_written(plan, random_state, imports, _cleaning(columns, imports)), imports, comment)


def average_path(classifier: bool, several: bool) -> str:
    """Return the path of what averages models: scikit-learn's own or, for targets of several columns, our kind of it."""
    kind = "Classifier" if classifier else "Regressor"
    return f"evoml.learners.several_outputs.Averaged{kind}" if several else f"sklearn.ensemble.Voting{kind}"


def ensemble_source(
    plans: Mapping[Plan, float],
    classifier: bool,
    random_state: int,
    comment: str = "",
    columns: Mapping[str, Any] | None = None,
    around: Call | None = None,
    several: bool = False,
) -> str:
    """Return the same of the weighted average of the pipelines of ``plans``, which have weights.

    ``several`` tells that the target has several columns.
    """
    module, _, name = average_path(classifier, several).rpartition(".")
    imports = {_PIPELINE, f"from {module} import {name}"}
    members = [(plan.part(plan.root).lower(), _written(plan, random_state, imports)) for plan in plans]
    voting = "voting='soft', " if classifier else ""
    body = f"{name}({_listed(members)}, {voting}weights={[round(weight, 4) for weight in plans.values()]})"
    return _whole(body, name, imports, comment, columns, around)


def _whole(
    body: str, made: str, imports: set[str], comment: str, columns: Mapping[str, Any] | None, around: Call | None
) -> str:
    """Return the module of a model that is one expression, with what comes around and before it."""
    if around is not None:
        body, needed = render(Call(around.path, {"estimator": Verbatim(body), **around.arguments}))
        imports |= needed
        made = around.path.rpartition(".")[2]
    if columns is None:
        return _module(body, imports, comment, made)
    steps = [*_cleaning(columns, imports), ("model", body)]
    return _module(f"Pipeline({_listed(steps)})", imports, comment)


def _cleaning(columns: Mapping[str, Any] | None, imports: set[str]) -> list[tuple[str, str]]:
    """Return the first step of a pipeline that is given the raw table, none where it needs no cleaning."""
    if columns is None:
        return []
    imports.add(_CLEAN_TABLE)
    return [("cleantable", f"CleanTable({_mapping(columns)})")]


def _written(plan: Plan, random_state: int, imports: set[str], before: Iterable[tuple[str, str]] = ()) -> str:
    """Return the expression that makes the pipeline of a plan; what it needs is added to ``imports``."""

    def part(node: str) -> str:
        text, needed = render(plan.call(node, random_state))
        imports.update(needed)
        return text

    def union(branches: list[tuple[str, str]]) -> str:
        imports.add(_UNION)
        return f"FeatureUnion({_listed(branches)})"

    def stack(model: str) -> str:
        imports.add("from evoml.learners import OutOfFoldPredictions")
        return f"OutOfFoldPredictions({model})"

    def chain(steps: list[tuple[str, str]]) -> str:
        return f"Pipeline({_listed(steps)})"

    return assemble(plan, part, union, stack, chain, before)  # type: ignore[arg-type]


def constant_source(model: Any, comment: str, columns: Mapping[str, Any] | None = None) -> str:
    """Return the same of a constant guess, by one of scikit-learn's dummies."""
    imports = {_PIPELINE, f"from sklearn.dummy import {type(model).__name__}"}
    steps = [*_cleaning(columns, imports), ("constant", repr(model))]
    return _module(f"Pipeline({_listed(steps)})", imports, comment)


def _mapping(columns: Mapping[str, Any]) -> str:
    return "{\n" + _indented("\n".join(f"{name!r}: {kind!r}," for name, kind in columns.items())) + "\n}"


def _listed(steps: list[tuple[str, str]]) -> str:
    lines = [f"({name!r}, {repr(text) if text == 'passthrough' else text})," for name, text in named(steps)]
    return "[\n" + _indented("\n".join(lines)) + "\n]"


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.split("\n"))


def _module(body: str, imports: set[str], comment: str, made: str = "Pipeline") -> str:
    ours = {line for line in imports if line.startswith("from evoml.") and _stands_alone(_home(line))}
    written_out = [_written_out(module) for module in sorted({_home(line) for line in ours}, key=lambda m: m.__name__)]
    library = sorted((imports - ours).union(*(needed for needed, _ in written_out)), key=_import_order)
    classes = "".join(f"\n\n{text}\n" for _, text in written_out).rstrip("\n")
    docstring = "A machine learning pipeline, written by evoml." + (f"\n\n{comment}" if comment else "")
    escaped = docstring.replace("\\", "\\\\").replace('"""', "'''")
    return (
        f'"""{escaped}\n"""\n\n'
        + "\n".join(library)
        + classes
        + f"\n\n\ndef make_pipeline() -> {made}:\n"
        + '    """Return the pipeline, yet to be fitted: ``make_pipeline().fit(X, y).predict(X_new)``."""\n'
        + f"    return {_indented(body).lstrip()}\n\n\npipeline = make_pipeline()\n"
    )


def _stands_alone(module: ModuleType) -> bool:
    """Tell whether a module of evoml's needs no other: compiled learners do."""
    return "from evoml" not in inspect.getsource(module)


def _home(line: str) -> ModuleType:
    """Return the module that defines what an import line names."""
    module_name, class_name = line.removeprefix("from ").split(" import ")
    return inspect.getmodule(getattr(import_module(module_name), class_name))  # type: ignore[return-value]


def _written_out(module: ModuleType) -> tuple[set[str], str]:
    """Return the imports of a module of evoml's and all that follows them, so that nobody needs evoml."""
    text = inspect.getsource(module)
    with _PARSING:
        body = ast.parse(text).body
    imports = [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
    needed = {ast.unparse(node) for node in imports if getattr(node, "module", "") != "__future__"}
    return needed, "\n".join(text.split("\n")[imports[-1].end_lineno :]).strip()


def _import_order(line: str) -> tuple[bool, str]:
    return not line.startswith("import "), line
