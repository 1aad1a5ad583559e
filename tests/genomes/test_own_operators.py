"""Operators of the user's own on pipelines."""

import pickle
from dataclasses import replace

import pytest
from contracts.pipeline_spaces import space as standard_space

from evoml.core import SearchSpaceError, stream
from evoml.genomes.pipeline_tree import PipelineSpace, Term
from evoml.genomes.pipeline_tree.term import read_term


def space(kind="dense", **operators):
    known = standard_space("classification", kind)
    return PipelineSpace(known.catalogue, known.facts, own_operators=operators)


def varied(of, operator, *texts):
    parents = [of.grammar.tree(read_term(text), adapt=True) for text in texts]
    return str(of.vary([operator], [parents], [stream(3)])[0])


def components_first(pipeline, rng):
    return replace(pipeline, inputs=(Term("PCA", pipeline.inputs),))


def model_of_the_second(first, second, rng):
    return replace(second, inputs=first.inputs)


def test_own_operators_stand_beside_the_others():
    plain, of = space(), space(components_first=components_first, model_of_the_second=model_of_the_second)
    assert of.operators == {**plain.operators, "components_first": 1, "model_of_the_second": 2}


def test_their_offspring_are_typed_trees():
    of = space(components_first=components_first)
    text = varied(of, "components_first", "GaussianNB(StandardScaler(features))")
    assert text.startswith("GaussianNB(PCA(StandardScaler(features)")
    assert str(of.parse(text)) == text


def test_what_their_steps_need_is_put_before_them():
    of = space(
        "numeric", components_first=lambda pipeline, rng: Term("GaussianNB", (Term("PCA", (Term("features"),)),))
    )
    assert "Imputer" in varied(of, "components_first", "HistGradientBoostingClassifier(features)")


def test_they_take_several_parents():
    of = space(model_of_the_second=model_of_the_second)
    made = varied(of, "model_of_the_second", "GaussianNB(PCA(features))", "LinearDiscriminantAnalysis(features)")
    assert made.startswith("LinearDiscriminantAnalysis(PCA(features")


def test_one_of_a_known_name_takes_its_place():
    of = space(perturb=lambda pipeline, rng: Term("GaussianNB", (Term("features"),)))
    assert varied(of, "perturb", "LinearDiscriminantAnalysis(features)").startswith("GaussianNB(features")
    assert list(of.operators) == list(space().operators)


def test_nothing_found_is_a_random_pipeline():
    of = space(idle=lambda pipeline, rng: None)
    assert of.parse(varied(of, "idle", "GaussianNB(features)"))


def test_what_cannot_be_written_is_told_and_does_no_harm():
    of = space(broken=lambda pipeline, rng: Term("NoSuchPart", pipeline.inputs))
    with pytest.warns(UserWarning, match="the operator 'broken' wrote a pipeline that cannot be used"):
        made = varied(of, "broken", "GaussianNB(features)")
    assert of.parse(made)


def test_a_mistake_in_an_operator_is_not_hidden():
    of = space(faulty=lambda pipeline, rng: pipeline.no_such_attribute)
    with pytest.raises(AttributeError):
        varied(of, "faulty", "GaussianNB(features)")


def test_an_operator_must_take_a_parent():
    with pytest.raises(SearchSpaceError, match="takes its parents one by one"):
        space(broken=lambda rng: None)


def test_workers_need_no_operators_and_lambdas_do_no_harm():
    of = space(idle=lambda pipeline, rng: None)
    again = pickle.loads(pickle.dumps(of))
    assert again.build("GaussianNB(features)", 0) is not None
