"""What a candidate is made of, and how far two are apart."""

from itertools import combinations
from math import isnan, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoml.report.structure import MOST_COMPARED, entropy, mean_distance, structure

trees = st.recursive(
    st.sampled_from(["features", "x0", "1.5"]),
    lambda inner: st.builds("{}({}, {})".format, st.sampled_from(["A", "B", "C"]), inner, inner),
    max_leaves=6,
)


def test_hyperparameters_and_constants_do_not_count():
    first, second = structure("SVC(PCA(features, n=3), C=1.0)"), structure("SVC(PCA(features), C=10.0)")
    assert first == second
    assert first.parts == ("SVC", "PCA")
    assert first.subtrees == {"features", "PCA(features)", "SVC(PCA(features))"}
    assert structure("2.5 * x0 + 1.0").subtrees == {"#", "x0", "mul(#, x0)", "add(mul(#, x0), #)"}
    assert structure('x0 / "odd name" ^ 2').parts == ("pow", "div")


def test_programs_are_their_assignments():
    found = structure("def predict():\n    v1 = v0 * s2\n    s1 = dot(v1, v0)\n\ndef learn():\n    ...\n")
    assert found.parts == ("mul", "dot")
    assert {"v1 = mul(v0, s2)", "s1 = dot(v1, v0)"} <= found.subtrees


def test_what_cannot_be_read_is_taken_line_by_line():
    found = structure("go left\n\n  go right  now\n")
    assert found.parts == ("go", "go")
    assert found.subtrees == {"go left", "go right now"}


@given(st.lists(trees, min_size=2, max_size=12))
def test_mean_distance_is_that_of_all_pairs(texts):
    sets = [structure(text).subtrees for text in texts]
    distances = [1 - len(a & b) / len(a | b) for a, b in combinations(sets, 2)]
    assert mean_distance(texts) == pytest.approx(sum(distances) / len(distances), abs=1e-6)


def test_distance_of_one_is_unknown_and_of_many_is_taken_from_some():
    assert isnan(mean_distance(["A(x)"]))
    assert mean_distance(["A(x)"] * (3 * MOST_COMPARED)) == 0.0


@given(st.lists(st.sampled_from("abcd"), max_size=30))
def test_entropy(parts):
    counts = [parts.count(part) / len(parts) for part in set(parts)]
    assert entropy(parts) == pytest.approx(-sum(share * log2(share) for share in counts), abs=1e-12)
