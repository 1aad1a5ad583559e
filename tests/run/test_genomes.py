"""Searches of genomes of the user's own."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from killed import Killed

from evoml.core import Budget, JournalError, SearchSpaceError, SettingError
from evoml.genomes import FunctionSpace
from evoml.journal import Journal
from evoml.report import leaderboard, plot
from evoml.run import GenomeSearch, search_genomes


def flip(bits, rng):
    at = rng.integers(len(bits))
    return (*bits[:at], 1 - bits[at], *bits[at + 1 :])


def cross(first, second, rng):
    at = rng.integers(len(first))
    return (*first[:at], *second[at:])


SPACE = FunctionSpace(
    random=lambda rng: tuple(rng.integers(2, size=16).tolist()), variations={"flip": flip, "cross": cross}
)


def found(**changes):
    settings = {"space": SPACE, "fitness": sum, "budget": Budget(evaluations=300), "population_size": 20}
    return search_genomes(GenomeSearch(**{**settings, **changes}))


@pytest.mark.parametrize("algorithm", ["regularised", "nsga2", "random", "islands"])
def test_ones_are_found(algorithm):
    result = found(algorithm=algorithm)
    assert result.finished.progress.evaluations == 300
    assert result.best.scores == (float(sum(result.genome)),)
    assert sum(result.genome) == 16 or algorithm == "random"


def test_any_number_of_workers_gives_the_same():
    alone = found(budget=Budget(generations=8), algorithm="nsga2").individuals
    with ThreadPoolExecutor(3) as pool:
        together = found(budget=Budget(generations=8), algorithm="nsga2", pool=pool, n_workers=3).individuals
    assert together["text"].to_list() == alone["text"].to_list()
    assert together["scores"].to_list() == alone["scores"].to_list()


def test_a_front_of_several_objectives():
    def ends(bits):
        return {"left": sum(bits[:8]), "right": 8 - sum(bits[4:])}

    result = found(fitness=ends, objectives=("left", "right"), algorithm="nsga2", budget=Budget(evaluations=600))
    assert {outcome.scores for outcome in result.front} >= {(8.0, 4.0), (4.0, 8.0)}


def test_failures_are_recorded_and_the_run_goes_on():
    def odd(bits):
        if bits[0]:
            raise RuntimeError("not this one")
        return sum(bits)

    result = found(fitness=odd)
    assert sum(result.genome) == 15
    errors = result.individuals["error"].to_list()
    assert "RuntimeError: not this one" in errors


def test_tables_and_pictures_are_made_from_the_record():
    result = found()
    assert leaderboard(result.journal)["score"].iloc[0] == 16
    assert result.journal.settings["kind"] == "genomes"
    assert result.lineage.number_of_nodes() == len(result.individuals)
    for what in ("score", "lineage", "operators"):
        assert plot(result.journal, what).axes


def test_a_run_that_was_killed_goes_on_to_the_same(tmp_path):
    def killing(progress, outcome):
        if outcome.candidate.id == 150:
            raise Killed

    journal = tmp_path / "run.sqlite"
    with pytest.raises(Killed):
        found(journal=journal, callbacks=[killing])
    resumed, whole = found(journal=journal, resume=True), found()
    assert resumed.individuals["text"].to_list() == whole.individuals["text"].to_list()
    assert resumed.best.scores == whole.best.scores
    with Journal.read(journal) as recorded:
        assert recorded.get("summary")["evaluations"] == 300


def test_another_run_is_not_resumed(tmp_path):
    journal = tmp_path / "run.sqlite"
    found(journal=journal)
    with pytest.raises(JournalError, match="seed was 0, is 1"):
        found(journal=journal, resume=True, seed=1)


def test_mistakes_are_told_before_any_work():
    with pytest.raises(SettingError, match="did you mean 'regularised'"):
        found(algorithm="regularized")
    words = FunctionSpace(random=lambda rng: "abc", variations={"flip": flip}, parse=lambda text: text[:1])
    with pytest.raises(SearchSpaceError, match="read back from its text"):
        found(space=words)
