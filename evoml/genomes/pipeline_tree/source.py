"""From plan to Python source that runs without evoml, unless a part is a compiled learner of evoml's."""

from __future__ import annotations

import ast
import inspect
import threading
from importlib import import_module
from types import ModuleType

from evoml.genomes.pipeline_tree.build import assemble, named
from evoml.genomes.pipeline_tree.plan import Plan

_PARSING = threading.Lock()  # in Python 3.11.7, threads that parsed at once were seen to get in each other's way
_PIPELINE, _UNION = "from sklearn.pipeline import Pipeline", "from sklearn.pipeline import FeatureUnion"


def source(plan: Plan, random_state: int, comment: str = "") -> str:
    """Return a module that defines ``make_pipeline()`` and ``pipeline``, the unfitted pipeline of ``plan``.

    ``comment`` becomes part of the module's docstring. Parts of evoml itself are written out in full, but for compiled
    learners, which are imported.
    """
    imports = {_PIPELINE}

    def part(node: str) -> str:
        text, needed = plan.catalogue[plan.part(node)].source(plan.values(node), random_state)
        imports.update(needed)
        return text

    def union(branches: list[tuple[str, str]]) -> str:
        imports.add(_UNION)
        return f"FeatureUnion({_listed(branches)})"

    def stack(model: str) -> str:
        imports.add("from evoml.learners import OutOfFoldPredictions")
        return f"OutOfFoldPredictions({model})"

    body = assemble(plan, part, union, stack, chain=lambda steps: f"Pipeline({_listed(steps)})")  # type: ignore[arg-type]
    return _module(body, imports, comment)


def _listed(steps: list[tuple[str, str]]) -> str:
    lines = [f"({name!r}, {repr(text) if text == 'passthrough' else text})," for name, text in named(steps)]
    return "[\n" + _indented("\n".join(lines)) + "\n]"


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.split("\n"))


def _module(body: str, imports: set[str], comment: str) -> str:
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
        + "\n\n\ndef make_pipeline() -> Pipeline:\n"
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
