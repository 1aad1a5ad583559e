"""A candidate's text made plain: its graph, its steps in words, and a short way of writing it."""

from __future__ import annotations

import tomllib
from collections.abc import Hashable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from evoml.core.errors import SearchSpaceError

if TYPE_CHECKING:
    import networkx as nx

Node: TypeAlias = Hashable

FEATURES, UNION, STACK = "features", "union", "stack"
SOURCES = {FEATURES: "the input", UNION: "the union", STACK: "the stacked predictions"}  # as sentences call them


class Step(NamedTuple):
    """One step of a pipeline in words: its name, what it does, the settings that are not the default."""

    name: str
    group: str
    sentence: str
    settings: str


def read_graph(text: str) -> tuple[nx.DiGraph, Node] | None:
    """Return the graph and root of a pipeline's text, or None for a text that is no pipeline.

    Parts that the built-in catalogue lacks (a user's own) are drawn with all their values.
    """
    from evoml.components import Catalogue, load_catalogue
    from evoml.genomes.pipeline_tree.plan import Plan

    for catalogue in (load_catalogue(), Catalogue({})):
        try:
            plan = Plan.from_text(text, catalogue)
        except (SearchSpaceError, ValueError, TypeError, RecursionError):
            continue
        return plan.graph, plan.root
    return None


def model_name(text: str) -> str:
    """Return the short name of a candidate: its root model, or the beginning of a text that is no pipeline."""
    plan = read_graph(text)
    return shortened(text, 28) if plan is None else str(plan[0].nodes[plan[1]]["part"])


def readable_pipeline(text: str) -> str:
    """Return a pipeline as a reader would write it: steps in order of flow, settings only where not the default.

    A text that is no pipeline comes back unchanged.
    """
    plan = read_graph(text)
    return text if plan is None else _readable(*plan)


def _readable(graph: nx.DiGraph, node: Node) -> str:
    part = graph.nodes[node]["part"]
    inputs = [_readable(graph, source) for source in inputs_of(graph, node)]
    if part == UNION:
        sources = [graph.nodes[source]["part"] for source in inputs_of(graph, node)]
        chains = ["→" in text and source != STACK for text, source in zip(inputs, sources, strict=True)]
        return f"[{' + '.join(f'({text})' if chain else text for text, chain in zip(inputs, chains, strict=True))}]"
    if part == STACK:
        return f"stack({', '.join(inputs)})"
    settings = ", ".join(f"{name}={value}" for name, value in telling_values(graph, node).items())
    written = f"{part}({settings})" if settings else part
    before = [text for text in inputs if text != FEATURES]
    if not before:
        return str(written)
    flow = before[0] if len(before) == 1 else "[" + ", ".join(before) + "]"
    return f"{flow} → {written}"


def inputs_of(graph: nx.DiGraph, node: Node) -> list[Node]:
    """Return the nodes that ``node`` reads, in order."""
    edges = sorted(graph.in_edges(node, data="position"), key=lambda edge: edge[2] or 0)
    return [source for source, _, _ in edges]


def in_order(graph: nx.DiGraph, root: Node) -> list[Node]:
    """Return the nodes so that each comes after its inputs, branch by branch."""
    seen: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node in seen:
            return
        for source in inputs_of(graph, node):
            visit(source)
        seen[node] = None

    visit(root)
    return list(seen)


def telling_values(graph: nx.DiGraph, node: Node) -> dict[str, str]:
    """Return the hyperparameters that are not the catalogue's default, as short texts."""
    attributes = graph.nodes[node]
    part = _parts().get(attributes["part"])
    defaults = part.defaults() if part is not None else {}
    return {
        name: value_text(value)
        for name, value in (attributes.get("values") or {}).items()
        if name not in defaults or defaults[name] != value or type(defaults[name]) is not type(value)
    }


def value_text(value: Any) -> str:
    """Return a hyperparameter's value in few characters; floats have four significant digits and never look whole."""
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.4g}"
    return text if set(text) & set(".einf") else f"{text}.0"  # 1.0 may mean all columns, and 1 a single one


def shortened(text: str, width: int) -> str:
    """Return ``text`` on one line and in at most ``width`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def group_of(part: str) -> str:
    """Return what a part is for: model, preparation, construction, selection, structure, input, or other."""
    if part == FEATURES:
        return "input"
    if part in (UNION, STACK):
        return "structure"
    known = _parts().get(part)
    return str(_words()["groups"][known.kind]) if known is not None else "other"


def steps_in_words(graph: nx.DiGraph, root: Node, n_features: int | None = None) -> list[Step]:
    """Return one plain sentence a step, in the order of flow."""
    return [_step(graph, node, n_features) for node in in_order(graph, root)]


def _step(graph: nx.DiGraph, node: Node, n_features: int | None) -> Step:
    part = str(graph.nodes[node]["part"])
    names = [str(graph.nodes[source]["part"]) for source in inputs_of(graph, node)]
    settings = ", ".join(f"{name} = {value}" for name, value in telling_values(graph, node).items())
    sources = joined([SOURCES.get(name, name) for name in names])
    if part == FEATURES:
        columns = f"The table's {n_features} columns" if n_features else "The table's columns"
        return Step("Input", "input", f"{columns} enter here.", "")
    return Step(part, group_of(part), _sentence(part, sources, graph.nodes[node].get("values") or {}), settings)


def _sentence(part: str, sources: str, values: Mapping[str, Any]) -> str:
    """Return what a part does, the hyperparameters that matter filled in."""
    words, known = _words(), _parts().get(part)
    complete = (known.defaults() if known is not None else {}) | dict(values)
    told = {name: _in_words(part, name, value) for name, value in complete.items()}
    try:
        sentence = words["parts"][part].format(sources=sources, **{name: text or "" for name, text in told.items()})
    except KeyError:  # it has no sentence of its own, or is written without a value that the sentence names
        sentence = words["kinds"][known.kind if known is not None else "other"].format(sources=sources)
    endings = [text for name in words["endings"]["names"] if name in values and (text := told[name])]
    return ", ".join([sentence.removesuffix("."), *endings]) + "."


def _in_words(part: str, name: str, value: Any) -> str | None:
    """Return a hyperparameter's value as sentences call it; None for one of those that end a sentence with nothing to say."""
    words = _words()
    known = words["values"].get(part, {}).get(name) or words["values"]["any"].get(name) or {}
    text = known.get(value_text(value).lower() if isinstance(value, bool) else value_text(value), known.get("else"))
    if text is None:
        return None if name in words["endings"]["names"] else value_text(value)
    percent = f"{100 * value:.3g} %" if isinstance(value, int | float) else ""
    return str(text).format(value=value_text(value), percent=percent)


def joined(names: list[str]) -> str:
    """Return names as an enumeration in English."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _parts() -> Mapping[str, Any]:
    from evoml.components import load_catalogue

    return load_catalogue()


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads((files("evoml.report") / "templates" / "steps.toml").read_text(encoding="utf-8"))
