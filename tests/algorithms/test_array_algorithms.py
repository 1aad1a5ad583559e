"""What every algorithm over arrays must do, and what each of them is for."""

import numpy as np
import pytest
from contracts.array_space import LENGTH, DigitRows, Digits, measured

from evoml.algorithms.arrays import ARRAY_ALGORITHMS, ArrayNSGA2, Generational, Islands
from evoml.algorithms.schemes.nsga2 import graded
from evoml.core.batches import Offspring
from evoml.core.random import mixed, uniforms

SIZE = 40
MEANINGS_TWICE = ("regularised", "map_elites")  # their papers do not ask whether two are the same


def make(name, seed=1, **settings):
    if name == "islands":
        space = DigitRows()
        return Islands([ArrayNSGA2(space, seed, SIZE, island=number) for number in range(3)], every=3, migrants=2)
    return ARRAY_ALGORITHMS[name](DigitRows(), seed, SIZE, **settings)


def steps(algorithm, count, state=None, **how):
    """Return the states after each of ``count`` generations."""
    state, found = algorithm.start() if state is None else state, []
    for _ in range(count):
        offspring = algorithm.ask(state)
        state = algorithm.tell(state, offspring, measured(offspring, **how))
        found.append(state)
    return found


def content(algorithm, state):
    return {name: array.tobytes() for name, array in algorithm.arrays(state).items()}


def populations(state):
    return getattr(state, "islands", (state,))


def best(state):
    return min(one.members.objectives[:, 0].min() for one in populations(state))


every_algorithm = pytest.mark.parametrize("name", [*ARRAY_ALGORITHMS, "islands"])


@every_algorithm
def test_it_finds_what_is_wanted(name):
    first, *_, last = steps(make(name), 60)
    assert best(last) <= 2
    assert best(last) < best(first)


