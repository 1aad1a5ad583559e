"""Where compiled kernels are kept, that nothing is compiled twice, and that nothing goes wrong where nothing can be kept."""

import os
import signal
import sys
import time

import pytest
from evaluation.processes import alive, wait_until
from tiny_kernels import FAILING, GROUP, HANGING, TinyKernels

from evoml.kernels import folder, warmup

USE = "import tiny_kernels_there as t; t.warm_up()"


@pytest.fixture
def tiny(tmp_path):
    return TinyKernels(tmp_path)


@pytest.fixture
def here(tiny, monkeypatch):
    """The tiny kernels, known to this process too."""
    for name in ("EVOML_CACHE_DIR", "TINY_LOG"):
        monkeypatch.setenv(name, tiny.environment()[name])
    monkeypatch.syspath_prepend(str(tiny.source))
    warmup._text.cache_clear()
    return tiny


def kept(tiny):
    return sorted(file.name for file in tiny.cache.rglob("*") if file.suffix in (".nbi", ".nbc"))


# -- what is kept ---------------------------------------------------------------------------------------------------------


def test_a_kernel_is_compiled_once_and_loaded_by_later_processes(tiny):
    for _ in range(2):
        tiny.run(USE)
    assert [record["compiled"] for record in tiny.warm_ups()] == [1, 0]
    assert [record["found"] for record in tiny.warm_ups()] == [12.0, 12.0]


def test_nothing_is_written_beside_the_source(tiny):
    tiny.run(USE)
    assert os.listdir(tiny.source) == ["tiny_kernels_there.py"]
    assert len(kept(tiny)) >= 2


def test_another_copy_of_the_same_text_uses_what_was_compiled(tiny, tmp_path):
    tiny.run(USE)
    elsewhere = tmp_path / "elsewhere"
    tiny.source.rename(elsewhere)
    tiny.source = elsewhere
    tiny.run(USE)
    assert tiny.compiled() == 1


def test_a_changed_text_is_compiled_again(tiny):
    tiny.compile()
    assert tiny.is_ready()
    tiny.write(factor=3.0)
    assert not tiny.is_ready()
    tiny.compile()
    assert [(record["compiled"], record["found"]) for record in tiny.warm_ups()] == [(1, 12.0), (1, 18.0)]


def test_a_damaged_file_is_compiled_anew_and_mended(tiny):
    tiny.run(USE)
    for file in tiny.cache.rglob("*.nb*"):
        file.write_bytes(file.read_bytes()[:-40] + b"x" * 40 if file.suffix == ".nbc" else b"garbage")
    tiny.run(USE)
    tiny.run(USE)
    assert [record["compiled"] for record in tiny.warm_ups()] == [1, 1, 0]
    assert {record["found"] for record in tiny.warm_ups()} == {12.0}


def test_a_cut_off_code_file_is_compiled_anew(tiny):
    tiny.run(USE)
    for file in tiny.cache.rglob("*.nbc"):
        file.write_bytes(file.read_bytes()[:100])
    tiny.run(USE)
    tiny.run(USE)
    assert [record["compiled"] for record in tiny.warm_ups()] == [1, 1, 0]


def test_other_users_of_numba_keep_their_settings(tiny):
    code = """
        import numba
        before = dict(vars(numba.config))
        import tiny_kernels_there as t
        t.warm_up()
        assert vars(numba.config) == before
        theirs = numba.njit(cache=True)(t.doubled.py_func)
        print(theirs._cache.cache_path)
    """
    assert str(tiny.cache) not in tiny.run(code)


def test_without_compilation_kernels_are_plain_functions(tiny):
    tiny.write()
    assert (
        tiny.run("import tiny_kernels_there as t; print(t.total.__class__.__name__)", NUMBA_DISABLE_JIT="1")
        == "function"
    )


def test_a_kernel_that_was_typed_in_works_and_is_not_kept(tiny):
    assert tiny.run("from evoml.kernels.compiling import kernel; print(kernel(lambda x: x + 1)(2))") == "3"
    assert kept(tiny) == []


def test_a_kernel_that_cannot_be_compiled_says_so_and_leaves_no_lock(tiny):
    code = """
        import threading
        import numba, tiny_kernels_there as t
        for _ in range(2):
            try:
                t.total("no numbers")
            except numba.TypingError:
                print("refused")
        thread = threading.Thread(target=t.warm_up)
        thread.start()
        thread.join(60)
        print(thread.is_alive())
    """
    assert tiny.run(code) == "refused\nrefused\nFalse"


