"""A run's folder: never mixed up with another's."""

from __future__ import annotations

import pytest

from evoml.cli.folder import RunFolder
from evoml.core import JournalError, SettingError


def test_default_folders_are_named_after_the_table_and_never_shared(here):
    first = RunFolder.planned(None, "my table!")
    first.make()
    second = RunFolder.planned(None, "my table!")
    assert first.path.name.startswith("my-table-")
    assert first.path != second.path


def test_a_folder_with_something_in_it_is_refused(here):
    (here / "r").mkdir()
    (here / "r" / "note").write_text("x")
    with pytest.raises(SettingError, match="is not empty; empty it, or give another name"):
        RunFolder.planned("r", "t")
    (here / "r" / "run.json").write_text("{}")
    with pytest.raises(SettingError, match="go on with it by `evoml resume r`"):
        RunFolder.planned("r", "t")
    with pytest.raises(SettingError, match="is a file"):
        RunFolder.planned("r/note", "t")


def test_a_folder_that_is_not_there_is_named_with_the_nearest(here):
    (here / "run-7").mkdir()
    with pytest.raises(JournalError, match=r"no run folder run7; did you mean 'run-7'\?"):
        RunFolder.existing("run7")


def test_the_record_comes_back_and_damage_is_told(here):
    folder = RunFolder.planned("r", "t")
    folder.make()
    with pytest.raises(JournalError, match=r"has no run\.json"):
        folder.read_record()
    folder.write_record({"state": "running"})
    assert folder.read_record()["state"] == "running"
    folder.record.write_text('{"version": 99}')
    with pytest.raises(JournalError, match="version 99"):
        folder.read_record()
    folder.record.write_text('{"vers')
    with pytest.raises(JournalError, match="is damaged"):
        folder.read_record()


def test_an_unused_folder_is_discarded_but_a_journal_never(here):
    folder = RunFolder.planned("r", "t")
    folder.make()
    folder.write_record({})
    folder.journal.touch()
    folder.discard_if_unused()
    assert folder.record.is_file()
    folder.journal.unlink()
    folder.discard_if_unused()
    assert not folder.path.exists()
