"""`evoml warmup`: what it compiles, what it says, and what it removes."""

import re

import pytest
from kernels.tiny_kernels import FAILING, GROUP, TinyKernels

from evoml.kernels import warmup
from evoml.kernels.folder import key_folder


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Tiny kernels as the only group, called ``tiny``."""
    made = TinyKernels(tmp_path / "tiny")
    monkeypatch.setenv("EVOML_CACHE_DIR", str(made.cache))
    monkeypatch.setenv("TINY_LOG", str(made.log))
    monkeypatch.syspath_prepend(str(made.source))
    monkeypatch.setattr(warmup, "GROUPS", warmup.GROUPS)
    for group in list(warmup.GROUPS):
        monkeypatch.delitem(warmup.GROUPS, group)
    warmup._text.cache_clear()
    return made


def test_groups_are_compiled_once_and_again_by_force(run, tiny):
    line = rf"{GROUP}: compiled in \d+\.\d s\nkernels in {re.escape(str(key_folder()))}\n"
    assert re.fullmatch(line, run("warmup", GROUP).stdout)
    assert re.match(rf"{GROUP}: ready, was compiled in \d+\.\d s\n", run("warmup", GROUP).stdout)
    assert tiny.compiled() == 1
    assert re.fullmatch(line, run("warmup", GROUP, "--force").stdout)
    assert tiny.compiled() == 2


def test_clearing_removes_what_was_compiled_for_this_state_and_others(run, tiny):
    tiny.compile()
    other = key_folder().with_name("0" * 24)
    (other / "inner").mkdir(parents=True)
    strange = key_folder().with_name("strange")
    strange.mkdir()
    folder = key_folder().parent
    result = run("warmup", "--clear")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"cleared: {folder}\n")
    assert list(folder.iterdir()) == [strange]
    assert not warmup.is_ready(GROUP)


def test_what_fails_is_an_error_after_the_others_were_compiled(refused, tiny):
    assert refused("warmup", FAILING, GROUP) == (
        f"not compiled: {FAILING} (the kernels of {FAILING} were not compiled: RuntimeError: no compiler today)"
    )
    assert warmup.is_ready(GROUP)


def test_an_unknown_group_is_an_error_before_anything_is_done(refused, tiny):
    tiny.compile()
    assert "there is no group of kernels 'bosting'" in refused("warmup", GROUP, "bosting", "--force")
    assert warmup.is_ready(GROUP)


def test_without_names_all_groups_are_compiled(run, tiny, monkeypatch):
    monkeypatch.setitem(warmup.GROUPS, "tiny", GROUP)
    assert run("warmup").stdout.startswith("tiny: compiled in ")
    assert tiny.compiled() == 1
