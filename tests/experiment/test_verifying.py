"""Recorded cells, run again: equal, or different at a candidate that is named."""

from __future__ import annotations

import pytest
from walks import CONFIG, RUNNER

from evoml.experiment import run_experiment, verify
from evoml.experiment.trace import first_difference, hashed

CHANGED = RUNNER.replace(
    "scores = [gain", "odd = 1e-16 * (cell.seed == 1)\n    scores = [(gain if step != 7 else gain + 3 * odd)"
)


@pytest.fixture
def recorded(experiment_folder):
    """A recorded experiment of two cells, whose runner has changed since in one bit of candidate 7 of seed 1."""
    folder = experiment_folder(CONFIG.replace("seeds = 6", "seeds = 2").replace("[1.0, 1.5]", "[1.0]"))
    run_experiment(folder, jobs=1)
    return folder


def test_what_has_not_changed_is_equal_on_one_and_on_two_workers(recorded):
    for jobs, cell_jobs in ((1, None), (2, None), (2, 2)):
        assert [one.status for one in verify(recorded, jobs=jobs, cell_jobs=cell_jobs)] == ["equal", "equal"]


@pytest.mark.parametrize("journals", [True, False], ids=["with journals", "from a fresh clone"])
def test_a_changed_bit_is_found_and_its_candidate_named(recorded, tmp_path, monkeypatch, journals):
    (recorded / "runner.py").write_text(CHANGED)
    if not journals:
        monkeypatch.setenv("EVOML_EXPERIMENTS", str(tmp_path / "empty"))
    first, second = sorted(verify(recorded, jobs=1), key=lambda verdict: verdict.cell)
    assert first.status == "equal"
    assert second.status == "different"
    expected = (
        "flat-1.0-1: different: candidate 7, its score, differs: was"
        if journals
        else "flat-1.0-1: different: candidate 7 differs; it is now"
    )
    assert str(second).startswith(expected)
    assert "(changed since: " in str(second)
    assert "file runner.py " in str(second)


def test_what_cannot_be_compared_says_why(recorded, experiment_folder):
    text = (recorded / "config.toml").read_text()
    (recorded / "config.toml").write_text(text.replace("seeds = 2", "seeds = 3") + "deep = 1\n")
    reasons = {one.cell: one.reason for one in verify(recorded, jobs=1)}
    assert reasons == {
        "flat-1.0-0": "the config has changed since it was run",
        "flat-1.0-1": "the config has changed since it was run",
        "flat-1.0-2": "it is not finished",
    }


@pytest.mark.parametrize("cells", [1, 10_000], ids=["marks at each row", "marks far apart"])
def test_the_first_difference_is_found_by_marks_or_by_rows(cells):
    rows = [(f"candidate {at}", {"score": at / 7, "text": "a"}) for at in range(100)]
    changed = [*rows[:41], ("candidate 41", {"score": rows[41][1]["score"] + 1e-15, "text": "a"}), *rows[42:]]
    marks = hashed(rows, cells)
    assert first_difference(marks, rows) is None
    assert first_difference(marks, changed, rows).name == "candidate 41, its score,"
    found = first_difference(marks, changed).name
    if cells == 1:
        assert found == "candidate 41"
    else:
        assert marks.stride > 1
        low, high = (int(word) for word in found.split() if word.isdigit())
        assert low <= 41 <= high
    assert "candidate 60" in str(first_difference(marks, rows[:60], rows))
    assert "the run ended after row 60, of 100" in str(first_difference(marks, rows[:60])) or cells > 1
