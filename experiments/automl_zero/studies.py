"""The studies, one function each: settings of the configuration and a seed in, what was found out."""

from __future__ import annotations

from typing import Any

import baselines
import numpy as np
from epochs import in_epochs
from search import Search, begin, figures, mean_fitness, space_of

from evoml.core.random import mixed, stream
from evoml.evaluation.program_problems import TaskSet, affine_tasks, linear_tasks, teacher_tasks
from evoml.genomes.program import Program, Programs, ProgramSpace
from evoml.genomes.program.text import write
from evoml.kernels.program_codes import COMPONENTS
from evoml.kernels.program_tasks import Tasks

_SELECT, _REPORT = 10_000, 20_000  # added to a seed: tasks of selection and of the report are drawn apart


def linear(settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Rediscover linear regression: search on some tasks, stop by others, report on still others."""
    space, sizes = space_of(settings), settings["tasks"]
    shape = {name: sizes[name] for name in ("n_valid", "n_features")}
    tasks = linear_tasks(seed, sizes["search"], n_train=sizes["n_train"], **shape).laid_out(seed)
    select, report = (
        linear_tasks(seed + offset, sizes[name], n_train=sizes["n_train_unseen"], **shape).laid_out(seed)
        for name, offset in (("select", _SELECT), ("report", _REPORT))
    )
    seen = [0.0, 0.0]  # fitness of the best program that was looked at last, and its fitness on the tasks of selection
    searches: list[Search] = []

    def solved(search: Search) -> bool:
        if search.best_fitness != seen[0]:
            seen[:] = search.best_fitness, float(search.judge([search.best], select)[0])
        return seen[1] > settings["solved"]

    while sum(search.born for search in searches) < settings["evaluations"] and seen[1] <= settings["solved"]:
        searches.append(begin(settings, space, tasks, seed * settings["evaluations"] + len(searches)))
        searches[-1].run(settings["restart"], settings["every"], solved)
    last = searches[-1]
    return {
        "solved": seen[1] > settings["solved"],
        "searches": len(searches),
        "select": seen[1],
        "report": float(last.judge([last.best], report)[0]),
        **figures(*searches),
    }


def difficulty(settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Count programs as good as one written by hand in many short searches, at most one in each."""
    space, sizes = space_of(settings), dict(settings["tasks"])
    draw = linear_tasks if settings["reference"] == "linear" else affine_tasks
    tasks = draw(seed, sizes.pop("search"), **sizes).laid_out(seed)
    reference = getattr(baselines, settings["reference"])(settings["rate"])
    wanted = float(mean_fitness([reference], tasks, space)[0]) * (1.0 - 1e-12)
    hits, born, cpu, searches = 0, 0, 0.0, 0
    while born < settings["evaluations"]:
        key = seed * settings["evaluations"] + searches
        keys = mixed(key, np.arange(settings["population"]))
        start = _with_parts_of(reference, space.sample(keys), settings["operations"])
        search = begin(settings, space, tasks, key, start=start)
        if search.best_fitness < wanted:
            search.go_on(settings["births"] - search.born, wanted)
        hits += int(search.best_fitness >= wanted)
        born, cpu, searches = born + search.born, cpu + search.cpu, searches + 1
    return {"hits_per_million": 1e6 * hits / born, "hits": hits, "programs": born, "wanted": wanted, "cpu_seconds": cpu}


def _with_parts_of(reference: Program, population: Programs, operations: dict[str, list[str]]) -> Programs:
    """Return programs with those components of the reference that do not vary."""
    one = Programs.of([reference], population.room)
    for number, name in enumerate(COMPONENTS):
        if not operations[name]:
            rows = slice(number * population.room, (number + 1) * population.room)
            population.instructions[:, rows] = one.instructions[:, rows]
            population.literals[:, rows] = one.literals[:, rows]
            population.lengths[:, number] = one.lengths[:, number]
    return population


def damaged(settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Repair a network that lacks some of its lines: search on some tasks, choose on others, report on still others."""
    space, sizes = space_of(settings), dict(settings["tasks"])
    counts = [sizes.pop(name) for name in ("search", "select", "report")]
    tasks, select, report = (
        teacher_tasks(seed + offset, count, **sizes).laid_out(seed)
        for count, offset in zip(counts, (0, _SELECT, _REPORT), strict=True)
    )
    whole = baselines.network(settings["rate"], settings["spread"])
    worth = mean_fitness([whole], select, space)[0]
    lines = _harmful(whole, worth, settings, select, space, seed)
    broken = baselines.without(whole, lines)
    search = begin(settings, space, tasks, seed, start=Programs.of([broken], space.room))
    left = search.judge([broken], select)[0]

    def repaired(search: Search) -> bool:
        return bool(search.judge([search.best], select)[0] >= left + settings["share"] * (worth - left))

    search.run(settings["evaluations"], settings["every"], repaired)
    of_broken, of_whole, of_found = search.judge([broken, whole, search.best], report).tolist()
    return {
        "restored": (of_found - of_broken) / (of_whole - of_broken),
        "solved": repaired(search),
        "broken": of_broken,
        "whole": of_whole,
        "found": of_found,
        "lines": sorted(lines),
        **figures(search),
    }


def _harmful(
    whole: Program, worth: float, settings: dict[str, Any], tasks: Tasks, space: ProgramSpace, seed: int
) -> set[int]:
    """Return the lines to be left out: the given ones, or the first drawn at random without which much is lost."""
    if settings["lines"]:
        return set(settings["lines"])
    rng = stream(seed)
    while True:
        lines = set(rng.choice(len(whole), settings["lost"], replace=False).tolist())
        if mean_fitness([baselines.without(whole, lines)], tasks, space)[0] < worth - settings["harm"]:
            return lines


def teacher(settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Evolve from the empty program on a random network's labels, and compare with every linear learner there is."""
    space, sizes = space_of(settings), dict(settings["tasks"])
    counts = [sizes.pop(name) for name in ("search", "select", "report")]
    sets = [
        teacher_tasks(seed + offset, count, **sizes).standardised()
        for count, offset in zip(counts, (0, _SELECT, _REPORT), strict=True)
    ]
    tasks, select, report = (one.with_intercept().laid_out(seed) for one in sets)
    bounds = [least_squares(one) for one in sets]
    enough = bounds[1] + settings["margin"]
    (found, *_), told = in_epochs(settings, space, tasks, select, seed, Program(), enough)
    worth = [float(mean_fitness([found], one, space)[0]) for one in (tasks, select, report)]
    return {
        "gain": worth[2] - bounds[2],
        "solved": worth[2] > bounds[2],
        **dict(zip(("search", "select", "report"), worth, strict=True)),
        **dict(zip(("search_linear", "select_linear", "report_linear"), bounds, strict=True)),
        **told,
        "program": write(found),
    }


def least_squares(tasks: TaskSet) -> float:
    """Return the mean fitness of the best linear learner with an intercept: least squares on all examples of training."""

    def columns(features: np.ndarray) -> np.ndarray:
        return np.column_stack([features, np.ones(len(features))])

    parts = zip(tasks.train_features, tasks.train_labels, tasks.valid_features, tasks.valid_labels, strict=True)
    errors = [
        np.sqrt(np.mean((columns(judged) @ np.linalg.lstsq(columns(features), labels, rcond=None)[0] - wanted) ** 2))
        for features, labels, judged, wanted in parts
    ]
    return float(np.mean(1.0 - 2.0 / np.pi * np.arctan(errors)))
