"""Every algorithm on every kind of genome, one by one or by the thousand: the same promises for all."""

import json
import random

import numpy as np
import pytest
from contracts.genome_kinds import ARRAYS, CANDIDATES, one_objective

from evoml.algorithms import ALGORITHMS
from evoml.algorithms.arrays import ARRAY_ALGORITHMS, Islands

SIZE = 12
SETTINGS = {"islands": {"islands": 2, "every": 2, "migrants": 1}}
by_candidates = pytest.mark.parametrize("kind", CANDIDATES)
by_arrays = pytest.mark.parametrize("kind", ARRAYS)


def make(name, kind, seed=1):
    space, told = CANDIDATES[kind]
    return ALGORITHMS[name](space(), seed, population_size=SIZE, **SETTINGS.get(name, {})), told


def run(algorithm, told, evaluations, state=None):
    """Return the states and the outcomes of asking for five and telling them."""
    state, states, outcomes = algorithm.start() if state is None else state, [], []
    while len(outcomes) < evaluations:
        state, candidates = algorithm.ask(state, 5)
        outcomes += [told(candidate) for candidate in candidates]
        state = algorithm.tell(state, outcomes[len(outcomes) - len(candidates) :])
        states.append((state, len(outcomes)))
    return states, outcomes


def texts(outcomes):
    return [(str(one.candidate.genome), one.candidate.parents, one.candidate.operator) for one in outcomes]


@by_candidates
@pytest.mark.parametrize("name", ALGORITHMS)
def test_candidates_get_better_and_a_restored_run_is_the_same_run(name, kind):
    algorithm, told = make(name, kind)
    found = random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002
    states, outcomes = run(algorithm, told, 10 * SIZE)
    assert (random.getstate(), np.random.get_state()[1].tobytes()) == found  # noqa: NPY002
    assert texts(outcomes) == texts(run(*make(name, kind), 10 * SIZE)[1])
    first = max(one.scores[0] for one in outcomes[:SIZE])
    assert max(one.scores[0] for one in outcomes) > first
    later = np.mean([one.scores[0] for one in outcomes[-4 * SIZE :]])
    earlier = np.mean([one.scores[0] for one in outcomes[:SIZE]])
    assert kind == "pipelines" or name in ("random", "map_elites") or later > earlier
    state, n = states[len(states) // 2]
    again, told = make(name, kind)
    candidates = {one.candidate.id: one.candidate for one in outcomes[:n]}
    restored = again.restore(json.loads(json.dumps(state.record())), candidates, outcomes[:n])
    assert restored == state
    assert texts(run(again, told, len(outcomes) - n, restored)[1]) == texts(outcomes[n:])


@by_candidates
@pytest.mark.parametrize("name", ALGORITHMS)
def test_candidates_with_one_objective_or_without_any_score(name, kind):
    algorithm, told = make(name, kind)
    _, outcomes = run(algorithm, lambda one: one_objective(told(one)), 6 * SIZE)
    assert max(one.scores[0] for one in outcomes) >= max(one.scores[0] for one in outcomes[:SIZE])
    algorithm, told = make(name, kind)
    _, outcomes = run(algorithm, lambda one: told(one, fails=True), 3 * SIZE)
    assert all(not one.candidate.parents for one in outcomes)


def make_arrays(name, kind, seed=1):
    space, measured = ARRAYS[kind]
    kept = space()
    if name == "islands":
        both = [ARRAY_ALGORITHMS["nsga2"](kept, seed, SIZE, island=number) for number in range(2)]
        return Islands(both, every=2, migrants=2, topology="complete"), measured
    return ARRAY_ALGORITHMS[name](kept, seed, 3 * SIZE), measured


def generations(algorithm, measured, count, state=None):
    state, states = algorithm.start() if state is None else state, []
    for _ in range(count):
        offspring = algorithm.ask(state)
        assert len(offspring) == algorithm.asks(state)
        state = algorithm.tell(state, offspring, measured(offspring))
        states.append(state)
    return states


def content(algorithm, state):
    return {name: array.tobytes() for name, array in algorithm.arrays(state).items()}


def errors(state):
    return np.concatenate([one.members.objectives[:, 0] for one in getattr(state, "islands", (state,))])


@by_arrays
@pytest.mark.parametrize("name", [*ARRAY_ALGORITHMS, "islands"])
def test_arrays_get_better_and_a_restored_run_is_the_same_run(name, kind):
    algorithm, measured = make_arrays(name, kind)
    states = generations(algorithm, measured, 40)
    first, last = errors(states[0]), errors(states[-1])
    if name == "random":  # no better than what sampling gives
        assert last.min() <= first.min()
    else:
        assert last.min() < first.min() or first.min() == 0
        assert last.mean() < first.mean()
    again, measured = make_arrays(name, kind)
    restored = again.restored(again.arrays(states[19]))
    assert content(again, generations(again, measured, 20, restored)[-1]) == content(algorithm, states[-1])


@by_arrays
@pytest.mark.parametrize("name", [*ARRAY_ALGORITHMS, "islands"])
def test_arrays_without_any_score_go_on(name, kind):
    algorithm, measured = make_arrays(name, kind)

    def failing(offspring):
        told = measured(offspring)
        told.objectives[:, 0] = np.inf
        told.cases[:] = np.inf
        return told

    assert algorithm.asks(generations(algorithm, failing, 4)[-1]) > 0
