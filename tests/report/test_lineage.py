"""Questions about descent, on a family that is worked out by hand, and on random ones against their definitions."""

import math

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evoml.core.errors import JournalError
from evoml.report import ancestors, lineage_graph, lineage_table, operator_gains, takeover, write_graphml
from evoml.report.lineage import MOST_FOUNDERS, OTHERS, Pedigree
from evoml.report.record import Record


def test_ancestors_with_the_line_of_better_parents_and_shares(kin):
    table = ancestors(kin).set_index("id")
    assert list(table.index) == [0, 1, 2, 3, 4, 5]
    assert list(table.index[table["on_line"]]) == [1, 3, 5]
    assert table["share"].to_dict() == pytest.approx({0: 0.25, 1: 0.25, 2: 0.5, 3: 0.5, 4: 0.5, 5: 1.0})
    assert table["gain"].to_dict() == pytest.approx({0: 0, 1: 0, 2: 0, 3: 0.05, 4: 0.05, 5: 0.05})


def test_ancestors_of_another_candidate(kin):
    assert list(ancestors(kin, 6)["id"]) == [0, 1, 3, 6]
    with pytest.raises(JournalError, match="no candidate 7; ids go from 0 to 6"):
        ancestors(kin, 7)


def test_a_run_without_a_score_has_no_descent(run):
    with pytest.raises(JournalError, match="no candidate of this run has been scored"):
        ancestors(run.journal)
    assert operator_gains(run.journal).empty
    assert takeover(run.journal).empty
    assert lineage_table(run.journal).empty


def test_gains_are_credited_to_variations(kin):
    table = operator_gains(kin).set_index("operator")
    assert list(table.index) == ["crossover", "mutate"]
    crossover, mutate = table.loc["crossover"], table.loc["mutate"]
    assert (crossover["made"], crossover["better"], crossover["records"], crossover["line_steps"]) == (2, 2, 2, 2)
    assert [crossover[name] for name in ("gain", "record_gain", "line_gain")] == pytest.approx([0.1] * 3)
    assert (mutate["made"], mutate["better"], mutate["records"], mutate["line_steps"]) == (2, 1, 0, 0)
    assert mutate["gain"] == pytest.approx(0.05)


def test_what_is_gained_below_a_constant_prediction_does_not_count(run):
    parent = run.scored("A(features)", -1000.0)
    run.scored("B(features)", 0.4, parents=(parent,), operator="mutate", generation=1)
    assert operator_gains(run.finish(baseline={"score": 0.3}))["gain"][0] == pytest.approx(0.1)


def test_a_failed_parent_is_no_bar(run):
    parent = run.failed("A(features)", "no")
    child = run.scored("B(features)", 0.4, parents=(parent,), operator="mutate", generation=1)
    table = ancestors(run.finish(baseline={"score": 0.3})).set_index("id")
    assert math.isnan(table.loc[parent, "score"])
    assert table.loc[child, "gain"] == pytest.approx(0.1)
    assert list(table.index[table["on_line"]]) == [parent, child]


def test_takeover_by_founder(kin):
    table = takeover(kin)
    assert list(table.columns) == ["generation", 1, 0, 2, OTHERS]
    assert table.iloc[0].tolist() == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 0])
    assert table.iloc[2].tolist() == pytest.approx([3, 7 / 12, 3 / 12, 2 / 12, 0])


def test_where_populations_were_not_recorded_those_born_stand_for_them(new_run):
    run = new_run()
    first = run.scored("A(features)", 0.5)
    run.scored("B(features)", 0.6, parents=(first,), operator="mutate", generation=1)
    assert takeover(run.journal).to_numpy().tolist() == [[1, 1, 0], [2, 1, 0]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.data(), st.integers(1, 25))
def test_shares_of_random_families(new_run, data, size):
    run, parents = new_run({}), {}
    for one in range(size):
        parents[one] = tuple(data.draw(st.lists(st.integers(0, one - 1), max_size=2)) if one else ())
        run.scored(
            f"P{one}(features)", data.draw(st.floats(0, 1)), parents=parents[one], operator="vary", generation=one // 4
        )
    run.journal.progressed(1, size, 1.0, {"population": list(range(size))})

    def share(of, ancestor):
        return float(of == ancestor) or sum(share(one, ancestor) for one in parents[of]) / max(len(parents[of]), 1)

    found = Pedigree(Record.of(run.journal)).contributions([size - 1])
    assert found == pytest.approx({one: share(size - 1, one) for one in found})
    assert sum(part for one, part in found.items() if not parents[one]) == pytest.approx(1.0)
    table = takeover(run.journal)
    founders = [one for one in parents if not parents[one]]
    assert table.drop(columns="generation").to_numpy().sum() == pytest.approx(1.0)
    for one in [name for name in table.columns if isinstance(name, int)]:
        assert table[one][0] == pytest.approx(sum(share(member, one) for member in parents) / size)
    assert len(table.columns) == min(len(founders), MOST_FOUNDERS) + 2
    run.journal.close()


def test_the_table_holds_numbers_and_texts(kin, tmp_path):
    table = lineage_table(kin)
    table.to_csv(tmp_path / "t.csv", index=False)
    assert table["parents"].tolist() == ["", "", "", "0 1", "2", "3 4", "3"]
    assert table["ancestor"].tolist() == [True] * 6 + [False]
    assert table["on_line"].tolist() == [False, True, False, True, False, True, False]
    assert table["size"].tolist() == [2, 2, 2, 2, 3, 3, 3]


def test_graphml_is_read_back(kin, tmp_path):
    graph = nx.read_graphml(write_graphml(kin, tmp_path / "g.graphml"), node_type=int)
    assert sorted(graph.edges) == [(0, 3), (1, 3), (2, 4), (3, 5), (3, 6), (4, 5)]
    assert graph.edges[4, 5]["operator"] == "crossover"
    assert graph.nodes[5]["score"] == 0.70
    assert graph.nodes[5]["ancestor"] is True
    assert graph.nodes[6]["text"] == "GaussianNB(PCA(features))"


def test_graphml_of_hostile_and_unscored_candidates(run, tmp_path):
    first = run.failed("A(features)", "no", operator="<&\x1b")
    run.scored("B(features)", 0.4, parents=(first,), operator='"\x07"', generation=1)
    graph = nx.read_graphml(write_graphml(run.journal, tmp_path / "g.graphml"), node_type=int)
    assert "score" not in graph.nodes[0]
    assert graph.nodes[0]["operator"] == "<&\ufffd"
    assert graph.edges[0, 1]["operator"] == '"\ufffd"'


def test_the_graph_has_facts_on_nodes(kin):
    graph = lineage_graph(kin)
    assert graph.nodes[3]["size"] == 2
    assert graph.nodes[3]["scores"] == (0.65, -2.0)
    assert nx.is_directed_acyclic_graph(graph)
