"""Local search: new values for the hyperparameters of one pipeline, from what became of earlier ones.

Settings near the parent's are drawn, and the one of the greatest expected improvement is taken (Jones, Schonlau and Welch
1998), as a Gaussian process sees it that was told of pipelines of the same structure, and of others with the same model. What
counts of their scores is the order: so those that were stopped early, or failed, take part as the last ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from deap import gp

from evoml.components.hyperparameters import Choice, Formula, can_change
from evoml.genomes.pipeline_tree.gaussian_process import expected_improvement, posterior
from evoml.genomes.pipeline_tree.tree import PipelineTree, is_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evoml.components import Catalogue
    from evoml.components.hyperparameters import Hyperparameter, Value
    from evoml.genomes.pipeline_tree.grammar import Grammar
    from evoml.genomes.pipeline_tree.term import Term

DRAWN = 100  # settings that are compared
LEAST = 4  # pipelines, at least, from which anything is learned
MOST = 60  # pipelines that are learned from, the last ones; those of the same structure first
STEPS = 0.2, 0.05  # standard deviations of a change, as shares of the range: coarse and fine, by turns

Place = tuple[str, int, str]  # a hyperparameter in a pipeline: part, how many such parts came before it, name


class Tried(NamedTuple):
    """What became of a pipeline: its structure, its active values, its model, and its score."""

    structure: str
    values: Mapping[Place, Value]
    model: str
    score: float


def structure_and_values(tree: PipelineTree, catalogue: Catalogue) -> tuple[str, Mapping[Place, Value]]:
    """Return a tree's text without values, and the values that are active, by their places."""
    values: dict[Place, Value] = {}
    for name, count, given in _steps(tree.term()):
        if name in catalogue:
            values |= {(name, count, key): value for key, value in catalogue[name].active(given).items()}
    return " ".join(node.name for node in tree if not is_value(node)), values


def tune(
    grammar: Grammar,
    parent: PipelineTree,
    rng: np.random.Generator,
    tried: Sequence[Tried],
    allowed: Callable[[PipelineTree], bool],
) -> PipelineTree | None:
    """Return the parent with new values for some of its hyperparameters, or None where nothing new is allowed."""
    places = _places(grammar, parent)
    if not any(can_change(hyperparameter) for _, hyperparameter in places.values()):
        return None
    settings = _near(parent, list(places.values()), rng)
    structure, values = structure_and_values(parent, grammar.catalogue)
    known = _comparable(tried, structure, parent[0].name)
    own = _row(places, values)
    rows = np.array([_row(places, _active(places, setting, grammar.catalogue)) for setting in settings])
    seen = {own.tobytes(), *(_row(places, one.values).tobytes() for one in known if one.structure == structure)}
    fresh = [index for index, row in enumerate(rows) if row.tobytes() not in seen]
    if fresh and len(known) >= LEAST and len({one.score for one in known}) > 1:
        promise = _promise(places, structure, known, rows[fresh], rng)
        fresh = [fresh[index] for index in np.argsort(-promise, kind="stable")]
    positions = [index for index, _ in places.values()]
    offspring = (_with(parent, positions, settings[index]) for index in fresh)
    return next(filter(allowed, offspring), None)


def _with(parent: PipelineTree, positions: Sequence[int], setting: Sequence[Value]) -> PipelineTree:
    tree = PipelineTree(parent)
    for index, value in zip(positions, setting, strict=True):
        tree[index] = gp.Terminal(value, False, parent[index].ret)
    return tree


def _comparable(tried: Sequence[Tried], structure: str, model: str) -> list[Tried]:
    same = [one for one in tried if one.structure == structure][-MOST:]
    others = [one for one in tried if one.structure != structure and one.model == model]
    return others[len(others) - min(len(others), MOST - len(same)) :] + same


