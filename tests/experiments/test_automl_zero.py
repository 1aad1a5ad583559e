"""The studies of AutoML-Zero with less to do: what each finds is what it says, the same twice, and leaks nothing."""

import json
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from experiments.folders import EXPERIMENTS, modules

from evoml.core.errors import DataError
from evoml.experiment import read_config
from evoml.experiment.cells import cells_of
from evoml.genomes.program.text import read, write

FEW = {"population": 100, "every": 500, "restart": 1000, "epoch": 1000}
TASKS = {"search": 4, "select": 4, "report": 4, "n_train": 40, "n_valid": 20, "n_features": 4}


@pytest.fixture(scope="module")
def parts():
    names = ("runner", "images", "baselines", "search", "epochs", "studies", "programs")
    with modules("automl_zero", *names) as found:
        yield dict(zip(names, found, strict=True))


@pytest.fixture
def cell_of(parts, tmp_path):
    """A cell of a study with other settings: the function that runs it."""

    def run(study, problem, seed=0, evaluations=2000, level=None, **task):
        cells = cells_of(read_config(EXPERIMENTS / "automl_zero" / f"{study}.toml"), tmp_path)
        cell = next(
            one for one in cells if (one.problem, one.seed) == (problem, seed) and level in (None, *one.levels.values())
        )
        settings = {**cell.variant.settings, **FEW, "evaluations": evaluations}
        arguments = dict(cell.problem_arguments)
        if "tasks" in arguments:
            arguments["tasks"] = {key: TASKS.get(key, value) for key, value in arguments["tasks"].items()}
        cell = replace(
            cell, variant=replace(cell.variant, settings=settings), problem_arguments=arguments | task, folder=tmp_path
        )
        found = getattr(parts["runner"], study)(cell)
        return found, json.loads((tmp_path / "found.json").read_text())

    return run


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("data") / "pairs.npz"
    arrays = {"pairs": np.arange(12).reshape(6, 2)}
    for part, n in (("train", 60), ("valid", 20), ("test", 20)):
        arrays[f"X_{part}"] = rng.normal(size=(6, n, 4)).astype(np.float16)
        arrays[f"y_{part}"] = (arrays[f"X_{part}"].sum(axis=2) > 0).astype(np.uint8)
    np.savez(path, **arrays)
    return path


def test_searches_for_linear_regression_are_the_same_twice(cell_of):
    one, told = cell_of("linear", "linear", evaluations=4000)
    again, _ = cell_of("linear", "linear", evaluations=4000)
    other, _ = cell_of("linear", "linear", seed=1, evaluations=4000)
    assert one.trace == again.trace
    assert dict(one.trace)["program"] != dict(other.trace)["program"]
    assert told["programs"] == 4000
    assert told["searches"] == 4
    assert told["search"] > 0.2
    assert not told["solved"]


def test_a_search_for_linear_regression_stops_when_others_say_so(cell_of):
    _, told = cell_of("linear", "linear", evaluations=4000, solved=0.0)
    assert told["programs"] == 500
    assert told["solved"]


@pytest.mark.parametrize("problem", ["learning_linear", "learning_affine", "linear"])
def test_good_programs_are_counted(cell_of, problem):
    for level in ("random", "evolution"):
        _, told = cell_of("difficulty", problem, evaluations=1500, level=level, births=500)
        assert told["wanted"] > 0.3
        assert told["hits"] > 0 or told["programs"] == 1500
        assert told["hits_per_million"] == pytest.approx(1e6 * told["hits"] / told["programs"])


def test_a_search_for_what_learns_keeps_the_rest(parts):
    search, studies, baselines = (parts[name] for name in ("search", "studies", "baselines"))
    one = read_config(EXPERIMENTS / "automl_zero" / "difficulty.toml").problems["learning_affine"]
    space = search.space_of({**one, "mutations": {"alter": 1}})
    reference = baselines.affine(0.01)
    found = list(studies._with_parts_of(reference, space.sample(np.arange(20, dtype=np.uint64)), one["operations"]))
    assert all(program.setup == reference.setup and program.predict == reference.predict for program in found)
    assert len({program.learn for program in found}) == 20


