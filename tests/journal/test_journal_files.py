"""A journal and its file: opening, sharing, damage, full disks and sudden death."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap

import pytest

from evoml.core import Candidate, Evaluation, JournalError, Outcome, Status
from evoml.journal import SCHEMA_VERSION, Journal


def candidate(index, **rest):
    return Candidate(index, f"genome {index}", f"key {index}", **rest)


def outcome(index, score=0.5):
    return Outcome(candidate(index), Evaluation(Status.OK, {"accuracy": (score, score)}), (score,))


def fill(journal, steps, start=0):
    for index in range(start, start + steps):
        journal.asked([candidate(index)], {"step": index, "phase": "asked"})
        journal.told([outcome(index)], {"step": index, "phase": "told"})


def python(code, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.db"


@pytest.fixture
def finished(path):
    with Journal.create(path, {"seed": 3}) as journal:
        fill(journal, 200)
    return path


# -- whose file it is -------------------------------------------------------------------------------------------------


def test_create_read_resume(path):
    with Journal.create(path, {"seed": 3}) as journal:
        fill(journal, 2)
    with Journal.read(path) as journal:
        assert journal.settings == {"seed": 3}
        assert len(journal.individuals()) == 2
    with Journal.resume(str(path)) as journal:
        fill(journal, 1, start=2)
        assert len(journal.individuals()) == 3
        assert journal.complete_on_disk


def test_a_missing_folder_is_made(tmp_path):
    Journal.create(tmp_path / "new" / "folder" / "run.db", {}).close()
    assert (tmp_path / "new" / "folder" / "run.db").is_file()


def test_a_closed_journal_is_one_file_and_a_lock(finished):
    names = {name for name in os.listdir(finished.parent) if not name.endswith(".lock")}
    assert names == {"run.db"}


def test_a_new_run_never_takes_an_existing_file(finished):
    before = finished.read_bytes()
    with pytest.raises(JournalError, match="exists already and holds another run; give a new path, or resume that run"):
        Journal.create(finished, {})
    assert finished.read_bytes() == before
    Journal.resume(finished).close()  # the refusal left no lock behind


@pytest.mark.parametrize("opening", [Journal.resume, lambda path: Journal.create(path, {})])
def test_two_runs_of_one_process_never_share_a_file(path, opening):
    with Journal.create(path, {}), pytest.raises(JournalError, match=r"run\.db is in use by another run; wait for it"):
        opening(path)


def test_two_processes_never_share_a_file(path):
    code = """
        import sys
        from evoml.journal import Journal
        journal = Journal.create(sys.argv[1], {})
        print("open", flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        other.stdout.readline()
        with pytest.raises(JournalError, match="in use by another run"):
            Journal.resume(path)
        other.stdin.close()
    Journal.resume(path).close()


def test_a_running_journal_can_be_read(path):
    with Journal.create(path, {}) as journal:
        fill(journal, 3)
        with Journal.read(path) as reader:
            assert len(reader.individuals()) == 3
            fill(journal, 1, start=3)
            assert len(reader.individuals()) == 4


def test_a_reader_cannot_write(finished):
    with Journal.read(finished) as reader, pytest.warns(RuntimeWarning, match="can no longer be written"):
        reader.event("note")
    with Journal.read(finished) as reader:
        assert reader.events() == []


def test_after_closing_nothing_is_written(path):
    journal = Journal.create(path, {})
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="could not record a step"):
        journal.event("late")


# -- paths and files that will not do ---------------------------------------------------------------------------------


def test_there_must_be_a_file_to_open(tmp_path):
    for opening in (Journal.resume, Journal.read):
        for path in (tmp_path, tmp_path / "nothing.db"):
            with pytest.raises(JournalError, match=r"there is no journal at .*; check the path, or start a run"):
                opening(path)


def test_a_path_below_a_file_is_refused(finished):
    with pytest.raises(JournalError, match=r"cannot be written at .*; give another path"):
        Journal.create(finished / "run.db", {})


@pytest.mark.skipif(not hasattr(os, "fork") or os.name != "posix" or os.geteuid() != 0, reason="needs to become nobody")
@pytest.mark.parametrize("opening", [Journal.resume, lambda path: Journal.create(path.with_name("other.db"), {})])
def test_a_folder_without_permission_is_refused(finished, opening):
    finished.parent.chmod(0o555)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.setuid(65534)
        try:
            opening(finished)
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    assert said.startswith("JournalError: ")
    assert "cannot be written at" in said or "there is no journal" in said


@pytest.mark.parametrize("opening", [Journal.resume, Journal.read])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a journal of evoml"),
        (b"a,b\n1,2\n" * 500, "cannot be used as a journal: file is not a database; the file is damaged"),
    ],
)
def test_other_files_are_no_journals(tmp_path, opening, content, message):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=message):
        opening(path)
    assert path.read_bytes() == content


