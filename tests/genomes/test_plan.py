"""The plan of a tree: one node for each meaning, a key, and measures of size."""

import networkx as nx
import pytest
from contracts.pipeline_spaces import space

from evoml.components import load_catalogue
from evoml.core import stream
from evoml.genomes.pipeline_tree import Plan

CATALOGUE = load_catalogue()


def plan(text):
    return Plan.from_text(text, CATALOGUE)


def key(text):
    return plan(text).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "Ridge(union(PCA(features), StandardScaler(features)))",
            "Ridge(union(StandardScaler(features), PCA(features)))",
        ),
        ("Ridge(union(PCA(features), PCA(features)))", "Ridge(PCA(features))"),
        ("Ridge(passthrough(features))", "Ridge(features)"),
        ("Ridge(union(passthrough(features), features))", "Ridge(features)"),
        ("Ridge(PCA(features))", "Ridge(PCA(features, n_components=0.95))"),
        ("Ridge(features, alpha=1.0)", "Ridge(features)"),
        ("SVC(features, kernel='rbf', degree=3)", "SVC(features, kernel='rbf', degree=5)"),
        ("Ridge(union_nonnegative(features, PCA(features)))", "Ridge(union_numeric(PCA(features), features))"),
        (
            "Ridge(union(union(PCA(features), features), StandardScaler(features)))",
            "Ridge(union(PCA(features), union(StandardScaler(features), features)))",
        ),
    ],
)
def test_what_means_the_same_has_one_key(one, other):
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ridge(features)", "Lasso(features)"),
        ("Ridge(features, alpha=1.0)", "Ridge(features, alpha=2.0)"),
        ("Ridge(PCA(StandardScaler(features)))", "Ridge(StandardScaler(PCA(features)))"),
        ("Ridge(union(PCA(features), features))", "Ridge(PCA(features))"),
        ("SVC(features, kernel='poly', degree=3)", "SVC(features, kernel='poly', degree=2)"),
        ("Ridge(stack(Ridge(features)))", "Ridge(features)"),
    ],
)
def test_what_means_something_else_has_another_key(one, other):
    assert key(one) != key(other)


def test_a_whole_number_for_a_real_one_means_the_same():
    of = space("regression")
    assert of.key(of.parse("Ridge(features, alpha=2)")) == of.key(of.parse("Ridge(features, alpha=2.0)"))


def test_equal_subtrees_are_one_node():
    graph = plan("Ridge(union(PCA(StandardScaler(features)), Nystroem(StandardScaler(features))))").graph
    parts = sorted(graph.nodes[node]["part"] for node in graph)
    assert parts == ["Nystroem", "PCA", "Ridge", "StandardScaler", "features", "union"]


def test_nested_unions_are_one_and_leave_no_loose_nodes():
    found = plan("Ridge(union(union(PCA(features), features), StandardScaler(features)))")
    (union,) = [node for node in found.graph if found.part(node) == "union"]
    assert sorted(map(found.part, found.inputs(union))) == ["PCA", "StandardScaler", "features"]
    assert nx.ancestors(found.graph, found.root) | {found.root} == set(found.graph)


def test_every_plan_is_a_graph_without_cycles_that_ends_in_its_model():
    of = space("classification", "table")
    for i in range(200):
        found = of.plan(of.random(stream(8, i)))
        assert nx.is_directed_acyclic_graph(found.graph)
        assert [node for node in found.graph if not found.graph.out_degree(node)] == [found.root]
        assert of.catalogue[found.part(found.root)].is_model
        assert found.key == found.root
        assert found.complexity() >= 1


def test_inactive_values_are_gone_from_the_plan():
    found = plan("SVC(features, kernel='rbf', degree=5)")
    assert "degree" not in found.values(found.root)
    assert found.values(found.root)["kernel"] == "rbf"


@pytest.mark.parametrize(
    ("text", "complexity"),
    [
        ("Ridge(features)", 1),
        ("Ridge(passthrough(features))", 1),
        ("Ridge(features, alpha=1.0)", 1),
        ("Ridge(features, alpha=2.0)", 2),
        ("Ridge(PCA(StandardScaler(features)))", 3),
        ("Ridge(union(PCA(features), features))", 3),
        ("Ridge(union(PCA(StandardScaler(features)), StandardScaler(features)))", 4),
        ("Ridge(stack(Ridge(features)))", 3),
        ("RandomForestRegressor(features)", 3),
        ("Ridge(stack(RandomForestRegressor(StandardScaler(features), n_estimators=50)))", 7),
    ],
)
def test_complexity_counts_steps_and_values_away_from_their_defaults(text, complexity):
    assert plan(text).complexity() == complexity


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("Ridge(features)", 4),
        ("Ridge(union(features, StandardScaler(features)))", 8),
        ("Ridge(PolynomialFeatures(features))", 15),
        ("Ridge(union(features, stack(Ridge(features))))", 4 + 3),
        ("Ridge(PCA(PolynomialFeatures(features)))", 15),
    ],
)
def test_columns_are_those_of_the_widest_step(text, columns):
    found = plan(text).columns(n_features=4, n_rows=100, n_outputs=3)
    assert found == pytest.approx(columns, abs=1)


def test_giant_tables_are_outside_the_limits():
    text = "Ridge(PolynomialFeatures(PolynomialFeatures(features)))"
    of = space("regression", max_cells=1000)
    assert not of.within_limits(of.parse(text))
    assert of.within_limits(of.parse("Ridge(features)"))


def test_a_model_stacked_on_a_stacked_model_is_outside_the_limits():
    of = space("regression")
    assert of.within_limits(of.parse("Ridge(stack(Ridge(features)))"))
    assert not of.within_limits(of.parse("Ridge(stack(Ridge(stack(Ridge(features)))))"))
    assert not of.within_limits(of.parse("Ridge(" + "StandardScaler(" * 6 + "features" + ")" * 7))
