"""What every algorithm must do, whoever wrote it: subclass ``AlgorithmContract`` and say how yours is made."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest
from contracts.fake_space import DigitSpace, told

from evoml.core import Candidate, Evaluation, Outcome, Status

POPULATION = 8


class AlgorithmContract:
    """Override ``make``: return a new algorithm for ``space`` and ``seed``, with a population of ``population_size``.

    ``distinct`` is the share of candidates, at least, that were not asked before.
    """

    distinct = 0.95

    def make(self, space: Any, seed: int, population_size: int) -> Any:
        raise NotImplementedError

    @pytest.fixture
    def algorithm(self) -> Any:
        return self.make(DigitSpace(), 1, POPULATION)

    def run(
        self,
        algorithm: Any,
        steps: int,
        batch: int = 3,
        outcome: Callable[[Candidate], Outcome] = told,
        state: Any = None,
    ) -> Iterator[tuple[Any, list[Candidate], list[Outcome]]]:
        """Ask ``batch`` and tell them, ``steps`` times; yield the state, and what was asked and told."""
        state = algorithm.start() if state is None else state
        for _ in range(steps):
            state, candidates = algorithm.ask(state, batch)
            outcomes = [outcome(candidate) for candidate in candidates]
            state = algorithm.tell(state, outcomes)
            yield state, candidates, outcomes

    def after(self, algorithm: Any, steps: int, **rest: Any) -> Any:
        return [state for state, *_ in self.run(algorithm, steps, **rest)][-1]

    def asked(self, algorithm: Any, steps: int, **rest: Any) -> list[Candidate]:
        return [candidate for _, candidates, _ in self.run(algorithm, steps, **rest) for candidate in candidates]

    # -- asking -------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("n", [0, 1, 5, 1000])
    def test_ask_gives_at_most_n(self, algorithm, n):
        for state in (algorithm.start(), self.after(algorithm, 7)):
            assert len(algorithm.ask(state, n)[1]) <= n

    def test_something_is_asked_while_nothing_is_awaited(self, algorithm):
        for state, *_ in self.run(algorithm, 20):
            assert algorithm.ask(state, 1)[1]

    def test_ids_count_the_order_of_asking(self, algorithm):
        candidates = self.asked(algorithm, 20)
        assert [candidate.id for candidate in candidates] == list(range(len(candidates)))

    def test_candidates_say_where_they_come_from(self, algorithm):
        candidates = self.asked(algorithm, 20)
        for candidate in candidates:
            assert candidate.key == algorithm.space.key(candidate.genome)
            assert all(0 <= parent < candidate.id for parent in candidate.parents)
            assert bool(candidate.parents) == (candidate.operator != "initial") == bool(candidate.parent_scores)
            if candidate.parents:
                assert len(candidate.parents) == algorithm.space.operators[candidate.operator]
                assert candidate.parent_scores == told(candidates[candidate.parents[0]]).scores

    def test_generations_count_upwards(self, algorithm):
        generations = [candidate.generation for candidate in self.asked(algorithm, 20)]
        assert generations == sorted(generations)
        assert self.after(algorithm, 20).generation >= 60 // POPULATION - 1

    def test_no_genome_is_asked_twice_where_there_are_many(self, algorithm):
        candidates = self.asked(algorithm, 40)
        assert len({candidate.key for candidate in candidates}) >= self.distinct * len(candidates)

    def test_a_space_of_one_genome_does_no_harm(self):
        class One(DigitSpace):
            def sample(self, positions, streams):
                return ["555"] * len(positions)

            def vary(self, operators, parents, streams, trials=()):
                return ["555"] * len(operators)

        assert len(self.asked(self.make(One(), 1, POPULATION), 20)) > 5 * POPULATION

    # -- purity -------------------------------------------------------------------------------------------------------

    def test_states_are_frozen(self, algorithm):
        with pytest.raises(FrozenInstanceError):
            algorithm.start().next_id = 5

    def test_ask_and_tell_leave_the_old_state_unchanged(self, algorithm):
        state = algorithm.start()
        for _ in range(15):
            before = copy.deepcopy(state)
            asked, candidates = algorithm.ask(state, 3)
            assert state == before
            between = copy.deepcopy(asked)
            state = algorithm.tell(asked, [told(candidate) for candidate in candidates])
            assert asked == between

    def test_asking_twice_gives_the_same(self, algorithm):
        for state, *_ in self.run(algorithm, 15):
            assert algorithm.ask(state, 5) == algorithm.ask(state, 5)
            assert algorithm.ask(state, 5)[1][:2] == algorithm.ask(state, 2)[1]

    def test_asking_together_or_in_parts_is_the_same(self, algorithm):
        for state, *_ in self.run(algorithm, 15):
            whole, candidates = algorithm.ask(state, 4)
            part, first = algorithm.ask(state, 1)
            part, rest = algorithm.ask(part, 3)
            assert (part, [*first, *rest]) == (whole, candidates)

    def test_global_random_states_are_left_alone(self, algorithm):
        python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
        self.after(algorithm, 15)
        assert random.getstate() == python
        assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), numpy, strict=True))  # noqa: NPY002

    def test_the_seed_decides_everything(self):
        def keys(seed):
            return [candidate.key for candidate in self.asked(self.make(DigitSpace(), seed, POPULATION), 15)]

        assert keys(1) == keys(1)
        assert keys(1) != keys(2)

    @pytest.mark.parametrize("together", [1, 2, 3])
    def test_telling_together_or_one_by_one_is_the_same(self, algorithm, together):
        state, candidates = algorithm.ask(self.after(algorithm, 3), 6)
        outcomes = [told(candidate) for candidate in candidates]
        one_by_one = state
        for start in range(0, len(outcomes), together):
            one_by_one = algorithm.tell(one_by_one, outcomes[start : start + together])
        assert one_by_one == algorithm.tell(state, outcomes)
        assert algorithm.tell(state, []) == state

    # -- failure ------------------------------------------------------------------------------------------------------

    def test_the_run_goes_on_when_everything_fails(self, algorithm):
        candidates = self.asked(algorithm, 20, outcome=lambda candidate: told(candidate, fails=True))
        assert len({candidate.key for candidate in candidates}) == len(candidates) >= 5 * POPULATION // 2
        assert all(candidate.operator == "initial" for candidate in candidates)
        assert all(not candidate.parents for candidate in candidates)

    def test_what_failed_never_becomes_a_parent(self, algorithm):
        candidates = self.asked(algorithm, 30, outcome=lambda candidate: told(candidate, fails=candidate.id % 3 == 0))
        assert all(parent % 3 for candidate in candidates for parent in candidate.parents)

    # -- what operators may learn from ----------------------------------------------------------------------------------

    def test_operators_see_what_was_told_once_and_failures_as_the_worst(self):
        seen: list[Any] = []

        class Watched(DigitSpace):
            def vary(self, operators, parents, streams, trials=()):
                seen.append(trials)
                return super().vary(operators, parents, streams)

        def outcome(candidate: Candidate) -> Outcome:
            if candidate.id % 5 == 1:
                return replace(told(candidate), duplicate_of=0)
            if candidate.id % 5 == 2:
                return Outcome(candidate, Evaluation(Status.VETOED))
            return told(candidate, fails=candidate.id % 5 == 3)

        known: dict[str, float] = {}
        for _, _, outcomes in self.run(self.make(Watched(), 1, POPULATION), 30, outcome=outcome):
            for trials in seen:
                assert {trial.key: trial.score for trial in trials} == known
                assert all(trial.key == f"key of {trial.genome}" for trial in trials)
            seen.clear()
            counted = [one for one in outcomes if one.candidate.id % 5 not in (1, 2)]
            known |= {one.candidate.key: one.scores[0] if one.ok else -math.inf for one in counted}

    # -- racing -------------------------------------------------------------------------------------------------------

    def test_at_first_there_are_no_rivals(self, algorithm):
        assert list(algorithm.rivals(algorithm.start())) == []

    def test_rivals_are_what_was_told_and_scored(self, algorithm):
        known: dict[int, Outcome] = {}
        for state, _, outcomes in self.run(algorithm, 30, outcome=lambda one: told(one, fails=one.id % 3 == 0)):
            known |= {outcome.candidate.id: outcome for outcome in outcomes}
            rivals = algorithm.rivals(state)
            assert len({rival.candidate.id for rival in rivals}) == len(rivals) <= 2 * POPULATION
            assert all(rival.ok and rival is known[rival.candidate.id] for rival in rivals)

    def test_rivals_are_those_of_the_restored_state_too(self, algorithm):
        steps = list(self.run(algorithm, 10))
        candidates = {candidate.id: candidate for _, asked, _ in steps for candidate in asked}
        outcomes = [outcome for *_, answers in steps for outcome in answers]
        state, other = steps[-1][0], self.make(DigitSpace(), 1, POPULATION)
        assert list(other.rivals(other.restore(state.record(), candidates, outcomes))) == list(algorithm.rivals(state))

    # -- resuming -----------------------------------------------------------------------------------------------------

    def test_a_restored_state_is_the_state_and_goes_on_as_if_never_stopped(self):
        whole = list(self.run(self.make(DigitSpace(2), 1, POPULATION), 20))  # 100 genomes: duplicates matter
        candidates: dict[int, Candidate] = {}
        outcomes: list[Outcome] = []
        for cut, (state, asked, answers) in enumerate(whole, start=1):
            candidates |= {candidate.id: candidate for candidate in asked}
            outcomes += answers
            algorithm = self.make(DigitSpace(2), 1, POPULATION)
            restored = algorithm.restore(json.loads(json.dumps(state.record())), candidates, outcomes)
            assert restored == state
            rest = list(self.run(algorithm, 20 - cut, state=restored))
            assert rest == whole[cut:]

    def test_a_state_with_open_questions_is_restored_too(self, algorithm):
        steps = list(self.run(algorithm, 5))
        candidates = {candidate.id: candidate for _, asked, _ in steps for candidate in asked}
        outcomes = [outcome for *_, answers in steps for outcome in answers]
        state, open_ = algorithm.ask(steps[-1][0], 3)
        other = self.make(DigitSpace(), 1, POPULATION)
        restored = other.restore(state.record(), {**candidates, **{c.id: c for c in open_}}, outcomes)
        assert restored == state
        answers = [told(candidate) for candidate in open_]
        assert list(self.run(other, 5, state=other.tell(restored, answers))) == list(
            self.run(algorithm, 5, state=algorithm.tell(state, answers))
        )
