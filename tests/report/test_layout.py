"""Where boxes, lines and labels go."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.report.labels import Box, label_offsets
from evoml.report.layout import layered, layers_of, spread


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 14))
    graph = nx.DiGraph()
    graph.add_nodes_from(range(count))
    for child in range(1, count):
        graph.add_edges_from((parent, child) for parent in draw(st.sets(st.integers(0, child - 1), max_size=3)))
    return graph


def boxes(layout, sizes):
    for node, (x, y) in layout.places.items():
        length, breadth = sizes[node]
        yield Box(x - length / 2, y - breadth / 2, x + length / 2, y + breadth / 2)


@settings(max_examples=60, deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_no_two_boxes_touch_and_no_line_crosses_a_box(graph, random):
    layers = layers_of(graph)
    sizes = {node: (50.0 + 10 * layers[node], random.uniform(20, 60)) for node in graph}
    layout = layered(graph, layers, sizes, gap_along=30, gap_across=12)
    placed = list(boxes(layout, sizes))
    for a, b in itertools.combinations(placed, 2):
        assert not a.meets(b)
    for route in layout.routes.values():
        for (x0, y0), (x1, y1) in itertools.islice(itertools.pairwise(route), 1, None, 2):  # the lanes
            assert y0 == y1
            assert not any(Box(x0, y0, x1, y0 + 1e-9).meets(box) for box in placed)
    assert all(box.bottom >= -1e-6 and box.top <= layout.breadth + 1e-6 for box in placed)
    assert all(box.left >= -1e-6 and box.right <= layout.length + 1e-6 for box in placed)


def test_edges_lead_from_box_to_box():
    graph = nx.DiGraph([(0, 1), (1, 2), (0, 2)])
    sizes = dict.fromkeys(graph, (40.0, 20.0))
    layout = layered(graph, layers_of(graph), sizes, 30, 10)
    assert layout.routes[0, 1][0][0] == 40
    assert layout.routes[1, 2][-1][0] == layout.length - 40
    assert len(layout.routes[0, 2]) == 4


def test_a_chain_is_a_straight_line():
    graph = nx.path_graph(6, create_using=nx.DiGraph)
    layout = layered(graph, layers_of(graph), dict.fromkeys(graph, (40.0, 20.0)), 30, 10)
    assert {across for _, across in layout.places.values()} == {10.0}


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=12), st.floats(0, 20))
def test_spread_keeps_distances_and_does_not_shift_the_whole(wanted, apart):
    wanted = sorted(wanted)
    places = spread(wanted, [apart] * (len(wanted) - 1))
    assert all(b - a >= apart - 1e-6 for a, b in itertools.pairwise(places))
    assert sum(places) == pytest.approx(sum(wanted), abs=1e-6)


def test_spread_leaves_what_fits_where_it_is():
    assert spread([0.0, 10.0, 30.0], [10.0, 10.0]) == [0.0, 10.0, 30.0]
    assert spread([0.0, 0.0, 30.0], [10.0, 10.0]) == [-5.0, 5.0, 30.0]
    assert spread([], []) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 400), st.floats(0, 200)), min_size=1, max_size=20))
def test_labels_touch_neither_one_another_nor_a_point(places):
    spots, frame = np.array(places), Box(0, 0, 400, 200)
    offsets = label_offsets(spots, [70.0] * len(spots), spots, frame)
    labels = [
        Box(x + dx, y + dy - 5, x + dx + 70, y + dy + 5)
        for (x, y), (dx, dy) in ((spot, offset) for spot, offset in zip(spots, offsets, strict=True) if offset)
    ]
    for a, b in itertools.combinations(labels, 2):
        assert not a.meets(b)
    for label, (x, y) in itertools.product(labels, spots):
        assert not label.meets(Box(x - 1, y - 1, x + 1, y + 1))
        assert label.within(frame)


def test_a_lone_point_gets_its_label():
    assert label_offsets(np.array([[50.0, 50.0]]), [60.0], np.zeros((0, 2)), Box(0, 0, 200, 100)) != [None]
