"""Reports say what results show, and above all what they cannot show."""

from __future__ import annotations

import math

import numpy as np
import pytest
from walks import CONFIG

from evoml.core.errors import SettingError
from evoml.experiment import read_config, write_experiment_report
from evoml.experiment.cells import cells_of
from evoml.experiment.results import Results, Row
from evoml.experiment.trace import hashed

pytest.importorskip("scikit_posthocs")


@pytest.fixture
def report(experiment_folder):
    """Make up results and report them: ``report(seeds, gap)`` returns the text and the folder of the results."""

    def make(seeds: int, gap: float, config: str = CONFIG, missing: int = 0, lost=None, versions=None):
        folder = experiment_folder(config.replace("seeds = 6", f"seeds = {seeds}"))
        experiment = read_config(folder)
        cells = cells_of(experiment, folder)
        rng = np.random.default_rng(0)
        rows = []
        for cell in cells[: len(cells) - missing]:
            best = float(rng.normal() + gap * cell.settings["gain"])
            curve = [(1.0, 0.1, best - 1), (5.0, 0.5, best), (10.0, 1.0, best)]
            best = (lost or {}).get(cell.id, best)
            more = {
                "evaluations": 10,
                "seconds": 1.0,
                "cpu_seconds": 1.0,
                "versions": {"numpy": "2", **(versions or {})},
            }
            row = Row.of(cell, "finished", measures={"best": best}, curve=curve, trace=hashed([("a", best)]), **more)
            rows.append(row)
        Results(rows).write(folder / "results", cells)
        written = write_experiment_report(folder)
        return written.path.read_text(), written.path.parent

    return make


def test_too_few_seeds_are_said_first_and_nothing_is_concluded(report):
    text, _ = report(seeds=4, gap=50.0)
    assert "> **Too few seeds to conclude anything: with 4 seeds and 1 comparison" in text
    assert "p = 0.12 after Holm's correction, which is not below 0.05. At least 6 seeds are needed.**" in text
    assert "So few blocks cannot show any difference." in text
    assert "significantly" not in text.lower()
    assert "| too few seeds |" in text


def test_clear_differences_are_told_with_test_effect_and_ranks(report):
    text, folder = report(seeds=10, gap=50.0)
    assert "- 1.0 is significantly worse on 1 of 1 problem (flat) than 1.5." in text
    assert "| flat | 1.0 | 1.5 | 10 |" in text
    assert "Average ranks in 10 blocks, on this problem: 1.5 1.00, 1.0 2.00" in text
    assert "![" in text
    for name in ("scores.svg", "critical_difference_runs.svg", "anytime.svg", "report.html", "results.csv"):
        assert (folder / name).stat().st_size > 100
        assert name == "report.html" or name == "results.csv" or f"({name})" in text


def test_no_difference_is_not_called_one_and_the_power_is_told(report):
    text, _ = report(seeds=10, gap=0.0)
    assert "1.0 and 1.5: no significant difference on any of 1 problem." in text
    assert "10 seeds find, in 8 of 10 cases, differences from about A = 0.86 on" in text


def test_less_may_be_better(report):
    text, _ = report(
        seeds=10, gap=50.0, config=CONFIG.replace('measure = "best"', 'measure = "best"\ndirection = "minimise"')
    )
    assert "- 1.0 is significantly better on 1 of 1 problem (flat) than 1.5." in text
    assert "The measure is `best`, and less is better" in text


def test_problems_as_blocks_are_told_apart_from_runs_and_unattainable_ones_are_called_so(report):
    config = CONFIG + "[problems.steep]\nsteep = 1\n"
    text, _ = report(seeds=10, gap=50.0, config=config)
    assert "Average ranks in 20 blocks, on these problems: 1.5 1.00, 1.0 2.00" in text
    assert "Average ranks in 2 blocks, for problems like these" in text
    assert "So few blocks cannot show any difference." in text


def test_successes_and_missing_cells_are_counted(report):
    text, _ = report(
        seeds=8, gap=50.0, missing=3, config=CONFIG.replace('measure = "best"', 'measure = "best"\nsuccess = 60')
    )
    assert "> **3 of 16 cells are not finished: what follows is about the others.**" in text
    assert "| flat | 60 | 1.0 | 0 of 7: 0.00" in text
    assert "| flat | 60 | 1.5 | 6 of 6: 1.00 [0.61, 1.00] | 1 |" in text


def test_a_success_is_a_great_score_on_the_way_also_where_the_measure_is_minimised(report):
    config = CONFIG.replace('measure = "best"', 'measure = "best"\ndirection = "minimise"\nsuccess = 60')
    text, _ = report(seeds=8, gap=50.0, config=config)
    assert "| flat | 60 | 1.0 | 0 of 8: 0.00" in text
    assert "| flat | 60 | 1.5 | 8 of 8: 1.00" in text


def test_what_has_failed_everywhere_is_not_called_better(report):
    text, _ = report(
        seeds=10, gap=50.0, lost={f"flat-{gain}-{seed}": -math.inf for gain in (1.0, 1.5) for seed in range(10)}
    )
    assert "1.0 and 1.5: no significant difference on any of 1 problem." in text


def test_only_runs_of_tables_share_a_table(report, experiment_folder):
    assert "Runs of one problem and seed are pairs. A is" in report(seeds=6, gap=1.0)[0]
    text, _ = report(seeds=6, gap=1.0, config=CONFIG.replace("steep = 0", 'generator = "make_moons"'))
    assert "are pairs: they share the table and its split. A is" in text


def test_results_of_another_runner_are_told_and_versions_are_those_of_libraries(report):
    others = {"file runner.py": "0", "evoml sources": "0"}
    text, _ = report(seeds=6, gap=1.0, versions=others)
    assert (
        "> **12 finished cells were run with another runner.py: to run them again, delete their lines in results.csv.**"
        in text
    )
    assert "Run with numpy 2." in text


def test_a_report_names_what_verifies_it(report):
    assert "`evoml experiment verify walks` runs all cells again" in report(seeds=6, gap=1.0)[0]


def test_where_all_cells_failed_the_report_says_why(experiment_folder):
    folder = experiment_folder()
    cells = cells_of(read_config(folder), folder)
    Results([Row.of(cell, "failed", error="RuntimeError: no luck") for cell in cells]).write(folder / "results", cells)
    with pytest.raises(
        SettingError, match=r"12 cells of walks failed, and none is finished: flat-1.0-0: RuntimeError: no luck"
    ):
        write_experiment_report(folder)


def test_equal_results_give_equal_reports(report):
    _, folder = report(seeds=6, gap=1.0)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    _, folder = report(seeds=6, gap=1.0)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_a_measure_that_is_no_number_is_told_and_left_out(report):
    text, _ = report(seeds=8, gap=50.0, lost={"flat-1.0-2": math.nan})
    assert "> **1 cell gave no number as best, left out here: flat-1.0-2**" in text
    assert "| flat | 1.0 | 1.5 | 7 |" in text
