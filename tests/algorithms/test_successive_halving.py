"""Successive halving: who is judged on how many rows, how populations shrink, and that there is always a model."""

import json
import math

from contracts.fake_space import DigitSpace

from evoml.algorithms import SuccessiveHalving
from evoml.core import Evaluation, Outcome, Status

RUNGS, FOLDS = 2, 3


def made(seed=1, size=16):
    algorithm = SuccessiveHalving(DigitSpace(8), seed, size, generations=2)
    algorithm.rungs, algorithm.folds = RUNGS, FOLDS
    return algorithm


def told(candidate):
    """Evaluate as a race does: on each rung the score is the sum of a part of the digits, and bars are looked at."""
    digits = [int(digit) for digit in candidate.genome]
    rungs = []
    for number, bar in zip(range(RUNGS), candidate.bars, strict=False):
        rungs.append(float(sum(digits[: 2 * (number + 1)])))
        if rungs[-1] < bar:
            return Outcome(candidate, Evaluation(Status.PRUNED, rungs=tuple(rungs)))
    scores = (float(sum(digits)), -float(len(set(digits))))
    return Outcome(candidate, Evaluation(Status.OK, {"score": scores[:1] * FOLDS}, rungs=tuple(rungs)), scores)


def run(algorithm, evaluations, state=None):
    state, states, outcomes = algorithm.start() if state is None else state, [], []
    while len(outcomes) < evaluations:
        state, candidates = algorithm.ask(state, 3)
        outcomes += [told(candidate) for candidate in candidates]
        state = algorithm.tell(state, outcomes[len(outcomes) - len(candidates) :])
        states.append((state, len(outcomes)))
    return states, outcomes


def stages(outcomes):
    return [RUNGS if not one.candidate.bars else one.candidate.bars.index(math.inf)
            if math.inf in one.candidate.bars else "whole" for one in outcomes]  # fmt: skip


def test_populations_shrink_as_rows_grow():
    _, outcomes = run(made(), 150)
    # 16 sampled, 16 bred; 8 promoted, 8 bred; 4 promoted, then 4 a generation to the end
    found = stages(outcomes)
    assert found[:4] == ["whole"] * 4
    assert found[4:32] == [0] * 28
    assert found[32:48] == [1] * 16
    assert found[48:] == [2] * (len(found) - 48)
    promoted = [one.candidate.id for one in outcomes if one.candidate.operator == "promoted"]
    assert promoted == [*range(32, 40), *range(48, 52)]


def test_those_that_go_on_are_the_better_ones_of_their_rung():
    _, outcomes = run(made(), 100)
    judged = {one.candidate.id: one.evaluation.rungs for one in outcomes}
    first = [rungs[0] for index, rungs in judged.items() if index < 32]
    promoted = [one.candidate for one in outcomes if one.candidate.operator == "promoted"]
    on_first = [judged[one.parents[0]][0] for one in promoted[:8]]
    assert max(on_first) == max(first)
    assert sum(on_first) / 8 > sum(first) / 32
    for one in promoted:
        assert one.genome == outcomes[one.parents[0]].candidate.genome


def test_there_is_a_model_from_the_start():
    _, outcomes = run(made(), 16)
    assert sum(one.ok for one in outcomes) == 4
    assert all(len(one.candidate.bars) == RUNGS + FOLDS - 1 for one in outcomes if one.ok)


def test_the_same_genome_on_other_rows_is_another_evaluation():
    _, outcomes = run(made(), 120)
    low = {one.candidate.key for one in outcomes if one.status is Status.PRUNED}
    assert all(key.rpartition("@")[2] in ("0", "1") for key in low)
    assert not low & {one.candidate.key for one in outcomes if one.ok}


def test_a_restored_run_is_the_same_run_at_any_stage():
    states, outcomes = run(made(), 120)
    for state, n in states[2::5]:
        again = made()
        candidates = {one.candidate.id: one.candidate for one in outcomes[:n]}
        restored = again.restore(json.loads(json.dumps(state.record())), candidates, outcomes[:n])
        assert restored == state
        assert [one.candidate for one in run(again, len(outcomes) - n, restored)[1]] == [
            one.candidate for one in outcomes[n:]
        ]


def test_rivals_are_never_those_that_were_stopped():
    algorithm = made()
    for state, _ in run(algorithm, 120)[0]:
        assert all(one.ok for one in algorithm.rivals(state))


def test_it_gets_better_on_all_rows():
    _, outcomes = run(made(), 200)
    whole = [one.scores[0] for one in outcomes if one.ok]
    assert max(whole) > max(whole[:4])