@pytest.mark.parametrize("problem", ["initialisation", "one_line"])
def test_a_damaged_network_is_searched_from_what_is_left(cell_of, problem):
    _, told = cell_of("damaged", problem, harm=0.01)
    assert told["broken"] < told["whole"]
    assert told["restored"] == pytest.approx(
        (told["found"] - told["broken"]) / (told["whole"] - told["broken"]), rel=1e-9
    )
    if problem == "initialisation":
        assert told["lines"] == [0, 1]
        assert "heaviside" in told["program"]  # what may not vary is still there
    else:
        assert len(told["lines"]) == 1


def test_lines_are_left_out_by_their_number(parts):
    network = parts["baselines"].network(0.1, 0.2)
    fewer = parts["baselines"].without(network, {0, 4, 18})
    assert fewer.setup == network.setup[1:]
    assert fewer.predict == (network.predict[0], *network.predict[2:])
    assert fewer.learn == network.learn[:-1]


def test_programs_evolve_from_the_empty_one(cell_of):
    _, told = cell_of("teacher", "teacher", evaluations=3000)
    assert 0.5 < told["report_linear"] < 1.0
    assert told["gain"] == pytest.approx(told["report"] - told["report_linear"])
    read(told["program"])


@pytest.fixture(scope="module")
def on_lines(parts):
    """Tasks of linear regression, and a space of programs for them."""
    config = read_config(EXPERIMENTS / "automl_zero" / "teacher.toml").problems["teacher"]
    space = parts["search"].space_of(dict(config))
    return parts["studies"].linear_tasks(0, 4, 100, 50).laid_out(), space


@pytest.mark.parametrize(("line", "stays"), [("    v2 = v1 + v1\n", False), ("    v1 = v1 + v2\n", True)])
def test_lines_stay_that_are_worth_their_price(parts, on_lines, line, stays):
    tasks, space = on_lines
    program = parts["baselines"].linear(0.05)
    more = read(write(program) + line)  # twice what was learned, or nothing that is ever read
    found, value = parts["epochs"].stripped(more, tasks, space, 0.001)
    fitness = parts["search"].mean_fitness([found], tasks, space)[0]
    assert value == pytest.approx(fitness - 0.001 * len(found))
    assert (len(found) == len(more)) == stays


def test_champions_come_best_first_and_none_is_worse_than_the_start(parts, on_lines):
    tasks, space = on_lines
    settings = {"population": 50, "tournament": 5, "epoch": 500, "price": 0.003, "patience": 2, "evaluations": 3000}
    start = parts["baselines"].linear(0.001)
    champions, told = parts["epochs"].in_epochs(settings, space, tasks, tasks, 0, start)
    values = parts["search"].mean_fitness(champions, tasks, space) - 0.003 * np.array(list(map(len, champions)))
    assert (np.diff(values) <= 0).all()
    assert start in champions
    assert values[0] > values[champions.index(start)]
    assert (told["programs"], told["epochs"], told["champions"]) == (3000, 6, len(champions))
    assert parts["epochs"].in_epochs(settings, space, tasks, tasks, 0, start)[0] == champions
    _, told = parts["epochs"].in_epochs(settings | {"evaluations": 10**9}, space, tasks, tasks, 0, start, enough=0.0)
    assert told["descents"] == 1


def test_no_linear_learner_beats_least_squares(parts):
    tasks = parts["studies"].teacher_tasks(0, 6, 200, 50).standardised()
    bound = parts["studies"].least_squares(tasks)
    assert 0.6 < bound < 0.8
    space = parts["search"].space_of(
        dict(read_config(EXPERIMENTS / "automl_zero" / "linear.toml").problems["linear"]) | {"memory": [5, 4, 2]}
    )
    programs = [parts["baselines"].affine(rate) for rate in (0.003, 0.01, 0.03)]
    assert parts["search"].mean_fitness(programs, tasks.laid_out(), space).max() < bound + 0.01


