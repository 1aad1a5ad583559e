"""Mistakes in a config are told with file, line and key; what is right becomes variants, problems and cells."""

from __future__ import annotations

from pathlib import Path

import pytest
from walks import CONFIG

from evoml.experiment import ConfigError, read_config, run_experiment
from evoml.experiment.cells import cells_of, chosen, sample_of
from evoml.experiment.checking import check_settings
from evoml.experiment.names import known_names
from evoml.experiment.results import TABLE, Results
from evoml.experiment.toml_lines import line_of

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
KNOWN = known_names(EXPERIMENTS)
PIPELINES = """title = "Tables"
genome = "pipeline"
seeds = [3, 5]

[budget]
evaluations = 10

[factors]
algorithm = ["nsga2", "random"]

[problems.wine]
data = "sklearn:wine"
"""


def wrong(make, text: str) -> str:
    """Return the message for a config, without the path of its folder."""
    folder = make(text)
    with pytest.raises(ConfigError) as error:
        read_config(folder)
    return str(error.value).replace(f"{folder}/", "")


WINE = 'data = "sklearn:wine"'
MISTAKES = [  # what is in its place, what is put there, the beginning of the message
    ("seeds =", "seed =", "config.toml:3: seed: unknown key; did you mean 'seeds'?"),
    ("[3, 5]", "[3, 3]", "config.toml:3: seeds: must be a whole number from 1 on, or a list"),
    ('"pipeline"', '"pipelin"', "config.toml:2: genome: unknown genome 'pipelin'; did you mean 'pipeline'"),
    (
        "evaluations = 10",
        "evaluation = 10",
        "config.toml:6: budget.evaluation: unknown key; did you mean 'evaluations'",
    ),
    ("= 10", "= -1", "config.toml:6: budget.evaluations: must be a number above 0, got -1"),
    ("= 10", "= { wine = 0 }", "config.toml:6: budget.evaluations: must be a number above 0, got 0"),
    ("= 10", "= { vine = 5 }", "config.toml:6: budget.evaluations.vine: unknown key; did you mean 'wine'"),
    ("= 10", "= { }", "config.toml:6: budget.evaluations: says nothing of wine: give a number for each problem"),
    (
        "sklearn:wine",
        "sklearn:vine",
        "config.toml:12: problems.wine.data: there is no table sklearn:vine; did you mean",
    ),
    (WINE, "rows = 3", "config.toml:11: problems.wine: does not say what it is made of"),
    (WINE, 'data = "no.csv"\ntarget = "y"', "config.toml:12: problems.wine.data: there is no table at"),
    (WINE, 'data = "t.csv"', "config.toml:12: problems.wine.data: a target is missing"),
    (
        WINE,
        'generator = "make_moon"',
        "config.toml:12: problems.wine.generator: scikit-learn has no generator 'make_moon'",
    ),
    (WINE, 'formula = "x + "\nranges = { x = [0, 1] }', "config.toml:12: problems.wine.formula: cannot be evaluated"),
    (WINE, 'formula = "x"', "config.toml:12: problems.wine.formula: the ranges of its columns are missing"),
    (WINE, WINE + "\nrange = 3", "config.toml:13: problems.wine.range: unknown key"),
    ('"random"]', '"nsga2"]', "config.toml:9: factors.algorithm: needs levels that differ"),
    ('["nsga2", "random"]', "3", "config.toml:9: factors.algorithm: must be a list of values"),
    ("[budget]\nevaluations = 10\n", "", "config.toml:2: genome: nsga2: a budget is missing"),
    ('genome = "pipeline"', 'runner = "none.py:f"', "config.toml:2: runner: there is no file"),
    ('genome = "pipeline"\n', "", "config.toml: genome or runner is missing"),
    ('title = "Tables"\n', "", "config.toml: a title is missing"),
    ("[3, 5]", "", "config.toml: this is no TOML: Invalid value (at line 3"),
    (
        WINE,
        WINE + "\n[factors.size.big]\ngenome = 'forest'",
        "config.toml:14: factors.size.big.genome: unknown genome",
    ),
]


@pytest.mark.parametrize(("there", "instead", "message"), MISTAKES, ids=[message[:60] for *_, message in MISTAKES])
def test_a_mistake_is_told_with_file_line_and_key(experiment_folder, there, instead, message):
    assert there in PIPELINES
    assert wrong(experiment_folder, PIPELINES.replace(there, instead)).startswith(message)


def test_lines_of_keys_in_values_of_several_lines_and_after_them():
    text = 'a = """\nb = 1\n"""\n# b = 2\n\nb = [\n  1,\n  2,\n]\n[t.u]\nc = { d = 1 }\n'
    assert [line_of(text, keys) for keys in (["a"], ["b"], ["t", "u"], ["t", "u", "c", "d"], ["z"])] == [
        1,
        6,
        10,
        11,
        None,
    ]


