"""The page about a run."""

import os
import re
import subprocess
import sys

import pytest

from evoml.report.html import duration, render_report, write_report

SELECTION = "(cross-validated on the data that chose it; not an estimate of future performance)"


def test_a_finished_run(full, tmp_path):
    path = write_report(full, tmp_path / "report.html")
    page = path.read_text(encoding="utf-8")
    assert "Predicting diagnosis" in page
    assert SELECTION in page
    assert "honest estimate" in page
    for words in (
        "0.9312",
        "143 rows",
        "0.9500",
        "± 0.0158",
        "0.5000",
        "crossover",
        "scikit-learn",
        "nsga2",
        "data flow",
    ):
        assert words.lower() in page.lower()
    assert page.count("<svg") == 10
    assert "has not finished" not in page


def test_an_ensemble_is_told_with_its_own_score(new_run):
    run = new_run()
    for text, score in (("GaussianNB(features)", 0.9), ("SVC(features)", 0.8)):
        run.scored(text, score)
    page = render_report(run.finish(ensemble={"score": 0.9377, "weights": {"1": 0.75, "0": 0.25}}))
    assert "an average of 2 pipelines" in page
    assert "0.9377" in page
    assert '<td class="number">0.75</td>' in page


def test_the_page_fetches_nothing_and_runs_nothing(full):
    page = render_report(full)
    links = set(re.findall(r"https?://[^\"'\s<]*", page))
    assert links <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "<script" not in page
    assert "<link" not in page
    assert not re.search(r"(?<![\w-])nan(?!\w)", re.sub(r"contains NaN", "", page), re.IGNORECASE)
    assert not re.search(r">\s*None\s*<", page)


def test_what_came_from_data_is_escaped(full):
    page = render_report(full)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "one column is &lt;b&gt;constant&lt;/b&gt;" in page


def test_hostile_names_everywhere(new_run):
    evil = "\"><img src=x onerror=alert(1)>'</style></svg>$x$"
    run = new_run(
        {"target": evil, "table": evil, "scoring": [evil], "classes": [evil, 1], evil: evil, "versions": {evil: 1}}
    )
    first = run.scored("GaussianNB(features)", 0.9, operator=evil)
    run.scored(f"Own(features, name={evil!r})", 0.95, parents=(first,), operator=evil)
    run.failed("SVC(features)", evil)
    run.journal.event(evil, **{evil: evil})
    page = render_report(run.finish(stopped_by=evil))
    assert "<img" not in page
    assert page.count("</style>") == 1 + page.count("<style type=")


def test_failures_show_kind_count_and_example(full):
    page = render_report(full)
    assert "ValueError: column # contains NaN" in page
    assert "ValueError: column 17 contains NaN" in page
    assert "3 of 7 evaluations failed" in page


def test_an_unfinished_run_says_so(run):
    run.scored("GaussianNB(features)", 0.9)
    run.ask("SVC(features)")
    run.journal.event("interrupted", signal="SIGINT")
    page = render_report(run.journal)
    assert "This run has not finished." in page
    assert re.search(r"1\s+candidate was asked for and not yet evaluated", page)
    assert "signal SIGINT" in page
    assert SELECTION in page
    assert "no hold-out score so far" in page


def test_nothing_asked(run):
    page = render_report(run.journal)
    assert "No candidate has been scored." in page
    assert "<svg" not in page
    assert SELECTION not in page


def test_only_failures(run):
    run.failed("SVC(features)", "ValueError: no")
    page = render_report(run.finish(best=None, front=[]))
    assert "Every evaluation failed" in page
    assert "ValueError: no" in page


def test_settings_may_be_missing(new_run):
    run = new_run({})
    run.scored("GaussianNB(features)", 0.9)
    page = render_report(run.journal)
    assert "A search for a model" in page
    assert "balanced_accuracy" in page


def test_one_objective(new_run):
    run = new_run({"objectives": ["score"], "scoring": ["balanced_accuracy"]})
    run.scored("GaussianNB(features)", 0.9, None)
    run.scored("SVC(features)", 0.95, None)
    page = render_report(run.finish(best=1, front=[1], holdout=None, baseline=None))
    assert "Score against" not in page
    assert "No rows were held out in this run." in page
    assert "Constant prediction" not in page


def test_a_candidate_that_is_no_pipeline_is_shown_as_text(run):
    run.scored("x0 + sin(x1 & x2)", 0.9)
    page = render_report(run.journal)
    assert "<pre>x0 + sin(x1 &amp; x2)</pre>" in page


def test_duplicates_appear_once(full):
    page = render_report(full)
    assert "The 4 best of 4 distinct scored candidates" in page


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.24, "1.2 s"), (125, "2 min 05 s"), (3720, "1 h 02 min"), (0.0, "0.0 s")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text


WRITE = "import sys; from evoml.journal import Journal; from evoml.report import write_report;"
WRITE += "write_report(Journal.read(sys.argv[1]), sys.argv[2]); assert 'matplotlib.pyplot' not in sys.modules"


def test_the_same_journal_gives_the_same_bytes_in_any_process(new_run, fill, tmp_path):
    fill(new_run(path=tmp_path / "run.journal")).finish(best=4).close()
    pages = []
    for hash_seed in ("1", "2"):
        target = tmp_path / f"{hash_seed}.html"
        command = [sys.executable, "-c", WRITE, str(tmp_path / "run.journal"), str(target)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed}, timeout=60)
        pages.append(target.read_bytes())
    assert pages[0] == pages[1]


def test_importing_the_room_loads_nothing_heavy():
    heavy = "{'matplotlib', 'pandas', 'jinja2', 'numpy', 'networkx'}"
    code = (
        f"import sys, evoml.report; assert not {heavy} & set(sys.modules); assert 'write_report' in dir(evoml.report)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_unknown_names_are_refused():
    import evoml.report

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = evoml.report.nothing


def test_an_interrupted_run_says_so(run):
    run.scored("GaussianNB(features)", 0.9)
    page = render_report(run.finish(stopped_by="interrupt"))
    assert "This run was interrupted" in page
    assert "ended because it was interrupted" in page


@pytest.mark.parametrize(
    ("model", "words"),
    [("", "a constant guess"), ("SVC(features)", "<code>SVC(features)</code>"), ("GaussianNB(features)", None)],
)
def test_a_model_that_is_not_the_best_candidate_is_told(run, model, words):
    run.scored("GaussianNB(features)", 0.9)
    page = render_report(run.finish(model=model))
    assert ("The model handed over is not the best candidate" in page) == (words is not None)
    assert words is None or words in page


def test_a_run_without_a_scored_candidate_hands_over_a_guess(run):
    run.failed("SVC(features)", "ValueError: no")
    assert "The model handed over is a constant guess." in render_report(run.finish(model=""))
