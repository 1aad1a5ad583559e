"""What formulas are worth on a table: the same as computed by hand, for any order of the rows and number of threads."""

import numpy as np
import pytest

from evoml.core.batches import Offspring
from evoml.core.random import mixed
from evoml.core.threads import Threads
from evoml.evaluation.formula_fitness import FormulaFitness, LocalSearch, as_logits
from evoml.evaluation.formula_table import LOSSES, FormulaTable, log_odds
from evoml.genomes.expression import ExpressionSpace, Population
from evoml.genomes.expression.text import read
from evoml.kernels.expression_fitness import CORRELATION, LOG_LOSS

NAMES = ["a", "b"]


def table_of(rows=300, seed=0, weights=None):
    rng = np.random.default_rng(seed)
    X = rng.uniform(1, 3, (rows, 2))
    return X, 2.5 * X[:, 0] / X[:, 1] + 1.0 + 0.1 * rng.normal(size=rows)


def population(*texts):
    return Population.of([read(text, NAMES) for text in texts], 20)


def offspring(genomes, key=0):
    return Offspring(genomes, mixed(key, np.arange(len(genomes))), np.zeros(len(genomes), np.int32))


def scored(fitness, *texts, steps=0):
    return fitness.score(population(*texts), np.full(len(texts), steps, np.int32))


def least_squares(values, y, weights):
    shares = weights / weights.sum()
    slope = shares @ ((values - shares @ values) * y) / (shares @ (values - shares @ values) ** 2)
    intercept = shares @ y - slope * (shares @ values)
    return intercept, slope, shares @ (y - intercept - slope * values) ** 2


def test_errors_are_shares_of_the_variance_after_linear_scaling():
    X, y = table_of()
    weights = np.random.default_rng(1).uniform(0.5, 2, len(y))
    table = FormulaTable.of(X, y, weights)
    found = scored(FormulaFitness(table), "a / b", "a + b", "sin(a)")
    for at, values in enumerate((X[:, 0] / X[:, 1], X.sum(axis=1), np.sin(X[:, 0]))):
        intercept, slope, error = least_squares(values, y, weights)
        mean = np.average(y, weights=weights)
        assert found.errors[at] == pytest.approx(error / np.average((y - mean) ** 2, weights=weights), rel=1e-6)
        assert found.scales[at] == pytest.approx([intercept, slope], rel=1e-6)


@pytest.mark.parametrize("loss", ["mse", "mae", "correlation"])
def test_local_search_finds_constants_and_makes_nothing_worse(loss):
    X, _ = table_of()
    fitness = FormulaFitness(FormulaTable.of(X, np.sin(1.7 * X[:, 0]) + 0.3), loss)
    before, after = scored(fitness, "sin(1.2 * a)", "a * b"), scored(fitness, "sin(1.2 * a)", "a * b", steps=30)
    assert after.errors[0] < 1e-8 < before.errors[0]
    assert after.genomes[0].constants[0] == pytest.approx(1.7, rel=1e-5)
    assert after.errors[1] == before.errors[1]


@pytest.mark.parametrize(("steps", "judged"), [(0, [2]), (5, [2, 1])])
def test_only_what_local_search_has_changed_is_judged_again_by_absolute_errors(monkeypatch, steps, judged):
    X, y = table_of()
    fitness, seen, distances = FormulaFitness(FormulaTable.of(X, y), "mae"), [], FormulaFitness._distances
    monkeypatch.setattr(
        FormulaFitness, "_distances", lambda self, some: (seen.append(len(some)), distances(self, some))[1]
    )
    scored(fitness, "sin(1.2 * a)", "a * b", steps=steps)
    assert seen == judged


def test_log_loss_has_the_best_intercept_and_slope_around_the_formula():
    from sklearn.linear_model import LogisticRegression

    X, y = table_of()
    labels = (y > np.median(y)).astype(float)
    labels[:40] = 1 - labels[:40]
    fitness = FormulaFitness(FormulaTable.of(X, labels), "log_loss")
    found = scored(fitness, "a / b", steps=30)
    judge = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit((X[:, 0] / X[:, 1])[:, None], labels)
    assert found.scales[0] == pytest.approx([judge.intercept_[0], judge.coef_[0, 0]], rel=1e-3)
    logits = judge.decision_function((X[:, 0] / X[:, 1])[:, None])
    loss = np.mean(np.logaddexp(0, np.where(labels > 0, -logits, logits)))
    assert found.errors[0] * fitness.unit == pytest.approx(loss, rel=1e-4)


