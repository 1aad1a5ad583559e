"""Searches of NAS-Bench-201: a made-up table whose best cell is known stands in for the published one."""

import itertools

import numpy as np
import pandas as pd
import pytest
from experiments.folders import modules, small_cell

VALUES = np.array([0.0, 2.0, 1.0, 5.0, 3.0])  # of the five operations, on every edge: 3x3 convolutions are best


@pytest.fixture(scope="module")
def parts():
    with modules("nas_bench_201", "genome", "local_search", "cell_search", "runner") as found:
        yield found


@pytest.fixture(scope="module")
def table(parts, tmp_path_factory):
    """Return a file with all 15,625 cells; what is seen early is the truth with noise."""
    genome, *_ = parts
    cells = list(itertools.product(range(5), repeat=6))
    final = VALUES[np.array(cells)].sum(axis=1)
    early = final + np.random.default_rng(0).normal(size=len(final))
    columns = {
        "arch": [str(genome.Cell(cell)) for cell in cells],
        "cifar10_val_12ep": early,
        "cifar10_test_200ep": final,
        "cifar100_test_200ep": final[::-1],
    }
    path = tmp_path_factory.mktemp("nas") / "nas_bench_201.csv.gz"
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_texts_are_the_benchmarks_own(parts):
    genome, *_ = parts
    text = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|nor_conv_3x3~1|skip_connect~2|"
    cell = genome.CellSpace().parse(text)
    assert cell.operations == (4, 2, 1, 0, 3, 1)
    assert str(cell) == text


def test_a_variation_changes_one_operation(parts):
    genome, *_ = parts
    space, rng = genome.CellSpace(), np.random.default_rng(0)
    (cell,) = space.sample([0], [rng])
    changed = space.vary(["change"] * 400, [[cell]] * 400, [rng] * 400)
    assert set(changed) == set(cell.neighbours())
    assert len(set(cell.neighbours())) == 24
    assert all(sum(a != b for a, b in zip(cell.operations, one.operations, strict=True)) == 1 for one in changed)


@pytest.mark.parametrize("name", ["regularised", "random", "local"])
def test_the_same_seed_finds_the_same(parts, table, name):
    *_, cell_search, _ = parts
    read = cell_search.Table.read(table, "cifar10", "short")
    make = cell_search.algorithms(10, 3)[name]
    once, twice, other = (cell_search.regrets(read, make, range(first, first + 2), 60) for first in (0, 0, 2))
    assert np.array_equal(once, twice)
    assert not np.array_equal(once, other)


def test_evolution_and_local_search_beat_random_search(parts, table):
    *_, cell_search, _ = parts
    read = cell_search.Table.read(table, "cifar10", "full")
    made = cell_search.algorithms(10, 3)
    left = {name: cell_search.regrets(read, make, range(5), 150)[:, -1].mean() for name, make in made.items()}
    assert left["local"] == 0.0  # a sum over edges has one summit
    assert left["regularised"] < 0.5 * left["random"]


def test_local_search_is_pure_and_asks_whole_neighbourhoods(parts, table):
    genome, local_search, cell_search, _ = parts
    read = cell_search.Table.read(table, "cifar10", "full")
    algorithm = local_search.LocalSearch(genome.CellSpace(), 0)
    start = algorithm.start()
    state, (first,) = algorithm.ask(start, 10)
    assert start == algorithm.start()
    assert algorithm.ask(state, 10)[1] == []  # the first cell is awaited
    value = float(read.final[read.names.index(first.key)])
    told = algorithm.tell(state, [cell_search._outcome(first, value, first.id)])
    state, asked = algorithm.ask(told, 10)
    assert len(asked) == 10
    assert len(algorithm.ask(state, 100)[1]) == 14
    assert {candidate.genome for candidate in asked} < set(first.genome.neighbours())


def test_different_cells_are_counted(parts, table):
    *_, cell_search, _ = parts
    read = cell_search.Table.read(table, "cifar10", "full")
    rows = cell_search.incumbents(read, cell_search.algorithms(5, 2)["regularised"](0), 300)
    assert len(rows) == 300
    assert np.all(np.diff(read.seen[rows]) >= 0)


def test_a_cell_of_the_experiment(table, monkeypatch, tmp_path):
    monkeypatch.setenv("EVOML_DATA", str(table.parent))
    found = small_cell("nas_bench_201", tmp_path, "cifar10_short-local-1", searches=3, evaluations=120)
    assert found.measures["regret_100"] < 5
    assert [look for look, _, _ in found.curve] == [10, 20, 50, 100]


def test_a_search_may_see_another_data_set_than_it_is_judged_on(parts, table):
    *_, cell_search, _ = parts
    own, other = (
        cell_search.Table.read(table, name, "short", searched_on="cifar10") for name in ("cifar10", "cifar100")
    )
    assert np.array_equal(own.seen, other.seen)
    assert np.array_equal(own.final, other.final[::-1])


def test_missing_columns_are_named(parts, table):
    *_, cell_search, _ = parts
    with pytest.raises(ValueError, match="cifar100_val_12ep"):
        cell_search.Table.read(table, "cifar100", "short")
