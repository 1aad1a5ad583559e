"""Searches in epochs: each begins with a champion of those before, whose lines have to be worth their price."""

from __future__ import annotations

from typing import Any

import baselines
import numpy as np
from search import begin, mean_fitness

from evoml.genomes.program import Program, Programs, ProgramSpace
from evoml.genomes.program.canonical import canonical
from evoml.kernels.program_tasks import Tasks


def in_epochs(
    settings: dict[str, Any],
    space: ProgramSpace,
    tasks: Tasks,
    select: Tasks,
    seed: int,
    start: Program,
    enough: float = np.inf,
) -> tuple[list[Program], dict[str, Any]]:
    """Search in epochs from a program on; return all champions, the best on the tasks of selection first.

    Lines have a price: those that gain little take the room that what gains only when whole needs to come together. A
    champion that was not bettered for some epochs makes room for the program that all began with, or ends the search where
    its fitness on the tasks of selection, less the price, is ``enough``.
    """
    price, classes = settings["price"], settings.get("classes", False)
    first = start, float(mean_fitness([start], select, space, classes)[0]) - price * len(start)
    champions, champion = [first], first
    born, cpu, epochs, stale, descents = 0, 0.0, 0, 0, 1
    while born < settings["evaluations"]:
        everywhere = Programs.of([champion[0]], space.room)
        search = begin(settings, space, tasks, seed * settings["evaluations"] + epochs, start=everywhere)
        search.go_on(min(settings["epoch"], settings["evaluations"] - born) - search.born)
        born, cpu, epochs, stale = born + search.born, cpu + search.cpu, epochs + 1, stale + 1
        found = stripped(search.thriftiest(price), select, space, price, classes)
        if found[1] > champion[1]:
            champion, stale = found, 0
            champions.append(champion)
        elif stale == settings["patience"]:
            if champion[1] >= enough:
                break
            champion, stale, descents = first, 0, descents + 1
    champions.sort(key=lambda pair: -pair[1])
    told = {"programs": born, "cpu_seconds": cpu, "epochs": epochs, "descents": descents, "champions": len(champions)}
    return [program for program, _ in champions], told


def stripped(
    program: Program, tasks: Tasks, space: ProgramSpace, price: float, classes: bool = False
) -> tuple[Program, float]:
    """Return a program without lines that gain less than their price, taken out in turn, and its fitness less the price."""
    program = canonical(program)
    value = float(mean_fitness([program], tasks, space, classes)[0]) - price * len(program)
    while len(program) > 0:
        shorter = [canonical(baselines.without(program, {line})) for line in range(len(program))]
        values = mean_fitness(shorter, tasks, space, classes) - price * np.array([len(one) for one in shorter])
        at = int(np.argmax(values))
        if values[at] < value:
            break
        program, value = shorter[at], float(values[at])
    return program, value