def test_a_logit_is_intercept_plus_slope_times_the_formula():
    wrapped = as_logits(population("a / b"), np.array([[0.75, 0.5]]))
    assert wrapped[0] == read("1.0 + 2.0 * (a / b)", NAMES)


def test_the_constants_of_logits_come_back_to_their_places():
    X, _ = table_of()
    fitness = FormulaFitness(FormulaTable.of(X, (np.sin(1.7 * X[:, 0]) > 0).astype(float)), "log_loss")
    found = scored(fitness, "sin(1.5 * a)", steps=20)
    assert found.genomes.codes.tobytes() == population("sin(1.5 * a)").codes.tobytes()
    assert found.genomes[0].constants[0] == pytest.approx(1.7, abs=0.2)


def test_what_is_not_defined_in_a_row_has_an_infinite_error():
    X, y = table_of()
    for loss in ("mse", "mae", "log_loss"):
        target = (y > 2.5).astype(float) if loss == "log_loss" else y
        found = scored(FormulaFitness(FormulaTable.of(X, target), loss), "log(a - 2.0)", "a", steps=5)
        assert np.isinf(found.errors[0])
        assert np.isfinite(found.errors[1])


def test_formulas_of_one_meaning_share_their_hash():
    X, y = table_of()
    found = scored(FormulaFitness(FormulaTable.of(X, y)), "a / b", "3.0 * (a / b) + 2.0", "a * (1 / b)", "b / a")
    assert len(set(found.hashes[:3].tolist())) == 1
    assert found.hashes[3] != found.hashes[0]


@pytest.mark.parametrize("loss", ["mse", "mae", "log_loss"])
def test_any_number_of_threads_gives_the_same_bits(loss):
    X, y = table_of()
    target = (y > 2.5).astype(float) if loss == "log_loss" else y
    space = ExpressionSpace(NAMES)
    asked = offspring(space.sample(mixed(5, np.arange(500))), key=5)
    results = []
    for n_jobs in (1, 2, 5):
        with Threads(n_jobs) as threads:
            told = FormulaFitness(FormulaTable.of(X, target), loss, threads=threads, with_cases=True).evaluate(asked)
        arrays = (told.objectives, told.meanings, told.cases, told.genomes.constants)
        results.append([array.tobytes() for array in arrays])
    assert results[0] == results[1] == results[2]


def test_only_a_share_of_offspring_is_searched():
    X, y = table_of()
    asked = offspring(population(*["sin(1.2 * a)"] * 400))
    told = FormulaFitness(FormulaTable.of(X, y), local_search=LocalSearch(5, 0.25)).evaluate(asked)
    changed = (told.genomes.constants != asked.genomes.constants).any(axis=1)
    assert 0.15 < changed.mean() < 0.35


def test_what_breaks_a_demand_is_worse_than_any_constant():
    X, y = table_of()
    fitness = FormulaFitness(
        FormulaTable.of(X, y), penalties=[lambda genomes, scales: (genomes.lengths > 3).astype(float)]
    )
    told = fitness.evaluate(offspring(population("a / b", "a / b + 0.5")))
    assert told.objectives[0, 0] < 1 < told.objectives[1, 0]
    assert told.meanings[0] != told.meanings[1]


def test_cases_are_distances_from_the_target():
    X, y = table_of(100)
    told = FormulaFitness(FormulaTable.of(X, y), with_cases=True).evaluate(offspring(population("a / b")))
    _, _, error = least_squares(X[:, 0] / X[:, 1], y, np.ones(100))
    assert np.mean(told.cases.astype(float) ** 2) == pytest.approx(error, rel=1e-5)


def test_work_is_counted():
    X, y = table_of()
    fitness = FormulaFitness(FormulaTable.of(X, y))
    scored(fitness, "a / b", "a")
    assert fitness.evaluations == 2
    assert fitness.node_evaluations == 4 * 300


# -- the table ------------------------------------------------------------------------------------------------------------


def same(one, other):
    return all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in ("features", "target", "weights")
    )


