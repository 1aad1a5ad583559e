"""`evoml fit --operator`: operators of the user's own, found in files, also by a run that is replayed from elsewhere."""

from __future__ import annotations

import pytest

from evoml.cli.options import operators_from
from evoml.core import SettingError
from evoml.journal import Journal

OWN = """
from evoml.genomes.pipeline_tree import Term

def tree(pipeline, rng):
    return Term("DecisionTreeClassifier", (Term("features"),), {"max_depth": int(rng.integers(1, 9))})
"""


def test_an_operator_has_a_name_and_a_place():
    assert operators_from(None) is None
    assert operators_from(["a=b.py:c", "d=e=f.py:g"]) == {"a": "b.py:c", "d": "e=f.py:g"}


@pytest.mark.parametrize("wrong", ["tree", "tree=own.txt:tree", "=own.py:tree", "tree=own.py"])
def test_another_form_is_refused(wrong):
    with pytest.raises(SettingError, match=r"--operator takes NAME=FILE\.py:FUNCTION"):
        operators_from([wrong])


def test_it_takes_part_in_a_run_and_in_its_replay(run, here, monkeypatch):
    (here / "own.py").write_text(OWN)
    (here / "parts.toml").write_text('only = ["DecisionTreeClassifier", "GaussianNB", "StandardScaler"]\n')
    options = ("--evaluations", 8, "--seed", 1, "--jobs", 1, "--ensemble-size", 1, "--explain", 0, "--out", "r")
    space = ("--search-space", "parts.toml", "--operator", "tree=own.py:tree")
    assert run("fit", "sklearn:iris", *options, *space).exit_code == 0
    with Journal.read(here / "r" / "journal.sqlite") as journal:
        assert "tree" in journal.settings["own_operators"]
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert run("replay", here / "r").exit_code == 0


def test_what_is_not_there_is_refused(refused, mixed):
    assert "there is no file" in refused("fit", mixed, "--target", "label", "--operator", "a=none.py:b", "--out", "r")
    assert not (mixed.parent / "r").exists()


def test_an_unknown_algorithm_is_refused_before_there_is_a_folder(run, mixed):
    result = run("fit", mixed, "--target", "label", "--algorithm", "nsga", "--out", "r")
    assert result.exit_code == 2
    assert "folder:" not in result.stderr
    assert "unknown algorithm 'nsga'" in result.stderr