FACTORS = '[factors]\nalgorithm = ["nsga2", "random"]\n'
FOREST = '[factors.more.forest]\ngenome = "estimator"\nestimator = "sklearn.ensemble.StackingClassifier"\n'
LATER_MISTAKES = [
    (
        '"nsga2", "random"',
        '"nsga22", "random"',
        "config.toml:9: factors.algorithm: unknown algorithm 'nsga22'; did you mean",
    ),
    (
        "seeds =",
        'scoring = "acuracy"\nseeds =',
        "config.toml:3: scoring: unknown metric 'acuracy'; did you mean 'accuracy'",
    ),
    ("seeds =", 'measures = "own.py:f"\nseeds =', "config.toml:3: measures: there is no file"),
    (
        "seeds =",
        'measures = "runner.py:wlk"\nseeds =',
        "config.toml:3: measures: runner.py has no 'wlk'; did you mean 'walk'",
    ),
    (
        FACTORS,
        '[settings]\npopulation_size = "x"\n',
        "config.toml:9: settings.population_size: the population_size must be",
    ),
    (
        FACTORS,
        '[settings]\nobjectives = ["scoer"]\n',
        "config.toml:9: settings.objectives: unknown objective 'scoer'; did",
    ),
    (
        FACTORS,
        '[settings]\nsearch_space = "no.toml"\n',
        "config.toml:9: settings.search_space: no.toml: cannot be read",
    ),
    (FACTORS, FOREST, "config.toml:10: factors.more.forest.estimator: StackingClassifier needs estimators"),
    (FACTORS, FOREST.replace("king", "kin"), "config.toml:10: factors.more.forest.estimator: sklearn.ensemble.Stackin"),
    (
        FACTORS,
        '[factors.more.own]\nrunner = "runner.py:wlk"\n',
        "config.toml:9: factors.more.own.runner: runner.py has no",
    ),
]


@pytest.mark.parametrize(
    ("there", "instead", "message"), LATER_MISTAKES, ids=[message[:50] for *_, message in LATER_MISTAKES]
)
def test_searches_that_cannot_be_put_together_are_found_before_any_cell(experiment_folder, there, instead, message):
    assert there in PIPELINES
    folder = experiment_folder(PIPELINES.replace(there, instead))
    with pytest.raises(ConfigError) as error:
        run_experiment(folder, jobs=1)
    assert str(error.value).replace(f"{folder}/", "").startswith(message)


def test_settings_that_only_some_task_takes_are_no_mistake(experiment_folder):
    folder = experiment_folder(PIPELINES.replace("seeds =", 'scoring = "r2"\nseeds ='))
    check_settings(read_config(folder))


def test_parameters_that_an_estimator_does_not_have_are_found_before_any_cell(experiment_folder):
    shared = PIPELINES + "[settings]\npopulation = 5\n"
    level = PIPELINES + "[factors.size.small]\npopulation_size = 5\n[factors.size.big]\npopulations_size = 5\n"
    for text, message in (
        (
            shared,
            "config.toml:14: settings.population: EvoClassifier has no such parameter; did you mean 'population_size'?",
        ),
        (level, "config.toml:16: factors.size.big.populations_size: EvoClassifier has no such parameter; did you mean"),
        (
            PIPELINES.replace("algorithm =", "algoritm ="),
            "config.toml:9: factors.algoritm: EvoClassifier has no such parameter",
        ),
        (
            PIPELINES + "[settings]\noperators = { own = 'own.py:change' }\n",
            "config.toml:14: settings.operators: there is no file",
        ),
    ):
        folder = experiment_folder(text)
        with pytest.raises(ConfigError) as error:
            run_experiment(folder, jobs=1)
        assert str(error.value).replace(f"{folder}/", "").startswith(message)


def test_cells_whose_folders_would_have_one_name_are_refused(experiment_folder, tmp_path):
    experiment = read_config(experiment_folder(PIPELINES.replace('"random"]', '"nsga+2", "nsga 2", "nsga_2"]')))
    with pytest.raises(ConfigError, match="rename wine or nsga 2: folders of two cells would have the same name"):
        cells_of(experiment, tmp_path)


def test_an_unknown_experiment_is_answered_with_those_there_are(experiment_folder, monkeypatch, tmp_path):
    experiment_folder()
    (tmp_path / "experiments").mkdir()
    (tmp_path / "walks").rename(tmp_path / "experiments" / "walks")
    monkeypatch.chdir(tmp_path)
    small = tmp_path / "experiments" / "walks" / "small.toml"
    small.write_text(CONFIG.replace("Walks", "Short walks"))
    assert read_config("walks").title == "Walks"
    assert read_config("walks/small").title == "Short walks"
    for path in (small, small.with_name("config.toml")):
        assert read_config(read_config(path).name).path.resolve() == path
    with pytest.raises(
        ConfigError, match=r"no experiment 'walk'; did you mean 'walks'.; there are: walks, walks/small"
    ):
        read_config("walk")
    monkeypatch.chdir(tmp_path / "experiments" / "walks")
    assert read_config(".").name == "walks"


