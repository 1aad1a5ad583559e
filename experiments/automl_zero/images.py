"""The study on pairs of classes of images: from a network to what beats it, and which of its lines matter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import baselines
import numpy as np
from epochs import in_epochs
from search import fitness, mean_fitness, space_of

from evoml.core.errors import DataError
from evoml.core.random import stream
from evoml.evaluation.program_problems import TaskSet, image_pairs
from evoml.genomes.program import Instruction, Program, Programs, ProgramSpace
from evoml.genomes.program.text import write
from evoml.kernels.program_run import make_rules
from evoml.kernels.program_tasks import Tasks

_OF = 10  # pairs that the sizes of parts are told for
_MOST = [5, 9, 2]  # memory that the largest program written by hand needs
_SPREADS = (1.0, 0.3, 0.1)  # of the logarithms of factors, in turn: far from what is known, and near it


def images(settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Search on some pairs of classes, choose by others, report on still others; which is which moves on with the seed."""
    space, path, scale = space_of(settings), settings["file"], settings["scale"]
    searched, selected, reported = divided(len(image_pairs(path)), settings["pairs"], seed)
    known = searched + selected
    quick = scaled(proxies(image_pairs(path, searched), *settings["searched"]), scale)
    slower = scaled(proxies(image_pairs(path, known), *settings["selected"]), scale)
    start = baselines.bare_network(settings["rate"], settings["spread"])
    champions, told = in_epochs(
        settings, space, quick.laid_out(seed, settings["block"]), slower.laid_out(seed), seed, start
    )
    champions, trials = champions[: settings["tuned"]], settings["trials"]
    space = space_of(settings | {"memory": np.maximum(settings["memory"], _MOST).tolist()})
    whole = scaled(judged(path, known), scale).laid_out(seed)
    by_hand = [baselines.linear(settings["rate"])], [start, baselines.network(settings["rate"], settings["spread"])]
    programs = [tuned(forms, whole, trials * settings["tuned"], seed, space) for forms in by_hand]
    programs.append(tuned(champions, whole, trials, seed, space))
    draws = [scaled(judged(path, reported), scale).laid_out(draw) for draw in range(settings["draws"])]
    accuracies = np.mean([of_pairs(programs, tasks, space) for tasks in draws], axis=0)
    linear, network, evolved = accuracies.mean(axis=1).tolist()
    return {
        "gain": evolved - network,
        "gain_over_linear": evolved - linear,
        "linear": linear,
        "network": network,
        "evolved": evolved,
        "pairs": reported,
        "accuracies": accuracies.tolist(),
        **told,
        "ablation": ablation(programs[-1], draws[0], space),
        "untuned": write(champions[0]),
        "program": write(programs[-1]),
        "network_program": write(programs[1]),
    }


def of_pairs(programs: list[Program], tasks: Tasks, space: ProgramSpace) -> np.ndarray:
    """Return the accuracy of programs on each pair of classes, in per cent: (programs, pairs)."""
    return 100.0 * fitness(Programs.of(programs), tasks, make_rules(classes=True), space)


def scaled(tasks: TaskSet, scale: float) -> TaskSet:
    """Return tasks with features so many times as large, and one more, that is always 1."""
    parts = {name: scale * getattr(tasks, name) for name in ("train_features", "valid_features")}
    return replace(tasks, **parts).with_intercept()


def divided(count: int, sizes: dict[str, int], seed: int) -> tuple[list[int], list[int], list[int]]:
    """Return the pairs that are searched, selected and reported on, of which each is in the report of one seed in turn.

    sizes: pairs to ``select`` and to ``report`` of ten; of more or fewer the same share. Raises DataError for too few.
    """
    turns = np.array_split(np.arange(count), _OF // sizes["report"])
    reported = turns[seed % len(turns)]
    n_selected = max(1, round(count * sizes["select"] / _OF))
    if count < len(turns) or count - max(map(len, turns)) - n_selected < 1:
        raise DataError(
            f"{count} pairs cannot be divided into some to search on, to select by and to report on by {len(turns)} seeds in"
            f" turn; give {len(turns)} or more"
        )
    order = np.roll(np.arange(count), -reported[0])[len(reported) :].tolist()
    return sorted(order[n_selected:]), order[:n_selected], reported.tolist()


def proxies(tasks: TaskSet, n_train: int, n_valid: int) -> TaskSet:
    """Return tasks that are quicker: of the examples of training the first to learn from, the last to be judged on."""
    features, labels = tasks.train_features, tasks.train_labels
    parts = features[:, :n_train], labels[:, :n_train], features[:, -n_valid:], labels[:, -n_valid:]
    return TaskSet(*parts, classes=True, names=tasks.names)


def judged(path: Path, pairs: list[int]) -> TaskSet:
    """Return tasks judged on all the examples that nothing is learned from, those of validation and of testing."""
    one, other = (image_pairs(path, pairs, judged_on=part) for part in ("valid", "test"))
    features, labels = (
        np.concatenate([getattr(one, name), getattr(other, name)], axis=1)
        for name in ("valid_features", "valid_labels")
    )
    return TaskSet(one.train_features, one.train_labels, features, labels, classes=True, names=one.names)


def tuned(programs: list[Program], tasks: Tasks, trials: int, seed: int, space: ProgramSpace) -> Program:
    """Return the best program on some tasks after so many changes of the numbers that it holds, all at a time.

    The paper, too, takes numbers for hyperparameters, of evolved and of hand-written programs alike (section 4.2).
    """
    found = []
    for program in programs:
        rng, best = stream(seed), program
        value = float(mean_fitness([best], tasks, space, classes=True)[0])
        for trial in range(trials):
            changed = with_other_numbers(best, rng, _SPREADS[trial % len(_SPREADS)])
            of_changed = float(mean_fitness([changed], tasks, space, classes=True)[0])
            if of_changed > value:
                best, value = changed, of_changed
        found.append((value, best))
    return max(found, key=lambda pair: pair[0])[1]


def with_other_numbers(program: Program, rng: np.random.Generator, spread: float) -> Program:
    """Return a program whose numbers are each multiplied by a log-normal factor."""

    def other(one: Instruction) -> Instruction:
        factors = np.exp(spread * rng.normal(size=len(one.literals)))
        return replace(one, literals=tuple((np.array(one.literals) * factors).tolist()))

    return Program(*(tuple(map(other, component)) for component in program.components))


def ablation(program: Program, tasks: Tasks, space: ProgramSpace) -> list[tuple[str, float]]:
    """Return each line of a program, and by how many points the mean accuracy changes without it."""
    lines = [one for component in program.components for one in component]
    programs = [program, *(baselines.without(program, {at}) for at in range(len(lines)))]
    found = of_pairs(programs, tasks, space).mean(axis=1)
    return [(str(line), float(value - found[0])) for line, value in zip(lines, found[1:], strict=True)]
