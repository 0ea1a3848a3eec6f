"""Compiled kernels are kept on disk, and found again only while what is compiled into them is unchanged."""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numba
import pytest

from hwbench import cache as caches
from hwbench.kernels import compiling
from hwbench.kernels.compiling import DIGEST

SCRIPT = """
import sys, numba
from hwbench.benches.latency import chase
from hwbench.benches.stream import _kernels
from hwbench.kernels import compiling, simd
before = numba.config.CACHE_DIR
chase.chase.compile((numba.intp,) * 3)
shape = simd.Registers("i8", 128, 8)._numba_type_
_kernels.simd_load.compile((shape, *[numba.intp] * 6))
hits = sum(sum(kernel.stats.cache_hits.values()) for kernel in (chase.chase, _kernels.simd_load))
print(hits, compiling.kernel_cache(), numba.config.CACHE_DIR == before)
"""


USERS = """
import sys
sys.path.insert(0, sys.argv[1])
import kernel
print(sum(kernel.total.stats.cache_hits.values()) if kernel.total(3) == 6 else "wrong")
"""


def in_new_process(cache, script=SCRIPT, *arguments, **variables):
    """Of a process that compiles two kernels: cache hits, the directory, and whether Numba's own setting stayed."""
    done = started(cache, script, *arguments, **variables)
    assert not done.stderr
    return done.stdout.split()


def started(cache, script=SCRIPT, *arguments, **variables):
    """A process that compiles kernels, which may say something."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), **variables}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


@pytest.fixture
def loaded_anew(monkeypatch, caplog):
    """Load and call the user's kernel as a new process would: cache hits, and the lines said."""

    def load(cache, folder):
        caplog.clear()
        compiling.kernel_cache.cache_clear()
        caches.aside.cache_clear()
        spec = importlib.util.spec_from_file_location("kernel", folder / "kernel.py")
        module = importlib.util.module_from_spec(spec)
        with monkeypatch.context() as patch, warnings.catch_warnings(action="error"):
            patch.setattr(numba.config, "CACHE_DIR", str(cache))
            patch.setitem(sys.modules, "kernel", module)
            spec.loader.exec_module(module)
            assert module.total(3) == 6
        return sum(module.total.stats.cache_hits.values()), [record.getMessage() for record in caplog.records]

    yield load
    compiling.kernel_cache.cache_clear()


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory):
    """The folder of a user's kernel, and the cache in which a process saved it."""
    folder, cache = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("cache")
    code = ["@compiled", "def total(n):", "    s = 2", "    for i in range(n):", "        s += i", "    return s + 1"]
    (folder / "kernel.py").write_text("\n".join(["from hwbench.kernels.compiling import compiled", *code]))
    assert in_new_process(cache, USERS, folder) == ["0"]
    return folder, cache


@pytest.fixture
def users_kernel(compiled_once, tmp_path):
    """A kernel of one function, compiled: its folder, and the files of a cache of one's own in NUMBA_CACHE_DIR."""
    folder, saved = compiled_once
    cache = shutil.copytree(saved, tmp_path / "cache")
    [index], [data] = cache.rglob("kernel.*.nbi"), cache.rglob("kernel.*.nbc")
    return folder, cache, index, data


def test_kernels_are_kept_for_the_next_process(tmp_path):
    """A second process compiles nothing, and Numba's setting for the user's own functions is as before."""
    first, second = in_new_process(tmp_path), in_new_process(tmp_path)
    assert (first[0], second[0]) == ("0", "2")
    assert Path(second[1]).parent == tmp_path
    assert first[2] == second[2] == "True"


@pytest.mark.parametrize(
    "edited", EDITED := ["kernels/simd.py", "kernels/float16.py", "benches/_helper.py", "benches/topic/_helper.py"]
)
def test_the_cache_is_named_after_what_is_compiled_into_kernels(tmp_path, monkeypatch, edited):
    """Another simd.py or helper of the benches means another directory, so that no kernel with old code is found."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "kernels/compiling.py"))
    for folder in ("kernels", "benches/topic"):
        (tmp_path / folder).mkdir(parents=True)
    for name in EDITED:
        (tmp_path / name).write_text("")
    there = compiling.kernel_cache.__wrapped__()
    assert compiling.kernel_cache.__wrapped__() == there
    (tmp_path / edited).write_text("# edited")
    assert compiling.kernel_cache.__wrapped__() != there


@pytest.mark.parametrize("part", ["index", "data"])
@pytest.mark.parametrize("kept", [0.0, 0.9])
def test_a_file_that_was_cut_off_is_compiled_and_saved_anew(users_kernel, loaded_anew, part, kept):
    """Who loads it next says so, compiles the kernel and replaces the file; the one after reads it."""
    folder, cache, *files = users_kernel
    cut = files[part == "data"]
    cut.write_bytes(cut.read_bytes()[: int(kept * cut.stat().st_size)])
    hits, [said] = loaded_anew(cache, folder)
    assert hits == 0
    assert "a kernel's file cannot be used (is damaged): left aside" in said
    assert loaded_anew(cache, folder) == (1, [])


def only_line(done):
    """What a process said on standard error, if that is one line."""
    [line] = done.stderr.splitlines()
    return line


def test_damaged_machine_code_is_not_run(users_kernel, loaded_anew):
    """One bit in a hundred places, each in a copy of the kernel's file: every one is seen before it is loaded."""
    folder, cache, _, data = users_kernel
    whole = data.read_bytes()
    for place in range(DIGEST, len(whole), len(whole) // 100):
        data.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ValueError, match="is damaged"):
            compiling._unsealed(data)
    assert loaded_anew(cache, folder)[0] == 0


