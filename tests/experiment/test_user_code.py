"""Functions in users' own files: each finds the helpers beside it, as they are now."""

from __future__ import annotations

from evoml.experiment.user_code import function_of

OWN = "from helper import W\n\ndef f():\n    import late\n    return W, late.V\n"


def test_helpers_of_one_name_are_those_beside_each_file_and_edited_ones_are_loaded_again(tmp_path):
    for number, name in enumerate(("one", "other"), 1):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "own.py").write_text(OWN)
        (folder / "helper.py").write_text("from deeper import W\n")
        (folder / "deeper.py").write_text(f"W = {number}\n")
        (folder / "late.py").write_text(f"V = {number}\n")
    assert function_of("one/own.py:f", tmp_path)() == (1, 1)
    assert function_of("other/own.py:f", tmp_path)() == (2, 2)
    first = function_of("one/own.py:f", tmp_path)
    assert first is function_of("one/own.py:f", tmp_path)
    assert first() == (1, 1)
    (tmp_path / "one" / "deeper.py").write_text("W = 1000\n")
    (tmp_path / "one" / "late.py").write_text("V = 1000\n")
    assert function_of("one/own.py:f", tmp_path)() == (1000, 1000)
    assert function_of("other/own.py:f", tmp_path)() == (2, 2)


def test_a_helper_that_has_not_changed_keeps_what_it_holds(tmp_path):
    (tmp_path / "own.py").write_text("import kept\n\ndef f():\n    kept.CALLS.append(1)\n    return len(kept.CALLS)\n")
    (tmp_path / "kept.py").write_text("CALLS = []\n")
    assert [function_of("own.py:f", tmp_path)() for _ in range(3)] == [1, 2, 3]