@every_algorithm
def test_the_seed_decides_everything(name):
    first, again, other = (content(make(name, seed), steps(make(name, seed), 5)[-1]) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@every_algorithm
def test_asking_and_telling_leave_the_old_state_unchanged(name):
    algorithm = make(name)
    for state in steps(algorithm, 4):
        before = content(algorithm, state)
        offspring = algorithm.ask(state)
        algorithm.tell(state, offspring, measured(offspring))
        assert content(algorithm, state) == before


@every_algorithm
def test_a_restored_state_goes_on_as_if_never_stopped(name):
    whole = steps(make(name), 9)
    for cut in (0, 1, 4):
        algorithm = make(name)
        state = algorithm.start() if cut == 0 else whole[cut - 1]
        restored = algorithm.restored(algorithm.arrays(state))
        assert content(algorithm, steps(algorithm, 9 - cut, restored)[-1]) == content(algorithm, whole[-1])


@every_algorithm
def test_no_meaning_is_there_twice_and_the_population_keeps_its_size(name):
    for state in steps(make(name), 8):
        for one in populations(state):
            if name not in MEANINGS_TWICE:
                assert len(set(one.members.meanings.tolist())) == len(one)
            assert (3 if name == "map_elites" else SIZE / 2) <= len(one) <= SIZE


@every_algorithm
def test_what_fails_does_not_survive(name):
    for state in steps(make(name), 6, failing=True):
        assert all(np.isfinite(one.members.objectives).all() for one in populations(state))


@every_algorithm
def test_where_everything_fails_the_run_goes_on(name):
    algorithm = make(name)
    state = algorithm.start()
    for _ in range(4):
        offspring = algorithm.ask(state)
        told = measured(offspring)
        told.objectives[:, 0] = np.inf
        state = algorithm.tell(state, offspring, told)
    assert len(algorithm.ask(state)) == algorithm.asks(state) > 0


@every_algorithm
def test_ages_count_generations_since_the_oldest_ancestor_was_sampled(name):
    for number, state in enumerate(steps(make(name), 10), start=1):
        for one in populations(state):
            assert one.ages.min() >= 1
            assert one.ages.max() <= number


def test_initial_genomes_are_the_first_of_the_first_generation_only():
    initial = Digits(np.full((3, LENGTH), 9))
    algorithm = ArrayNSGA2(DigitRows(), 1, SIZE, initial=initial)
    assert (algorithm.ask(algorithm.start()).genomes.rows[:3] == 9).all()
    assert not (ArrayNSGA2(DigitRows(), 1, SIZE).ask(algorithm.start()).genomes.rows[:3] == 9).all()


def test_a_population_without_progress_begins_anew():
    algorithm = make("nsga2", patience=3)
    states = steps(algorithm, 40)
    anew = [at for at, state in enumerate(states) if not len(state)]
    assert anew
    assert [state.beginnings for state in states] == np.cumsum([not len(state) for state in states]).tolist()
    waits = np.diff([0, *anew])
    assert waits.min() >= 3
    after = steps(algorithm, 1, states[anew[0]])[0]
    assert set(after.ages) == {1}
    assert not any(len(state) == 0 for state in steps(make("nsga2"), 40))
    whole, cut = content(algorithm, states[-1]), anew[0] + 1
    restored = algorithm.restored(algorithm.arrays(states[cut - 1]))
    assert content(algorithm, steps(algorithm, 40 - cut, restored)[-1]) == whole


def test_islands_that_begin_anew_take_no_migrants():
    space = DigitRows()
    algorithm = Islands([ArrayNSGA2(space, 1, SIZE, island=number, patience=2) for number in range(2)], every=1)
    for state in steps(algorithm, 30):
        for island in state.islands:
            assert len(island) == 0 or len(island) > SIZE / 2


def test_age_fitness_keeps_newcomers_that_nobody_as_young_surpasses():
    last = steps(make("age_fitness"), 30)[-1]
    assert last.ages.min() <= 3
    assert last.ages.max() == 30


def test_nsga2_keeps_the_front():
    last = steps(make("nsga2"), 40)[-1]
    errors, kinds = last.members.objectives.T
    for count in range(1, 4):  # the best there is with so many different digits is nine nines but for the others
        assert errors[kinds == count].min() <= count * (count - 1)


def test_generational_replaces_parents_but_for_elites():
    algorithm = make("generational", elites=2)
    state = steps(algorithm, 5)[-1]
    offspring = algorithm.ask(state)
    after = algorithm.tell(state, offspring, measured(offspring))
    assert best(after) <= best(state)
    kept = set(map(tuple, state.members.genomes.rows.tolist())) & set(map(tuple, after.members.genomes.rows.tolist()))
    born = set(map(tuple, offspring.genomes.rows.tolist()))
    new = set(measured(offspring).meanings.tolist()) - set(state.members.meanings.tolist())
    assert len(kept - born) <= max(2, SIZE - len(new))


def test_parsimony_buys_simplicity():
    def kinds(parsimony):
        last = steps(Generational(DigitRows(), 1, SIZE, parsimony=parsimony), 30)[-1]
        return last.members.objectives[:, 1].mean()

    assert kinds(20.0) < kinds(0.0)


def test_tournaments_prefer_the_better_by_as_much_as_they_should():
    algorithm = make("nsga2", tournament_size=4)
    state = steps(algorithm, 1)[-1]
    winners = algorithm._parents(state, mixed(3, np.arange(20_000))).ravel()
    share = 1 - (1 - np.arange(1, len(state) + 1) / len(state)) ** 4  # of tournaments won by one of the first k
    assert np.abs(np.cumsum(np.bincount(winners, minlength=len(state))) / len(winners) - share).max() < 0.01


def test_migrants_are_copies_of_the_best_of_the_island_before():
    algorithm = make("islands")
    two, three = steps(algorithm, 3)[1:]
    offspring = algorithm.ask(two)
    alone = Islands(algorithm.algorithms, every=100).tell(two, offspring, measured(offspring))
    for number, island in enumerate(three.islands):
        arrived = set(alone.islands[number - 1].members.meanings[:2].tolist())
        assert arrived & set(island.members.meanings.tolist())
        assert len(island) <= SIZE


def test_errors_are_graded_by_shares_of_themselves():
    steps_apart = graded(np.array([1e-10, 1.0, 1.0004, 1.01, np.inf, 0.0, 1e-25]), 1e-3)
    assert steps_apart[1] == steps_apart[2] < steps_apart[3] < np.inf
    assert steps_apart[0] < steps_apart[1]
    assert steps_apart[4] == np.inf
    assert steps_apart[5] == steps_apart[6] < steps_apart[0]  # both are exact


def test_keys_are_those_of_the_kernels():
    from evoml.kernels.random import mix, uniform

    keys = mixed(mixed(0, 7), np.arange(50))
    assert [int(key) for key in keys] == [int(mix(mix(np.uint64(0), 7), number)) for number in range(50)]
    assert uniforms(keys).tolist() == [uniform(key) for key in keys]


def test_offspring_know_their_number():
    assert len(Offspring(None, np.zeros(5, np.uint64), np.zeros(5, np.int32))) == 5
