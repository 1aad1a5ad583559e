"""Pipelines in words."""

import pytest

from evoml.components import load_catalogue
from evoml.report.pipelines import (
    _sentence,
    _words,
    group_of,
    model_name,
    read_graph,
    readable_pipeline,
    steps_in_words,
    value_text,
)
from evoml.report.style import GROUPS


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("GaussianNB(features)", "GaussianNB"),
        ("GaussianNB(PCA(StandardScaler(features), n_components=0.5))",
         "StandardScaler → PCA(n_components=0.5) → GaussianNB"),
        ("GaussianNB(union(features, stack(SVC(StandardScaler(features)))))", None),
        ("OwnModel(features, depth=3)", "OwnModel(depth=3)"),
        ("x0 + sin(x1)", "x0 + sin(x1)"),
    ],
)  # fmt: skip
def test_readable_pipeline(text, readable):
    got = readable_pipeline(text)
    if readable is None:  # the order of a union's inputs is that of their keys
        assert "stack(StandardScaler → SVC)" in got
        assert "features" in got
        assert got.endswith("] → GaussianNB")
    else:
        assert got == readable


def test_longer_branches_of_a_union_are_bracketed():
    text = readable_pipeline("GaussianNB(union(PCA(StandardScaler(features)), MinMaxScaler(features)))")
    assert "(StandardScaler → PCA)" in text


def test_default_values_and_inactive_ones_are_left_out():
    default = load_catalogue()["LogisticRegression"].defaults()["C"]
    assert readable_pipeline(f"LogisticRegression(features, C={default!r})") == "LogisticRegression"


def test_a_value_the_catalogue_does_not_know_is_shown():
    assert readable_pipeline("LogisticRegression(features, own=7)").startswith("LogisticRegression(")
    assert "own=7" in readable_pipeline("LogisticRegression(features, own=7)")


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1.0"), (1, "1"), (0.123456, "0.1235"), (1e-9, "1e-09"), (None, "None"), ("a", "a")]
)
def test_value_text_tells_floats_from_integers(value, text):
    assert value_text(value) == text


def test_a_stack_in_a_union_needs_no_brackets():
    text = readable_pipeline("GaussianNB(union(MinMaxScaler(features), stack(SVC(StandardScaler(features)))))")
    assert "stack(StandardScaler → SVC)" in text
    assert "(stack" not in text


def test_model_name():
    assert model_name("SVC(PCA(features))") == "SVC"
    assert model_name("not a pipeline, but a rather long line of text") == "not a pipeline, but a rathe…"


def test_steps_come_after_what_they_read_and_say_what_they_do():
    graph, root = read_graph("LogisticRegression(PCA(StandardScaler(features), n_components=0.5), C=2.5)")
    steps = steps_in_words(graph, root, 30)
    assert [step.name for step in steps] == ["Input", "StandardScaler", "PCA", "LogisticRegression"]
    assert "30 columns" in steps[0].sentence
    assert "columns of PCA" in steps[3].sentence
    assert (steps[2].settings, steps[3].settings) == ("n_components = 0.5", "C = 2.5")


def test_an_unknown_part_gets_a_sentence_too():
    graph, root = read_graph("OwnModel(features)")
    assert steps_in_words(graph, root)[-1].sentence == "Works on the input."


def test_every_part_of_the_catalogue_has_a_sentence_and_a_colour():
    catalogue, words = load_catalogue(), _words()
    for name, part in catalogue.items():
        assert name in words["parts"], f"{name} needs a sentence in steps.toml"
        told = _sentence(name, "the input", part.defaults())
        assert told.startswith(words["parts"][name].partition("{")[0]), f"{name} has no {told!r} in its sentence"
        assert group_of(name) in GROUPS


def test_every_sentence_names_what_it_reads():
    for sentence in [*_words()["parts"].values(), *_words()["kinds"].values()]:
        assert sentence.endswith((".", ")."))
        assert "{sources}" in sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("SVC(SimpleImputer(features, strategy='mean'))", "Fills the gaps in each column of the input with the column's mean."),
        ("SVC(KNNImputer(features, n_neighbors=1, add_indicator=True))",
         "Fills each gap in the input with the average of the most similar row, with a mark where they were."),
        ("SVC(PCA(features, n_components=0.9))",
         "Rotates the input to the directions in which the rows differ most, and keeps 90 % of the differences."),
        ("SVC(FastICA(features, n_components=1))", "Separates the input into one independent source."),
    ],
)  # fmt: skip
def test_sentences_tell_the_values_that_matter(text, sentence):
    told = [step.sentence for step in steps_in_words(*read_graph(text))]
    assert told[1] == sentence


def test_some_values_end_the_sentence():
    graph, root = read_graph("KNeighborsClassifier(features, n_neighbors=7, weights='distance')")
    sentence = steps_in_words(graph, root)[-1].sentence
    assert (
        sentence == "Lets the 7 most similar training rows of the input vote on the class, nearer ones counting more."
    )
