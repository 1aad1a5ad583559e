"""Objects in users' own files: found by name, the same as long as the file is, with one clear error else."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from evoml.core.errors import SettingError
from evoml.core.own_files import from_file, is_in_file


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "own.py"
    path.write_text("def double(x):\n    return 2 * x\n")
    return path


@pytest.mark.parametrize(
    ("value", "there"), [("own.py:double", True), ("a/own.py:X", True), ("nsga2", False), (len, False)]
)
def test_what_names_an_object_in_a_file(value, there):
    assert is_in_file(value) is there


def test_the_object_is_the_same_as_long_as_the_file_is(file):
    double = from_file(f"{file}:double")
    assert double(4) == 8
    assert from_file(f"{file}:double") is double
    file.write_text("def double(x):\n    return x + x + 1\n")
    assert from_file(f"{file}:double")(4) == 9


def test_threads_wait_for_a_file_that_another_is_running(file):
    file.write_text("import time\ntime.sleep(0.2)\n\n\ndef double(x):\n    return 2 * x\n")
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(from_file, [f"{file}:double"] * 4))) == 1


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        (None, "double", "there is no file"),
        ("def double(x): ...", "duoble", "has no 'duoble'; did you mean 'double'"),
        ("1 / 0", "double", "could not be run: ZeroDivisionError"),
    ],
)
def test_what_cannot_be_had_is_one_clear_error(tmp_path, text, name, told):
    path = tmp_path / "other.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingError, match=told):
        from_file(f"{path}:{name}")
