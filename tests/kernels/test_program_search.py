"""Regularised evolution of programs in one call: it learns, goes on to the same bits, and its cache changes little."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from kernels.program_cases import DEMO, examples, fitness_of, language_of, tasks_of

from evoml.genomes.program import Programs
from evoml.genomes.program.text import read
from evoml.kernels.program_run import make_rules
from evoml.kernels.program_search import (
    BORN,
    DEAR,
    EQUAL,
    HURDLED,
    REPEATED,
    RUN,
    evolve,
    make_settings,
    make_state,
    migrate,
)
from evoml.kernels.program_tasks import make_tasks

WEIGHTS = (1, 1, 1, 0, 0, 0, 0)
LANGUAGE = language_of(DEMO, (4, 3, 0), (5, 1, 4), (5, 1, 4), (5, 1, 4), WEIGHTS)
RULES = make_rules(trial_train=5, trial_valid=5)


def tasks_of_test(seed=0, **sizes):
    return tasks_of(np.random.default_rng(seed), **{"n_tasks": 4, "n": 20, **sizes})


def state_of(seed=1, population=50, births=0, tasks=None, language=LANGUAGE, room=5, cache=1 << 10, **settings):
    state = make_state(population, room, seed, cache)
    if births:
        evolve(state, births, language, tasks_of_test() if tasks is None else tasks, RULES, make_settings(**settings))
    return state


def programs_in(state):
    return Programs(state.instructions, state.literals, state.lengths)


def assert_same(state, other):
    for name, a, b in zip(state._fields, state, other, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


def test_a_search_in_pieces_equals_a_whole_one():
    tasks = tasks_of_test()
    whole, pieces = state_of(births=2000, tasks=tasks), state_of()
    for births in (1, 49, 50, 777, 1123):
        evolve(pieces, births, LANGUAGE, tasks, RULES, make_settings())
        pieces = pieces._replace(**{name: array.copy() for name, array in pieces._asdict().items()})
    assert_same(whole, pieces)


def test_searches_side_by_side_equal_searches_one_after_another():
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda seed: state_of(seed, births=1500), range(6)))
    for seed, state in enumerate(together):
        assert_same(state, state_of(seed, births=1500))
    assert not np.array_equal(together[0].fitness, together[1].fitness)


def test_what_a_state_says_of_its_programs_is_so():
    tasks, state = tasks_of_test(), state_of(births=3000, equals=False)
    fitness, _ = fitness_of(programs_in(state), LANGUAGE, tasks, RULES)
    np.testing.assert_allclose(state.fitness, fitness.mean(axis=1), rtol=1e-14)
    assert sorted(state.births) == list(range(2950, 3000))
    np.testing.assert_array_equal(state.births % 50, np.arange(50))
    best = Programs(*(array[None] for array in (state.best_instructions, state.best_literals, state.best_lengths)))
    assert fitness_of(best, LANGUAGE, tasks, RULES)[0].mean() == pytest.approx(state.best_fitness[0])
    assert state.best_fitness[0] >= state.fitness.max()


def test_remembering_programs_changes_nothing_but_the_time():
    plain, remembering = state_of(births=3000, repeats=False, equals=False), state_of(births=3000, equals=False)
    for name in ("instructions", "literals", "fitness", "births", "best_fitness"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(remembering, name))
    assert plain.counts[RUN] == 3000
    assert remembering.counts[REPEATED] + remembering.counts[RUN] == 3000
    assert remembering.counts[RUN] < 2400


def test_programs_of_equal_errors_are_run_once():
    state = state_of(births=3000)
    assert state.counts[[REPEATED, EQUAL, RUN]].sum() == state.counts[BORN] == 3000
    assert state.counts[EQUAL] > 100
    assert state.counts[RUN] < 0.8 * state_of(births=3000, equals=False).counts[RUN]


def test_a_small_cache_forgets_what_was_not_asked_for_longest():
    large, small = state_of(births=3000), state_of(births=3000, cache=16)
    assert large.counts[RUN] < small.counts[RUN] < 3000
    assert np.count_nonzero(small.cache_keys) == 16


def test_evolution_rediscovers_linear_regression_and_random_search_does_not():
    """Programs learn the weights of tasks that they have never seen."""
    parts = examples(np.random.default_rng(0), n_tasks=8, n=60)
    tasks = make_tasks(*parts)
    unseen = tasks_of(np.random.default_rng(99), n_tasks=20, n=300)
    found = []
    for tournament in (10, 0):
        states = [make_state(300, 5, seed, 1 << 14) for seed in range(4)]
        for state in states:
            evolve(state, 100_000, LANGUAGE, tasks, make_rules(), make_settings(tournament), enough=0.99)
        best = max(states, key=lambda state: state.best_fitness[0])
        best = Programs(*(array[None] for array in (best.best_instructions, best.best_literals, best.best_lengths)))
        found.append(fitness_of(best, LANGUAGE, unseen)[0].mean())
    assert found[0] > 0.99 > 0.7 > found[1]


def test_a_search_ends_when_it_is_good_enough():
    state = make_state(50, 5, 1, 1 << 10)
    evolve(state, 3000, LANGUAGE, tasks_of_test(), RULES, make_settings(), enough=0.3)
    assert state.counts[BORN] < 3000
    assert state.best_fitness[0] >= 0.3 > np.delete(state.fitness, (state.counts[BORN] - 1) % 50).max()


def test_programs_dearer_than_the_budget_are_not_run():
    state = state_of(births=2000, repeats=False, equals=False, budget=300.0)
    assert 0 < state.counts[DEAR] < 2000
    assert state.counts[DEAR] + state.counts[RUN] == 2000
    assert state_of(births=50, budget=-1.0).fitness.max() == 0


def test_the_cost_of_a_program_counts_what_is_live():
    text = """
