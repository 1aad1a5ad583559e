"""Options: defaults, a file below the command line, and what is refused."""

from __future__ import annotations

import pytest

from evoml.cli.options import DEFAULT_SECONDS, FitOptions, from_file, usable_jobs
from evoml.core import EvomlError

GIVEN = FitOptions(table="t.csv", target="y")


def test_a_run_is_bounded_by_default():
    assert GIVEN.complete().seconds == DEFAULT_SECONDS
    assert FitOptions(evaluations=3).over(GIVEN).complete().seconds is None
    assert FitOptions(cpu_seconds=3).over(GIVEN).complete().seconds is None


def test_a_seed_is_chosen_if_none_is_given():
    assert GIVEN.complete().seed != GIVEN.complete().seed
    assert FitOptions(seed=0).over(GIVEN).complete().seed == 0


def test_shipped_tables_know_their_target():
    assert FitOptions(table="sklearn:iris").complete().target == "target"


def test_the_command_line_wins_over_the_file(here):
    (here / "f.toml").write_text('target = "z"\nseconds = 5\nsearch-space = "s.toml"\n')
    options = GIVEN.over(from_file("f.toml"))
    assert (options.target, options.seconds, options.search_space) == ("y", 5, "s.toml")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("secnds = 5", "f.toml: 'secnds' is not an option; did you mean 'seconds'?"),
        ("seconds = 'x'", "f.toml: seconds must be a number, got 'x'"),
        ("jobs = 1.5", "f.toml: jobs must be a whole number, got 1.5"),
        ("seed = true", "f.toml: seed must be a whole number, got True"),
        ("seconds =", "f.toml is not valid TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named(here, content, expected):
    (here / "f.toml").write_text(content)
    with pytest.raises(EvomlError) as caught:
        from_file("f.toml")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (FitOptions(), "no table was given"),
        (FitOptions(table="t.csv"), "no target was given"),
        (FitOptions(cpu_seconds=-1).over(GIVEN), "the number of --cpu-seconds must be greater than zero, got -1"),
        (FitOptions(seconds=0).over(GIVEN), "the number of --seconds must be greater than zero, got 0"),
        (FitOptions(seconds=float("nan")).over(GIVEN), "must be a positive number"),
        (FitOptions(evaluations=-1).over(GIVEN), "the number of --evaluations must be greater than zero, got -1"),
        (FitOptions(jobs=0).over(GIVEN), "--jobs must not be 0"),
        (FitOptions(seed=-1).over(GIVEN), "--seed must be from 0"),
        (FitOptions(holdout=1.0).over(GIVEN), "--holdout must be a share between 0 and 1"),
        (FitOptions(ensemble_size=0).over(GIVEN), "the number of --ensemble-size must be greater than zero"),
        (FitOptions(max_model_mb=-2.0).over(GIVEN), "the number of --max-model-mb must be greater than zero"),
        (FitOptions(task="regresion").over(GIVEN), "did you mean 'regression'?"),
        (FitOptions(group="y").over(GIVEN), "must name different columns"),
    ],
)
def test_values_that_cannot_be_used_are_refused(options, expected):
    with pytest.raises(EvomlError) as caught:
        options.complete()
    assert expected in str(caught.value)


def test_jobs_count_back_from_all_processors():
    assert usable_jobs(3) == 3
    assert usable_jobs(-1) >= 1
    assert usable_jobs(-1000) == 1