def test_variants_are_all_combinations_and_a_level_may_exchange_what_runs(experiment_folder):
    text = (
        PIPELINES
        + """
[factors.size.small]
population_size = 5
[factors.size.forest]
genome = "estimator"
estimator = "sklearn.ensemble.RandomForestClassifier"
n_estimators = 7
"""
    )
    variants = {one.name: one for one in read_config(experiment_folder(text)).variants}
    assert list(variants) == ["nsga2, small", "nsga2, forest", "random, small", "random, forest"]
    assert variants["random, small"].settings == {"evaluations": 10, "algorithm": "random", "population_size": 5}
    assert variants["random, forest"].genome == "estimator"
    assert "evaluations" not in variants["random, forest"].settings


def test_a_budget_may_differ_by_problem_and_by_level(experiment_folder, tmp_path):
    two = PIPELINES.replace("evaluations = 10", "evaluations = { wine = 10, iris = 20 }")
    two += """
[problems.iris]
data = "sklearn:iris"
[factors.size.small]
population_size = 5
[factors.size.halving]
evaluations = { wine = 30, iris = 40 }
"""
    cells = cells_of(read_config(experiment_folder(two)), tmp_path)
    found = {(cell.problem, cell.levels["size"]): cell.settings["evaluations"] for cell in cells}
    assert found == {
        ("wine", "small"): 10, ("iris", "small"): 20, ("wine", "halving"): 30, ("iris", "halving"): 40,
    }  # fmt: skip
    assert all(cell.variant.ordered for cell in cells)


@pytest.mark.parametrize("time", ["seconds", "cpu_seconds"])
def test_what_time_may_end_cannot_be_repeated_bit_for_bit(experiment_folder, time):
    (variant, _) = read_config(experiment_folder(PIPELINES.replace("= 10", f"= 10\n{time} = 60"))).variants
    assert variant.counted
    assert not variant.ordered


def test_cells_have_stable_names_and_fingerprints_of_what_decides_their_results(experiment_folder, tmp_path):
    folder = experiment_folder(PIPELINES)
    cells = cells_of(read_config(folder), tmp_path)
    assert [cell.id for cell in cells] == ["wine-nsga2-3", "wine-random-3", "wine-nsga2-5", "wine-random-5"]
    assert len({cell.fingerprint for cell in cells}) == 4
    (folder / "config.toml").write_text(PIPELINES.replace('title = "Tables"', 'title = "T"\ncell_jobs = 2'))
    assert [cell.fingerprint for cell in cells_of(read_config(folder), tmp_path)] == [
        cell.fingerprint for cell in cells
    ]
    (folder / "config.toml").write_text(PIPELINES.replace("= 10", "= 11"))
    assert not {cell.fingerprint for cell in cells_of(read_config(folder), tmp_path)} & {
        cell.fingerprint for cell in cells
    }


def test_cells_are_chosen_by_name_or_drawn(experiment_folder, tmp_path):
    cells = cells_of(read_config(experiment_folder(CONFIG)), tmp_path)
    assert [cell.id for cell in chosen(cells, ["flat-1.5-*"])] == [f"flat-1.5-{seed}" for seed in range(6)]
    drawn = [cell.id for cell in sample_of(cells, 5)]
    assert len(drawn) == 5
    assert drawn == [cell.id for cell in sample_of(cells, 5)]
    assert {name.split("-")[1] for name in drawn} == {"1.0", "1.5"}  # of all variants, not every second cell
    assert sample_of(cells, None) == cells
    for patterns in (["steep"], ["flat-1.5-*", "steep"]):
        with pytest.raises(ConfigError, match="no cell is called like 'steep'"):
            chosen(cells, patterns)


def test_all_recorded_results_are_of_an_experiment_that_comes_along():
    known = {read_config(EXPERIMENTS / name).results for name in KNOWN}
    assert {"automl_zero/linear", "hill_valley", "hill_valley/without_noise", "two_algorithms"} <= set(KNOWN)
    assert {path.parent for path in EXPERIMENTS.rglob("results.csv")} <= known


@pytest.mark.parametrize("name", KNOWN)
def test_recorded_results_are_those_of_their_configs(name, tmp_path):
    experiment = read_config(EXPERIMENTS / name)
    cells = cells_of(experiment, tmp_path)
    if not experiment.results.joinpath(TABLE).is_file():
        pytest.skip("nothing is recorded")
    results = Results.read(experiment.results)
    finished = {row.cell for row in results.finished(cells)}
    assert finished
    assert [name for name, row in results.rows.items() if row.finished and name not in finished] == []