def setup():
    s2 = 0.1
    m0 = m0 + m0

def predict():
    v2 = dot(m0, v1)
    s1 = dot(v2, v0)
    s3 = exp(s1)

def learn():
    v1 = v1 + v1
    v2 = v1 + v1
"""
    cost = 3 * 16 + 20 * ((16 + 4 + 16) + (4 + 4 + 1) + (4 + 4 + 4))
    arrays, language = Programs.of([read(text)], 5), language_of(DEMO, (4, 3, 1), probability=0.0)
    for budget, what in ((cost, RUN), (cost - 1, DEAR)):
        state = state_of()
        state.instructions[:], state.literals[:], state.lengths[:] = vars(arrays).values()
        state.counts[BORN] = 50
        evolve(state, 1, language, tasks_of_test(), RULES, make_settings(budget=float(budget)))
        assert state.counts[what] == 1


def test_programs_that_do_not_take_the_hurdle_run_on_the_first_tasks_only():
    tasks = tasks_of_test(n_tasks=8, block=4)
    settings = {"repeats": False, "equals": False}
    plain = state_of(births=2000, tasks=tasks, **settings)
    hurdled = state_of(births=2000, tasks=tasks, hurdle=0.5, hurdle_every=100, **settings)
    assert plain.counts[RUN] == 4000
    assert hurdled.counts[RUN] == 4000 - hurdled.counts[HURDLED]
    assert hurdled.counts[HURDLED] > 300
    assert 0 < hurdled.hurdle[0] < 1
    fitness, _ = fitness_of(programs_in(hurdled), LANGUAGE, tasks, RULES)
    of_first, of_all = fitness[:, :4].mean(axis=1), fitness.mean(axis=1)
    assert np.all(np.isclose(hurdled.fitness, of_first, rtol=1e-14) | np.isclose(hurdled.fitness, of_all, rtol=1e-14))
    assert not np.allclose(hurdled.fitness, of_all)


def test_the_hurdle_is_looked_up_though_migrants_jump_over_the_birth_at_which_it_was_due():
    tasks, ways = tasks_of_test(n_tasks=8, block=4), {"hurdle": 0.5, "hurdle_every": 100}
    states = [state_of(seed, births=195, tasks=tasks, **ways) for seed in range(2)]
    migrate(states, 10)
    for state in states:
        state.hurdle[0] = -1.0
        evolve(state, 1, LANGUAGE, tasks, RULES, make_settings(**ways))
        assert state.hurdle.tolist() == [pytest.approx(np.sort(state.fitness)[25], abs=0.1), 2.0]


def test_the_fittest_migrate_into_the_places_of_the_oldest():
    states = [state_of(seed, births=1000 + 7 * seed) for seed in range(3)]
    before = [programs_in(state).take(np.arange(50)) for state in states]
    fittest = [np.argsort(-state.fitness, kind="stable")[:4] for state in states]
    fitness = [state.fitness.copy() for state in states]
    migrate(states, 4)
    for i, state in enumerate(states):
        places = (1000 + 7 * i + np.arange(4)) % 50
        assert [programs_in(state)[k] for k in places] == list(before[i - 1].take(fittest[i - 1]))
        np.testing.assert_array_equal(state.fitness[places], fitness[i - 1][fittest[i - 1]])
        others = np.setdiff1d(np.arange(50), places)
        assert list(programs_in(state).take(others)) == list(before[i].take(others))
        assert state.counts[BORN] == 1004 + 7 * i
        assert sorted(state.births) == list(range(954 + 7 * i, 1004 + 7 * i))