def _promise(
    places: Mapping[Place, tuple[int, Hyperparameter]],
    structure: str,
    known: Sequence[Tried],
    rows: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the expected improvement of (m, d) settings; that a structure is another one is one more dimension."""
    structures = {structure: 0} | {
        one.structure: number for number, one in enumerate(known, 1) if one.structure != structure
    }
    told = np.array([[*_row(places, one.values), structures[one.structure]] for one in known])
    new = np.column_stack([rows, np.zeros(len(rows))])
    is_choice = np.array([*(isinstance(one, Choice | Formula) for _, one in places.values()), True])
    values = _normal_scores(np.array([one.score for one in known]))
    own = values[told[:, -1] == 0]
    return expected_improvement(posterior(told, values, new, is_choice, rng), own.max() if len(own) else values.max())


def _normal_scores(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normal quantiles of ranks, of mean 0 and variance 1; equal scores share their mean rank."""
    from scipy.special import ndtri

    _, group, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    normal = ndtri((ranks - 0.5) / len(scores))[group]
    return (normal - normal.mean()) / normal.std()


# -- settings as numbers ---------------------------------------------------------------------------------------------------


def _places(grammar: Grammar, tree: PipelineTree) -> dict[Place, tuple[int, Hyperparameter]]:
    """Return the position and the description of each hyperparameter in a tree."""
    counts: Counter[str] = Counter()
    found = {}
    for at in tree.steps():
        for index in tree.children(at):
            if is_value(type_ := tree[index]):
                place = (tree[at].name, counts[tree[at].name], type_.ret.hyperparameter)
                found[place] = index, grammar.hyperparameter(type_.ret)
        counts[tree[at].name] += 1
    return found


def _steps(term: Term, counts: Counter[str] | None = None) -> list[tuple[str, int, Mapping[str, Value]]]:
    """Return name, number among those of its name, and values of each step, in the order of the tree."""
    counts = Counter() if counts is None else counts
    found = [(term.name, counts[term.name], term.values)]
    counts[term.name] += 1
    for child in term.inputs:
        found += _steps(child, counts)
    return found


def _near(
    parent: PipelineTree, places: Sequence[tuple[int, Hyperparameter]], rng: np.random.Generator
) -> list[list[Value]]:
    """Return settings that differ from the parent's in one value and, by chance, in one or two more."""
    shape = DRAWN, len(places)
    changed = rng.random(shape) * len(places) < 1.0
    changed[np.arange(DRAWN), rng.integers(len(places), size=DRAWN)] = True
    moves = rng.standard_normal(shape) * np.resize(STEPS, DRAWN)[:, None]
    others = rng.random(shape)
    return [
        [
            _moved(hyperparameter, parent[index].value, moves[draw, at], others[draw, at])
            if changed[draw, at]
            else parent[index].value
            for at, (index, hyperparameter) in enumerate(places)
        ]
        for draw in range(DRAWN)
    ]


def _moved(hyperparameter: Hyperparameter, value: Value, move: float, other: float) -> Value:
    """Return a value a step away, reflected at the ends of the range, or another choice or formula."""
    if isinstance(hyperparameter, Formula):
        return hyperparameter.perturb(value, np.random.default_rng(int(other * 2.0**53)))
    if isinstance(hyperparameter, Choice):
        count = len(hyperparameter.choices)
        return hyperparameter.choices[(hyperparameter.position(value) + 1 + int(other * (count - 1))) % count]
    share = abs(hyperparameter.share(value) + move) % 2.0
    return hyperparameter.at(2.0 - share if share > 1.0 else share)


def _active(places: Mapping[Place, Any], setting: Sequence[Value], catalogue: Catalogue) -> dict[Place, Value]:
    given: dict[tuple[str, int], dict[str, Value]] = {}
    for (part, count, name), value in zip(places, setting, strict=True):
        given.setdefault((part, count), {})[name] = value
    return {
        (*step, name): value
        for step, values in given.items()
        for name, value in catalogue[step[0]].active(values).items()
    }


def _row(places: Mapping[Place, tuple[int, Hyperparameter]], values: Mapping[Place, Value]) -> NDArray[np.float64]:
    """Return (d,) numbers: shares of ranges and codes of choices; for what is not there the middle, and a code of its own."""
    return np.array(
        [
            _code(one, values[place]) if place in values else _ABSENT[isinstance(one, Choice | Formula)]
            for place, (_, one) in places.items()
        ]
    )


def _code(hyperparameter: Hyperparameter, value: Value) -> float:
    if isinstance(hyperparameter, Choice | Formula):
        return float(hyperparameter.position(value))
    return hyperparameter.share(value)


_ABSENT = {True: -1.0, False: 0.5}