def sqlite_file(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("opening", [Journal.resume, Journal.read])
def test_other_databases_are_no_journals(path, opening):
    sqlite_file(path, "CREATE TABLE candidates (id)")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="not a journal of evoml; give the journal file of a run"):
        opening(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("opening", [Journal.resume, Journal.read])
def test_another_version_is_named(finished, opening):
    sqlite_file(finished, "PRAGMA user_version = 99")
    message = f"has journal version 99, this evoml reads version {SCHEMA_VERSION}; open it with the evoml version that"
    with pytest.raises(JournalError, match=message):
        opening(finished)


@pytest.mark.parametrize("opening", [Journal.resume, Journal.read])
def test_a_journal_without_tables_is_damaged(finished, opening):
    sqlite_file(finished, "DROP TABLE outcomes")
    with pytest.raises(JournalError, match="no such table: outcomes; the file is damaged"):
        opening(finished)


@pytest.mark.parametrize("opening", [Journal.resume, Journal.read])
@pytest.mark.parametrize("place", ["header", "middle", "half", "everywhere"])
def test_damage_is_found_at_the_door(finished, opening, place):
    content = bytearray(finished.read_bytes())
    noise = random.Random(0).randbytes(len(content))
    spans = {
        "header": (0, 100),
        "middle": (4096, 12288),
        "half": (len(content) // 2, len(content)),
        "everywhere": (0, None),
    }
    start, stop = spans[place]
    content[start:stop] = noise[start:stop]
    finished.write_bytes(content)
    with pytest.raises(JournalError, match=r"damaged|corrupt|not a journal"):
        opening(finished)


def test_a_truncated_file_is_damaged(finished):
    finished.write_bytes(finished.read_bytes()[: 4096 * 3])
    with pytest.raises(JournalError, match=r"damaged|corrupt"):
        Journal.resume(finished)


# -- copies -----------------------------------------------------------------------------------------------------------


def test_a_saved_copy_holds_everything(path, tmp_path):
    with Journal.create(path, {"seed": 3}) as journal:
        fill(journal, 5)
        journal.save(tmp_path / "copy.db")
        expected = journal.individuals()
    with Journal.resume(tmp_path / "copy.db") as copy:
        assert copy.individuals().equals(expected)
        assert copy.get("state") == {"step": 4, "phase": "told"}


def test_a_copy_never_replaces_a_file(path, tmp_path):
    other = tmp_path / "thesis.txt"
    other.write_text("years of work")
    with (
        Journal.create(path, {}) as journal,
        pytest.raises(JournalError, match="exists already, and a copy replaces no"),
    ):
        journal.save(other)
    assert other.read_text() == "years of work"


def test_a_copy_that_cannot_be_written_says_so(finished, tmp_path):
    with Journal.read(finished) as journal:
        for path in (tmp_path / "no folder" / "copy.db", finished / "copy.db"):
            with pytest.raises(JournalError, match="could not be copied to"):
                journal.save(path)


def test_bytes_hold_everything_also_while_the_run_goes_on(path):
    with Journal.create(path, {"seed": 3}) as journal:  # the file keeps a write-ahead log
        fill(journal, 3)
        content = journal.to_bytes()
    with Journal.from_bytes(content) as copy:
        assert copy.settings == {"seed": 3}
        assert len(copy.individuals()) == 3
        fill(copy, 1, start=3)
        assert len(Journal.from_bytes(copy.to_bytes()).individuals()) == 4


def test_the_bytes_of_a_closed_file_will_do(finished):
    assert len(Journal.from_bytes(finished.read_bytes()).individuals()) == 200


def test_a_journal_in_memory_gives_bytes():
    with Journal.create(None, {"seed": 1}) as journal:
        assert journal.path is None
        assert Journal.from_bytes(journal.to_bytes()).settings == {"seed": 1}


@pytest.mark.parametrize("content", [b"", b"junk" * 1000])
def test_bytes_of_something_else_are_refused(content):
    with pytest.raises(JournalError, match="the record cannot be used as a journal: file is not a database"):
        Journal.from_bytes(content)


# -- a full disk ------------------------------------------------------------------------------------------------------


def shrink(journal):
    """Allow the file not a page more than it has."""
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_costs_one_warning_and_nothing_else(path, tmp_path, recwarn):
    journal = Journal.create(path, {"seed": 3})
    fill(journal, 3)
    shrink(journal)
    fill(journal, 300, start=3)
    journal.event("note")
    (warning,) = recwarn.list
    assert warning.category is RuntimeWarning
    assert "can no longer be written (database or disk is full)" in str(warning.message)
    assert "journal.save(PATH)" in str(warning.message)
    assert not journal.complete_on_disk
    assert len(journal.individuals()) == 303
    assert (journal.individuals()["status"] == "OK").all()
    assert len(Journal.from_bytes(journal.to_bytes()).individuals()) == 303
    journal.save(tmp_path / "elsewhere.db")
    assert len(Journal.read(tmp_path / "elsewhere.db").individuals()) == 303
    assert len(Journal.read(path).individuals()) < 303
    journal.close()
    assert len(Journal.read(path).individuals()) == 303  # there was space again at the end
    assert not list(tmp_path.glob("*.part"))


FULL_DISK = """
    import resource, sys, warnings
    from evoml.core import Candidate, Evaluation, JournalError, Outcome, Status
    from evoml.journal import Journal

    path, space_again = sys.argv[1], sys.argv[2] == "again"
    journal = Journal.create(path, {"seed": 3})
    limit = 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for index in range(400):
            candidate = Candidate(index, "g" * 500, str(index))
            journal.asked([candidate], {"step": index})
            journal.told([Outcome(candidate, Evaluation(Status.OK), (0.5,))], {"step": index})
        print(len(caught), journal.complete_on_disk, len(journal.individuals()), journal.get("state")["step"])
        try:
            journal.save(path + ".copy")
        except JournalError as error:
            print("free some space there" in str(error))
        if space_again:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        journal.close()
        print(len(caught))
"""


@pytest.mark.parametrize(("space", "rows"), [("again", range(400, 401)), ("none", range(1, 400))])
def test_a_disk_that_is_really_full(path, space, rows):
    pytest.importorskip("resource")
    process = python(FULL_DISK, path, space)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert output.split("\n")[:3] == ["1 False 400 399", "True", "1"]
    with Journal.resume(path) as journal:
        assert len(journal.individuals()) in rows
        assert journal.get("state")["step"] in (len(journal.individuals()) - 1, len(journal.individuals()))
    assert not list(path.parent.glob("*.part"))
    assert not list(path.parent.glob("*.copy"))


def test_a_disk_full_from_the_start_leaves_nothing_behind(path):
    pytest.importorskip("resource")
    code = """
        import resource, sys
        from evoml.core import JournalError
        from evoml.journal import Journal
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        try:
            Journal.create(sys.argv[1], {})
        except JournalError as error:
            print(error)
    """
    output, errors = python(code, path).communicate()
    assert "cannot be used as a journal" in output, errors
    assert not path.exists()


# -- sudden death -----------------------------------------------------------------------------------------------------


ENDLESS = """
    import sys
    from evoml.core import Candidate, Evaluation, Outcome, Status
    from evoml.journal import Journal

    journal = Journal.create(sys.argv[1], {})
    for index in range(10**9):
        pair = [Candidate(2 * index + i, "g", str(2 * index + i)) for i in (0, 1)]
        journal.asked(pair, {"asked": 2 * index + 2, "told": 2 * index})
        journal.told([Outcome(c, Evaluation(Status.OK), (0.5,)) for c in pair], {"asked": 2 * index + 2, "told": 2 * index + 2})
        if index in (0, 50, 100):
            print(index, flush=True)
"""


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_killed_at_any_moment_rows_and_state_agree(path, steps):
    process = python(ENDLESS, path)
    for _ in range(steps):
        assert process.stdout.readline(), process.stderr.read()
    process.send_signal(signal.SIGKILL)
    process.wait()
    with Journal.resume(path) as journal:
        candidates, outcomes = journal.asked_and_told(str)
        assert journal.get("state") == {"asked": len(candidates), "told": len(outcomes)}
        assert len(candidates) - len(outcomes) in (0, 2)
        assert list(candidates) == list(range(len(candidates)))
        journal.asked([Candidate(len(candidates), "g", "next")], {})


def test_a_step_that_fails_half_way_leaves_no_trace(path):
    with Journal.create(path, {}) as journal:
        fill(journal, 2)
        state = journal.get("state")
        with pytest.raises(JournalError, match="could not record a step: UNIQUE constraint failed"):
            journal.asked([candidate(2), candidate(1)], {"step": 99})
        with pytest.raises(JournalError, match="could not record a step"):
            journal.told([outcome(0)], {"step": 99})
        assert journal.complete_on_disk
        assert journal.get("state") == state
        assert json.dumps(list(journal.individuals().index)) == "[0, 1]"


@pytest.mark.parametrize("written_ahead", [False, True])
def test_a_file_killed_in_the_middle_of_its_making_is_begun_anew(tmp_path, written_ahead):
    path = tmp_path / "run.db"
    with sqlite3.connect(path) as connection:
        if written_ahead:
            connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    assert path.exists() or not written_ahead
    assert not Journal.has_begun(path)
    with Journal.create(path, {"seed": 1}) as journal:
        assert journal.settings == {"seed": 1}
    assert Journal.has_begun(path)


def test_whatever_else_is_there_has_begun(tmp_path):
    (tmp_path / "text").write_text("no database")
    with Journal.create(tmp_path / "run.db", {}):
        pass
    assert all(Journal.has_begun(path) for path in (tmp_path / "text", tmp_path / "run.db", tmp_path))
    assert not Journal.has_begun(tmp_path / "nothing")