def test_neither_order_nor_form_of_the_rows_matters():
    X, y = table_of(50)
    weights = np.random.default_rng(2).integers(0, 4, 50).astype(float)
    shuffled = np.random.default_rng(3).permutation(50)
    repeated = np.repeat(np.arange(50), weights.astype(int))
    table = FormulaTable.of(X, y, weights)
    assert same(table, FormulaTable.of(X[shuffled], y[shuffled], weights[shuffled]))
    assert same(table, FormulaTable.of(X[repeated], y[repeated]))
    assert sorted(table.target) == sorted(y[repeated])


def test_large_or_broken_weights_stay_weights():
    X, y = table_of(10)
    table = FormulaTable.of(X, y, np.full(10, 1000.0))
    assert table.n_rows == 10
    assert (FormulaTable.of(X, y, np.linspace(0, 1, 10)).weights > 0).all()


def test_negative_zeros_are_gone():
    table = FormulaTable.of(np.array([[-0.0], [1.0]]), np.array([-0.0, 1.0]))
    assert not np.signbit(table.features).any()


@pytest.mark.parametrize("loss", ["mse", "mae", "log_loss"])
def test_the_best_constant_is_the_best(loss):
    X, y = table_of(60)
    target = (y > 2.5).astype(float) if loss == "log_loss" else y
    table, code = FormulaTable.of(X, target, np.random.default_rng(0).uniform(0.1, 3, 60)), LOSSES[loss]
    best = table.best_constant(code)
    losses = [table.loss(np.full(60, best + change), code) for change in (-0.1, -0.01, 0.0, 0.01, 0.1)]
    assert np.argmin(losses) == 2


def test_the_loss_of_what_is_not_finite_is_infinite():
    X, y = table_of(5)
    assert FormulaTable.of(X, y).loss(np.array([1, 2, np.nan, 3, 4.0]), LOG_LOSS) == np.inf


def test_a_part_of_the_rows_is_spread_evenly():
    X, y = table_of(1000)
    table = FormulaTable.of(X, y)
    assert table.evenly(1000) is table
    assert table.evenly(100).n_rows == 100
    assert abs(table.evenly(100).target.mean() - y.mean()) < 0.2


@pytest.mark.parametrize("rare", [0.0, 1.0])
@pytest.mark.parametrize("n_rare", [1, 30, 900])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_part_of_the_rows_holds_both_classes_and_each_weighs_as_much_as_in_all_rows(rare, n_rare, weighted):
    rng = np.random.default_rng(0)
    labels = np.where(np.arange(2000) < n_rare, rare, 1.0 - rare)
    weights = rng.uniform(0.5, 2, 2000) if weighted else None
    table = FormulaTable.of(rng.normal(size=(2000, 2)), labels, weights, classes=True)
    for count in (2, 100, 1000):
        part = table.evenly(count)
        assert part.n_rows == count
        assert (
            min(n_rare, max(1, count // 10)) <= (part.target == rare).sum() <= max(n_rare * count / 2000, count / 10, 1)
        )
        assert part.best_constant(LOG_LOSS) == pytest.approx(table.best_constant(LOG_LOSS), rel=1e-9)
        assert part.weights.sum() == pytest.approx(table.weights.sum() * count / 2000)
    assert set(table.evenly(1000).evenly(10).target) == {0.0, 1.0}
    assert table.evenly(2000) is table


def test_a_target_of_two_numbers_is_not_taken_for_classes():
    X, y = table_of(1000)
    table = FormulaTable.of(X, (y > 4.0).astype(float))
    assert (table.evenly(100).target == table.target[::10]).all()


@pytest.mark.parametrize("share", [0.0, 1.0, 1e-20, 1.0 - 1e-20])
def test_log_odds_are_finite(share):
    assert np.isfinite(log_odds(share))


def test_the_last_bits_of_a_correlation_hang_on_no_threads_of_others():
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(0)
    table, outputs = FormulaTable.of(rng.normal(size=(20_001, 1)), rng.normal(size=20_001)), rng.normal(size=20_001)
    found = set()
    for count in (1, 2, 4):
        with threadpool_limits(count, "blas"):
            found.add(table.loss(outputs, CORRELATION))
    assert len(found) == 1
