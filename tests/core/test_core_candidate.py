"""Candidates and outcomes are values: frozen, comparable, and clear about success."""

import dataclasses

import pytest

from evoml.core import Candidate, Evaluation, Outcome, Status


def test_only_ok_is_ok():
    for status in Status:
        outcome = Outcome(Candidate(0, "g", "k"), Evaluation(status))
        assert outcome.status is status
        assert outcome.ok is (status is Status.OK)


def test_values_are_frozen_and_compare_by_content():
    candidate = Candidate(0, "g", "k", (1,), "crossover")
    assert candidate == Candidate(0, "g", "k", (1,), "crossover")
    with pytest.raises(dataclasses.FrozenInstanceError):
        candidate.id = 1
