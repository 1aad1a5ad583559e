"""Free text and similar categories as numbers: other columns stay, odd texts do no harm, the same seed gives the same bits."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from evoml.learners.categorical import TableHashingEncoder
from evoml.learners.text_columns import TextEncoder, TextSummary

TOPICS = (["cat", "dog", "horse", "cow"], ["bolt", "screw", "nail", "hammer"])


def texts(rows=60, seed=0):
    rng = np.random.default_rng(seed)
    about = rng.integers(0, 2, rows)
    words = [" ".join(rng.choice(TOPICS[topic], 6)) for topic in about]
    return pd.Series(words, dtype=pd.StringDtype("python")), about


def table(rows=60, categories=True):
    words, about = texts(rows)
    frame = pd.DataFrame({"n": np.arange(float(rows)), "t": words})
    if categories:
        frame["c"] = pd.Series(["x", np.nan] * (rows // 2), dtype=object)
    return frame, about


@pytest.mark.parametrize("analyser", ["word", "phrase", "char_wb"])
def test_topics_are_told_apart(analyser):
    frame, about = table(categories=False)
    found = TextEncoder(4, analyser, random_state=0).fit_transform(frame)
    assert found.shape == (60, 5)
    assert (found[:, 0] == frame["n"]).all()
    assert max(abs(np.corrcoef(found[:, 1:].T, about)[-1, :-1])) > 0.9


def test_categories_pass_and_the_frame_stays_one():
    frame, _ = table()
    encoder = TextEncoder(6, random_state=0)
    found = encoder.fit_transform(frame)
    assert list(found.columns) == list(encoder.get_feature_names_out()) == ["n", "c", *(f"t {i}" for i in range(6))]
    pd.testing.assert_frame_equal(found[["n", "c"]], frame[["n", "c"]])
    pd.testing.assert_frame_equal(encoder.transform(frame), found, rtol=1e-4)


def test_components_are_shared_by_the_columns():
    words, _ = texts()
    frame = pd.DataFrame({"a": words, "b": words[::-1].reset_index(drop=True)})
    assert TextEncoder(6).fit_transform(frame).shape == (60, 6)
    assert TextEncoder(1).fit_transform(frame).shape == (60, 2)


def test_the_same_seed_gives_the_same_bits():
    frame, _ = table()
    encoder = TextEncoder(5, random_state=3)
    pd.testing.assert_frame_equal(encoder.fit_transform(frame), clone(encoder).fit_transform(frame), check_exact=True)


@pytest.mark.parametrize("odd", [[""] * 4, ["a", "", "!", "?"], ["one word", "", "", ""], ["same text"] * 4])
def test_texts_without_terms_do_no_harm(odd):
    frame = pd.DataFrame({"t": pd.Series(odd, dtype=pd.StringDtype("python")), "n": 1.0})
    encoder = TextEncoder(random_state=0)
    found = encoder.fit_transform(frame)
    assert np.isfinite(found).all()
    new = frame.assign(t=pd.Series(["never seen", None, "", "x"], dtype=pd.StringDtype("python")))
    assert encoder.transform(new).shape == found.shape
    assert len(encoder.get_feature_names_out()) == found.shape[1]


def test_a_summary_counts_what_can_be_counted():
    frame = pd.DataFrame({"t": pd.Series(["Room 12, nice", ""], dtype=pd.StringDtype("python")), "n": [1.0, 2.0]})
    summary = TextSummary()
    assert summary.fit_transform(frame).tolist() == [[1, 13, 3, 2 / 13, 1 / 13], [2, 0, 0, 0, 0]]
    assert list(summary.get_feature_names_out()) == ["n", "t characters", "t words", "t digits", "t capitals"]
    assert summary.transform(frame.assign(t=None)).tolist() == [[1, 0, 0, 0, 0], [2, 0, 0, 0, 0]]


def test_an_unknown_analyser_is_refused():
    with pytest.raises(ValueError, match="analyser must be one of word, phrase, char_wb, got 'chars'"):
        TextEncoder(analyser="chars").fit(table()[0])


def test_similar_categories_have_similar_hashes_also_unknown_ones():
    frame = pd.DataFrame({"c": ["software engineer", "software engineers", "nurse", None], "n": [1.0, 2, 3, 4]})
    encoder = TableHashingEncoder(16)
    found = encoder.fit_transform(frame)
    assert found.shape == (4, 17)
    assert found[:, -1].tolist() == [1, 2, 3, 4]
    assert (found[3, :-1] == 0).all()
    assert np.abs(found).max() <= 4

    def alike(first, second):
        return (first[:-1] == second[:-1]).mean()

    assert alike(found[0], found[1]) > 0.5 > alike(found[0], found[2])
    new = encoder.transform(pd.DataFrame({"c": ["software engineering", "nurse"], "n": [0.0, 0]}))
    assert alike(new[0], found[0]) > 0.5
    assert alike(new[1], found[2]) == 1
    assert list(encoder.get_feature_names_out())[:2] == ["c_0", "c_1"]
    assert encoder.transform(pd.DataFrame({"c": [None], "n": [1.0]})).tolist() == [[0.0] * 16 + [1]]
