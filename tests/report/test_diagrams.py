"""Pipelines and lines of descent, drawn."""

import itertools

import networkx as nx
import pytest

from evoml.core.errors import JournalError
from evoml.report import draw_lineage, draw_plan
from evoml.report.descent import LONGEST_LINE, descent_of
from evoml.report.pipelines import read_graph
from evoml.report.record import Record
from evoml.report.style import our_style, to_svg

LARGE = (
    "GaussianNB(union(union(PCA(StandardScaler(features), n_components=0.9), stack(LogisticRegression("
    "SelectPercentileFClassif(QuantileTransformerNormal(features), percentile=33), C=0.01))), union(stack("
    "RandomForestClassifier(PolynomialFeatures(StandardScaler(features)), n_estimators=111)), union(Nystroem("
    "MinMaxScaler(features), n_components=50), features))))"
)


def no_text_touches_another(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with our_style():
        renderer = FigureCanvasAgg(figure).get_renderer()
        extents = [text.get_window_extent(renderer) for text in figure.axes[0].texts if text.get_text()]
        assert not any(a.overlaps(b) for a, b in itertools.combinations(extents, 2))
        assert all(figure.bbox.x0 <= one.x0 and one.x1 <= figure.bbox.x1 for one in extents)
        assert all(figure.bbox.y0 <= one.y0 and one.y1 <= figure.bbox.y1 for one in extents)


@pytest.mark.parametrize("text", ["GaussianNB(features)", LARGE])
def test_plan_is_drawn_without_overlap(text):
    graph, root = read_graph(text)
    figure = draw_plan(graph, root, 30)
    no_text_touches_another(figure)
    svg = to_svg(figure, "plan")
    assert "30 columns" in svg
    for node in graph:
        part = graph.nodes[node]["part"]
        assert (f">{part}<" in svg) or part == "features"


def test_plan_shows_only_what_is_not_default_and_not_too_much():
    graph = nx.DiGraph()
    graph.add_node("a", part="features", values={})
    graph.add_node("b", part="OwnModel", values={f"value_{at}": at for at in range(7)})
    graph.add_edge("a", "b", position=0)
    svg = to_svg(draw_plan(graph, "b", 1), "plan")
    assert "1 column<" in svg
    assert "value_2 = 2" in svg
    assert "value_3" not in svg
    assert "and 4 more" in svg


def test_lineage_of_a_small_family_is_drawn_whole(full):
    figure = draw_lineage(full)
    no_text_touches_another(figure)
    svg = to_svg(figure, "lineage")
    for words in ("crossover", "generation 0", "generation 1", "RandomForestClassifier", "0.9500 (+0.0300) · #4"):
        assert words in svg
    assert "ancestors in all" not in svg


def test_lineage_of_a_founder_is_one_box(run):
    run.scored("GaussianNB(features)", 0.9)
    assert "0.9000 · #0" in to_svg(draw_lineage(run.journal), "lineage")


def test_lineage_of_nothing_says_so(run):
    assert "no line of descent" in to_svg(draw_lineage(run.journal), "lineage")


def test_lineage_of_an_unknown_candidate_is_refused(full):
    with pytest.raises(JournalError, match="no candidate 99"):
        draw_lineage(full, 99)


def long_family(run, generations=30):
    """Two parents each time; every third generation improves."""
    last = [run.scored("GaussianNB(features)", 0.5), run.scored("SVC(features)", 0.4)]
    for generation in range(1, generations + 1):
        score = 0.5 + 0.01 * (generation // 3)
        born = {"parents": tuple(last), "operator": "crossover", "generation": generation}
        children = [
            run.scored(f"SVC(features, C={generation}.0)", score, **born),
            run.scored(f"Ridge(features, alpha={generation}.0)", score - 0.1, **born),
        ]
        last = children
    return last[0]


def test_a_long_line_is_cut_down_to_the_steps_that_gained_and_says_so(run):
    youngest = long_family(run)
    descent = descent_of(Record.of(run.journal), youngest)
    assert len(descent.graph) <= LONGEST_LINE
    assert "60 ancestors in all" in descent.note
    assert descent.made_by[youngest].endswith("crossover")
    assert any("2 steps, then crossover" in words for words in descent.made_by.values())
    scores = [run.outcomes[node].scores[0] for node in nx.topological_sort(descent.graph)]
    assert scores == sorted(scores)
    figure = draw_lineage(run.journal, youngest)
    no_text_touches_another(figure)
    assert "60 ancestors in all" in to_svg(figure, "lineage")


def test_parents_of_the_same_generation_stand_above_their_child(run):
    first = run.scored("GaussianNB(features)", 0.9)
    second = run.scored("SVC(features)", 0.91, parents=(first,), operator="mutate", generation=0)
    descent = descent_of(Record.of(run.journal), second)
    assert (descent.layers[first], descent.layers[second]) == (0, 1)