# -- the folder -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(monkeypatch, tmp_path):
    for name in ("EVOML_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return monkeypatch


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the user's cache folder is another one")
def test_the_folder_is_the_one_told_or_the_users(settings, tmp_path):
    assert folder.key_folder() == tmp_path / "home" / ".cache" / "evoml" / "kernels" / folder.key()
    settings.setenv("XDG_CACHE_HOME", "not/absolute")
    assert folder.key_folder().is_relative_to(tmp_path / "home")
    settings.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert folder.key_folder() == tmp_path / "xdg" / "evoml" / "kernels" / folder.key()
    settings.setenv("EVOML_CACHE_DIR", str(tmp_path / "told"))
    assert folder.key_folder() == tmp_path / "told" / "kernels" / folder.key()


def unwritable(settings, tmp_path):
    """Let no cache folder be possible: where it should be there is a file (a superuser may write anything else)."""
    file = tmp_path / "file"
    file.touch()
    for name in ("EVOML_CACHE_DIR", "XDG_CACHE_HOME"):
        settings.setenv(name, str(file))
    return file


@pytest.mark.skipif(sys.platform == "win32", reason="there is no owner to ask for")
def test_where_nothing_can_be_written_there_is_a_temporary_folder_of_the_users_own(settings, tmp_path):
    unwritable(settings, tmp_path)
    shared = tmp_path / f"evoml-{os.getuid()}"
    assert folder.key_folder().is_relative_to(shared)
    assert shared.stat().st_mode & 0o777 == 0o700
    shared.chmod(0o777)  # now anyone could have put anything into it
    folder.forget_folder()
    assert not folder.key_folder().is_relative_to(shared)
    assert folder.key_folder().is_dir()


def test_an_unwritable_cache_is_no_error(tiny, tmp_path):
    (tmp_path / "file").touch()
    elsewhere = {
        **dict.fromkeys(("EVOML_CACHE_DIR", "XDG_CACHE_HOME"), str(tmp_path / "file")),
        "TMPDIR": str(tmp_path),
    }
    for _ in range(2):
        tiny.run(USE, **elsewhere)
    assert [record["compiled"] for record in tiny.warm_ups()] == [1, 0]


def test_a_cache_that_can_only_be_read_is_read(tiny):
    """A superuser may write anywhere, so writing is what fails here, as it does on a read-only file system."""
    tiny.compile()
    before = {file: file.stat().st_mtime_ns for file in tiny.cache.rglob("*") if file.is_file()}
    code = f"""
        import os, tempfile, builtins
        def refuse(*_, **__):
            raise PermissionError(13, "read-only")
        real_open, cache = builtins.open, {str(tiny.cache)!r}
        def read_only(file, mode="r", *more, **named):
            if set(mode) & set("wax+") and str(file).startswith(cache):
                refuse()
            return real_open(file, mode, *more, **named)
        builtins.open, os.mkdir, tempfile.TemporaryFile = read_only, refuse, refuse
        real = os.open
        os.open = lambda path, flags, *more, **named: (
            refuse() if flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR) and str(path).startswith(cache)
            else real(path, flags, *more, **named)
        )
        import numpy as np, tiny_kernels_there as t
        from evoml.kernels.warmup import is_ready
        print(is_ready({GROUP!r}))
        t.warm_up()
        print(t.total(np.arange(4)))  # whole numbers: compiled, and not kept
    """
    assert tiny.run(code) == "True\n12.0"
    assert [record["compiled"] for record in tiny.warm_ups()] == [1, 0]
    assert {file: file.stat().st_mtime_ns for file in tiny.cache.rglob("*") if file.is_file()} == before


def test_folders_of_other_states_go_when_they_were_not_used_for_long(settings, tmp_path):
    settings.setenv("EVOML_CACHE_DIR", str(tmp_path / "told"))
    beside = tmp_path / "told" / "kernels"
    days = [0, 0, 0, 0, 0, 0.5, 3, 40]
    for number, age in enumerate(days):
        other = beside / f"{number:024x}"
        (other / "inner").mkdir(parents=True)
        os.utime(other, (time.time() - age * 86400,) * 2)
    (beside / "not ours").mkdir()
    current = folder.key_folder()
    left = {file.name for file in beside.iterdir()}
    assert left == {current.name, "not ours", *(f"{number:024x}" for number in range(6))}


def test_the_key_tells_states_apart(monkeypatch, tmp_path):
    def key():
        folder.key.cache_clear()
        return folder.key()

    first = key()
    assert key() == first
    with monkeypatch.context() as changed:
        changed.setenv("NUMBA_OPT", "1")
        assert key() != first
    for name, value in (("processor", lambda: "another"), ("__version__", "0"), ("_version", lambda package: "0")):
        with monkeypatch.context() as changed:
            changed.setattr(folder, name, value)
            assert key() != first
    with monkeypatch.context() as changed:
        for name in ("folder.py", "other.py"):
            (tmp_path / name).write_text("")
        changed.setattr(folder, "__file__", str(tmp_path / "folder.py"))
        second = key()
        (tmp_path / "other.py").write_text("changed = True")
        assert len({first, second, key()}) == 3
    assert key() == first


# -- several processes ----------------------------------------------------------------------------------------------------


def finish(processes):
    for process in processes:
        _, error = process.communicate(timeout=120)
        assert (process.returncode, error) == (0, "")


def test_processes_that_race_for_a_group_compile_it_once(tiny):
    code = f"from evoml.kernels.warmup import compile_group; input(); compile_group({GROUP!r})"
    processes = [tiny.start(code) for _ in range(3)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    finish(processes)
    assert tiny.compiled() == 1
    assert len(tiny.warm_ups()) == 1  # the others found it ready
    assert tiny.is_ready()


def test_processes_that_race_for_a_kernel_compile_it_once(tiny):
    processes = [tiny.start(f"import tiny_kernels_there as t; input(); {USE}") for _ in range(3)]
    time.sleep(1.0)  # for all to have imported Numba
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    finish(processes)
    assert sorted(record["compiled"] for record in tiny.warm_ups()) == [0, 0, 1]
    assert {record["found"] for record in tiny.warm_ups()} == {12.0}


def test_a_process_killed_while_it_compiles_is_in_nobodys_way(tiny):
    process = tiny.start(f"from evoml.kernels.warmup import compile_group; compile_group({HANGING!r})")
    assert wait_until(lambda: list(tiny.cache.rglob("groups.lock")), 20)
    time.sleep(0.5)
    process.kill()
    process.communicate()
    began = time.monotonic()
    tiny.compile()
    assert time.monotonic() - began < 30
    assert tiny.is_ready()


# -- in the background ----------------------------------------------------------------------------------------------------


@pytest.fixture
def background():
    started = []

    def start(*groups):
        started.append(warmup.compile_in_background(groups))
        return started[-1]

    yield start
    for one in started:
        if one is not None:
            one.stop()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no niceness")
def test_a_process_of_low_priority_compiles_in_the_background(here, background):
    compilation = background(GROUP)
    lower = min(os.getpriority(os.PRIO_PROCESS, 0) + warmup.NICENESS, 19)
    assert wait_until(lambda: os.getpriority(os.PRIO_PROCESS, compilation.pid) == lower)
    assert os.getsid(compilation.pid) != os.getsid(0)  # Ctrl-C is not for it
    assert wait_until(compilation.over, 60)
    assert warmup.is_ready(GROUP)
    assert warmup.seconds_taken(GROUP) > 0
    assert background(GROUP) is None


def test_two_background_processes_compile_once(here, background):
    both = [background(GROUP), background(GROUP)]
    assert wait_until(lambda: all(one.over() for one in both), 60)
    assert here.compiled() == 1


def test_what_fails_is_logged_once_and_does_not_stop_the_others(here, background, caplog, capfd):
    compilation = background(FAILING, GROUP)
    assert wait_until(compilation.over, 60)
    assert compilation.over()
    assert warmup.is_ready(GROUP)
    assert not warmup.is_ready(FAILING)
    assert [record.getMessage() for record in caplog.records] == [
        f"kernels of {FAILING} could not be compiled beforehand: the kernels of {FAILING} were not compiled:"
        " RuntimeError: no compiler today"
    ]
    assert capfd.readouterr() == ("", "")


def test_a_killed_background_process_leaves_its_groups_not_ready(here, background, caplog):
    compilation = background(HANGING)
    assert not compilation.over()
    os.kill(compilation.pid, signal.SIGKILL)
    assert wait_until(compilation.over)
    assert "ended with code -9" in caplog.text
    assert not warmup.is_ready(HANGING)


def test_the_background_process_outlives_who_started_it_and_leaves_no_zombie(here, background, recwarn):
    compilation = background(GROUP)
    compilation.close()
    assert wait_until(lambda: not alive([compilation.pid]), 60)
    assert wait_until(lambda: compilation._process.returncode == 0)
    assert warmup.is_ready(GROUP)


def test_looking_whether_a_group_is_ready_imports_no_numba(tiny):
    code = f"""
        import sys, evoml.kernels.warmup as w
        print(w.is_ready({GROUP!r}), w.compile_in_background([]), sorted({{"numba", "llvmlite"}} & sys.modules.keys()))
    """
    assert tiny.run(code) == "False None []"


def test_an_unknown_group_is_refused_by_name(monkeypatch):
    monkeypatch.setitem(warmup.GROUPS, "boosting", "somewhere:warm_up")
    with pytest.raises(warmup.CompileError, match="no group of kernels 'bosting'; did you mean 'boosting'"):
        warmup.compile_group("bosting")
    assert not warmup.is_ready("bosting")
    with pytest.raises(warmup.CompileError, match=r"there is no module nowhere|No module named 'nowhere'"):
        warmup.compile_group("nowhere:warm_up")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_compiles_what_its_parent_had_not(tiny):
    code = """
        import os
        import numpy as np
        import tiny_kernels_there as t
        t.warm_up()
        if child := os.fork():
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        else:
            os._exit(int(t.total(np.arange(4)) != 12 or len(t.total.signatures) != 2))
    """
    assert tiny.run(code) == "0"
