"""`evoml lineage` and `evoml compare`: on folders, on journals, and what they refuse."""

import networkx as nx
import pandas as pd
import pytest

from evoml.core import Candidate, Evaluation, Outcome, Status
from evoml.journal import Journal


@pytest.fixture
def runs(here):
    """Two journals: a family of three, and founders alone."""
    for name, bred in (("family", True), ("founders", False)):
        with Journal.create(here / f"{name}.sqlite", {"scoring": ["accuracy"], "seed": int(bred)}) as journal:
            for one in range(3):
                parents, operator = ((one - 1,), "mutate") if bred and one else ((), "initial")
                candidate = Candidate(one, f"P{one}(features)", f"{one}", parents, operator, one if bred else 0)
                journal.asked([candidate], {})
                journal.told(
                    [Outcome(candidate, Evaluation(Status.OK, {"accuracy": (0.5,)}), (0.5 + 0.1 * one, -1.0))], {}
                )
                journal.progressed(one + 1, one + 1, 0.5 + 0.1 * one, {"population": [one]})
    return here


def test_lineage_is_printed_and_written(runs, run):
    result = run("lineage", "family.sqlite", "--graphml", "g.graphml", "--csv", "t.csv", "--picture", "p.png")
    assert result.exit_code == 0, result.output
    assert "# candidate 2: 2 ancestors, 1 of them in the first population" in result.stdout
    assert "mutate\t2\t2\t0.2\t2\t0.2\t2\t0.2" in result.stdout
    assert "written: p.png" in result.stderr
    assert sorted(nx.read_graphml("g.graphml", node_type=int).edges) == [(0, 1), (1, 2)]
    assert len(pd.read_csv("t.csv")) == 3
    assert (runs / "p.png").read_bytes().startswith(b"\x89PNG")


def test_a_candidate_may_be_named(runs, run):
    assert "# candidate 1: 1 ancestors" in run("lineage", "family.sqlite", "--candidate", 1).stdout


def test_founders_alone_have_no_descent(runs, run):
    result = run("lineage", "founders.sqlite")
    assert "holds no parents" in result.stderr
    assert "# the population over time" in result.stdout


def test_runs_are_compared(runs, run):
    result = run("compare", "family.sqlite", "founders.sqlite", "--out", "c.html")
    assert result.exit_code == 0, result.output
    assert "best score\t0.7000\t0.7000" in result.stdout
    assert "seed\t1\t0" in result.stdout
    assert "2 runs compared" in (runs / "c.html").read_text()
    assert run("compare", "family.sqlite", "founders.sqlite", "--out", "c.svg").exit_code == 0
    assert "<svg" in (runs / "c.svg").read_text()


def test_runs_of_one_name_are_told_apart_by_their_folders(runs, run):
    for name in ("family", "founders"):
        (runs / name).mkdir()
        (runs / f"{name}.sqlite").rename(runs / name / "journal.sqlite")
    assert "fact\tfamily\tfounders" in run("compare", "family", "founders").stdout
    result = run("compare", "family/journal.sqlite", "founders/journal.sqlite")
    assert "fact\tfamily/journal.sqlite\tfounders/journal.sqlite" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lineage", "nowhere"), "there is no run folder nowhere"),
        (("lineage", "family.sqlite", "--candidate", 9), "no candidate 9"),
        (("lineage", "family.sqlite", "--picture", "p.gif"), "must end in .png, .svg, .pdf; got p.gif"),
        (("lineage", "family.sqlite", "--csv", "none/t.csv"), "none"),
        (("compare", "family.sqlite"), "two runs or more, got 1"),
        (("compare", "family.sqlite", "family.sqlite"), "named twice"),
        (("compare", "family.sqlite", "founders.sqlite", "--out", "c.txt"), "--out must end in .html"),
        (("compare", "family.sqlite", "table.csv"), "cannot be used as a journal"),
    ],
)
def test_mistakes_are_one_line(runs, refused, arguments, message):
    (runs / "table.csv").write_text("a,b\n1,2\n")
    assert message in refused(*arguments)