def test_pairs_of_images_are_reported_on_that_were_neither_searched_nor_selected_on(cell_of, parts, pairs):
    seen = []
    few = {"file": str(pairs), "searched": [30, 20], "selected": [40, 20], "trials": 3}
    for seed in (0, 4):
        _, told = cell_of("images", "cifar10", seed, evaluations=200, **few)
        searched, selected, reported = parts["images"].divided(6, {"select": 2, "report": 2}, seed)
        assert sorted(searched + selected + reported) == list(range(6))
        assert told["pairs"] == reported
        assert told["gain"] == pytest.approx(told["evolved"] - told["network"])
        assert told["linear"] > 60.0  # a line tells these classes apart
        assert len(told["ablation"]) == len(read(told["program"]))
        seen += told["pairs"]
    assert seen == [0, 1, 5]


def test_of_any_number_of_pairs_five_seeds_report_on_each_once(parts):
    divided, two = parts["images"].divided, {"select": 2, "report": 2}
    for count in (5, 6, 10, 12, 45):
        found = [divided(count, two, seed) for seed in range(5)]
        assert sorted(pair for _, _, reported in found for pair in reported) == list(range(count))
        assert all(sorted(chain(*one)) == list(range(count)) and all(one) for one in found)
    assert divided(10, two, 1) == ([0, 1, 6, 7, 8, 9], [4, 5], [2, 3])
    with pytest.raises(DataError, match="4 pairs cannot be divided"):
        divided(4, two, 0)


def test_the_page_of_programs_tells_what_is_recorded(parts, tmp_path, monkeypatch):
    programs = parts["programs"]
    cell = tmp_path / "cells" / "p-v-0-abc"
    cell.mkdir(parents=True)
    text = "def setup():\n    s5 = 1.0\n    s2 = 0.5\n\ndef predict():\n    s1 = s2\n"
    text = text.replace("s1 = s2", "s1 = s2 + s2")
    found = {"gain": 0.25, "cpu_seconds": 3.0, "program": text, "pairs": [4], "accuracies": [[70.0], [71.0], [72.5]]}
    (cell / "found.json").write_text(json.dumps(found | {"ablation": [["s1 = s2 + s2", -20.0]]}))
    results = tmp_path / "mine" / "results.csv"
    results.parent.mkdir()
    header = "cell,problem,seed,measure.gain,measure.cpu_seconds,fingerprint\n"
    results.write_text(header + "p-v-0,p,0,0.25,4.0,abc\n")
    monkeypatch.setattr(programs, "RESULTS", tmp_path)
    page = programs.page("mine", tmp_path)
    assert "## p, seed 0\n\ngain 0.25.\n" in page
    assert "def predict():\n    s1 = 1.0\n" in page
    assert "s5" not in page
    assert "| 4 | 70.00 | 71.00 | 72.50 |" in page
    assert "| `s1 = s2 + s2` | -20.00 |" in page
    results.write_text(header + "p-v-0,p,0,0.5,4.0,abc\n")
    with pytest.raises(ValueError, match="it is of another run"):
        programs.page("mine", tmp_path)
    results.write_text(header + "p-v-0,p,0,0.25,4.0,abd\n")
    with pytest.raises(ValueError, match="p-v-0 is recorded, but"):
        programs.page("mine", tmp_path)


def test_features_of_images_are_scaled_and_one_is_always_1(parts, pairs):
    tasks = parts["images"].judged(pairs, [0, 1])
    found = parts["images"].scaled(tasks, 0.5)
    np.testing.assert_array_equal(found.train_features[:, :, :4], 0.5 * tasks.train_features)
    assert (found.valid_features[:, :, 4] == 1.0).all()
    np.testing.assert_array_equal(found.train_labels, tasks.train_labels)


def test_tuning_makes_no_program_worse_on_what_it_is_tuned_by(parts, pairs):
    images, search = parts["images"], parts["search"]
    tasks = images.scaled(images.judged(pairs, [0, 1, 2]), 0.5).laid_out()
    space = search.space_of(dict(read_config(EXPERIMENTS / "automl_zero" / "images.toml").problems["cifar10"]) | {
        "mutations": {"alter": 1}
    })  # fmt: skip
    start = parts["baselines"].bare_network(1e-3, 0.1)
    found = images.tuned([start], tasks, 30, 0, space)
    before, after = search.mean_fitness([start, found], tasks, space, classes=True)
    assert after > before
    assert [one.name for one in found.learn] == [one.name for one in start.learn]