@pytest.mark.skipif(os.name != "posix", reason="owners and modes as POSIX has them")
@pytest.mark.parametrize("part", ["index", "data", "folder", "cache"])
def test_what_another_user_may_have_written_is_not_loaded(users_kernel, loaded_anew, part):
    """A file or folder that others can write to holds code of theirs: it is left aside, with a line, and compiled."""
    folder, cache, index, data = users_kernel
    {"index": index, "data": data, "folder": index.parent, "cache": index.parent.parent}[part].chmod(0o777)
    hits, [said] = loaded_anew(cache, folder)
    assert hits == 0
    assert "can be written by other users" in said


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_what_another_user_owns_is_not_loaded(users_kernel, loaded_anew):
    """The cache in a volume that somebody else filled."""
    folder, cache, index, _ = users_kernel
    os.chown(index.parent.parent, 12345, 12345)
    hits, [said] = loaded_anew(cache, folder)
    assert hits == 0
    assert "belongs to user 12345: left aside" in said


def test_kernels_are_private_whatever_the_umask_is(tmp_path, compiled_once):
    """With the umask of a shared group a second process uses the cache: nobody else can write to what lies there."""
    command = USERS.replace("import sys", "import sys, os; os.umask(0)", 1)
    assert [in_new_process(tmp_path, command, compiled_once[0]) for _ in range(2)] == [["0"], ["1"]]
    [cache] = tmp_path.iterdir()
    assert not [path for path in [cache, *cache.rglob("*")] if path.stat().st_mode & 0o077]


def test_a_full_disk_costs_the_cache_alone(tmp_path, compiled_once):
    """The system refuses a file's 100th byte, as a quota would: one line, and the kernel is right."""
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)"
    limit += "; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"
    command = USERS.replace("import sys", f"import sys; {limit}", 1)
    done = started(tmp_path, command, compiled_once[0])
    assert done.stdout.split() == ["0"]
    assert "kernels cannot be kept (File too large): left aside" in only_line(done)


@pytest.mark.parametrize("part", ["index", "data"])
def test_a_file_that_cannot_be_replaced_is_no_error(users_kernel, loaded_anew, part):
    """A directory in its place: the kernel is compiled each time, and that is said."""
    folder, cache, *files = users_kernel
    blocked = files[part == "data"]
    blocked.unlink()
    blocked.mkdir(mode=0o700)
    hits, said = loaded_anew(cache, folder)
    assert hits == 0
    assert any("a kernel's file cannot be used (is no file)" in line for line in said)


def test_kernels_lie_nowhere_but_in_the_cache(users_kernel, loaded_anew):
    """Where a file blocks their folder they are kept nowhere, least of all beside the source."""
    folder, cache, index, _ = users_kernel
    for file in index.parent.iterdir():
        file.unlink()
    index.parent.rmdir()
    index.parent.write_text("")
    assert loaded_anew(cache, folder)[0] == 0
    assert not [*folder.rglob("*.nb?"), *cache.rglob("*.nb?")]


@pytest.mark.parametrize(
    "setting", ["OPT", "LOOP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "DISABLE_INTEL_SVML", "DEBUG_JIT",
                "LLVM_REFPRUNE_FLAGS", "CPU_NAME", "OF_A_NEWER_NUMBA"],
)  # fmt: skip
def test_the_cache_is_named_after_settings_of_the_compiler(tmp_path, monkeypatch, setting):
    """Another value of a setting that may change the code means another directory, also one that is not known yet."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    usual = compiling.kernel_cache.__wrapped__()
    monkeypatch.setattr(numba.config, setting, 7, raising=False)
    assert compiling.kernel_cache.__wrapped__() != usual


@pytest.mark.parametrize("setting", ["CACHE_DIR", "NUMBA_NUM_THREADS", "THREADING_LAYER", "CUDA_LOG_LEVEL"])
def test_places_and_threads_change_no_kernel(monkeypatch, setting):
    """A pool of other threads runs the same code, and kernels stay in the cache."""
    usual = compiling.settings()
    monkeypatch.setattr(numba.config, setting, 7)
    assert compiling.settings() == usual


def test_two_settings_of_one_process_have_two_keys(users_kernel, loaded_anew, monkeypatch):
    """`numba.config.OPT` may change after the cache was chosen: neither finds the other's kernels, each its own."""
    folder, cache, *_ = users_kernel
    chosen = next(cache.glob("kernels-*"))
    monkeypatch.setattr(compiling, "kernel_cache", functools.cache(lambda: chosen))
    assert loaded_anew(cache, folder) == (1, [])
    with monkeypatch.context() as patch:
        patch.setattr(numba.config, "OPT", 0)
        assert [loaded_anew(cache, folder)[0] for _ in range(2)] == [0, 1]
    assert loaded_anew(cache, folder) == (1, [])


def test_kernels_of_other_settings_are_not_found(tmp_path, compiled_once, loaded_anew):
    """What was compiled without optimization is not timed by a later process that optimizes."""
    assert in_new_process(tmp_path, USERS, compiled_once[0], NUMBA_OPT="0") == ["0"]
    [plain] = tmp_path.iterdir()
    assert loaded_anew(tmp_path, compiled_once[0]) == (0, [])
    assert len(list(tmp_path.iterdir())) == 2
    assert loaded_anew(tmp_path, compiled_once[0]) == (1, [])
    shutil.rmtree(plain)
    assert loaded_anew(tmp_path, compiled_once[0]) == (1, [])


def test_an_unwritable_cache_is_no_error(compiled_once, loaded_anew, tmp_path):
    """Where the cache's place is taken by a file, kernels are compiled each time, and that is said once."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    hits, [said] = loaded_anew(blocked, compiled_once[0])
    assert hits == 0
    assert "cannot be written (File exists): left aside" in said
