"""Compiled kernels are kept on disk, and found again only while what is compiled into them is unchanged."""

import importlib.util
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numba
import pytest

from hwbench.kernels import compiling

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


def in_new_process(cache, **variables):
    """Of a process that compiles two kernels: cache hits, the directory, and whether Numba's own setting stayed."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), **variables}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    assert not done.stderr
    return done.stdout.split()


def loaded_anew(cache, folder):
    """Cache hits of the user's kernel, loaded and called as another process would, and the directory of its cache."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(action="error"):
        patch.setattr(numba.config, "CACHE_DIR", str(cache))
        compiling.kernel_cache.cache_clear()
        spec = importlib.util.spec_from_file_location("kernel", folder / "kernel.py")
        module = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, "kernel", module)
        spec.loader.exec_module(module)
        assert module.total(3) == 6
        hits, directory = sum(module.total.stats.cache_hits.values()), compiling.kernel_cache()
    compiling.kernel_cache.cache_clear()
    return hits, directory


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory):
    """The folder of a user's kernel, and the cache in which it was saved and found."""
    folder, cache = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("cache")
    code = ["@compiled", "def total(n):", "    s = 2", "    for i in range(n):", "        s += i", "    return s + 1"]
    (folder / "kernel.py").write_text("\n".join(["from hwbench.kernels.compiling import compiled", *code]))
    assert [loaded_anew(cache, folder)[0] for _ in range(2)] == [0, 1]
    return folder, cache


@pytest.fixture
def users_kernel(compiled_once, tmp_path):
    """A kernel of one function, compiled: its folder, and the files of a cache of one's own in NUMBA_CACHE_DIR."""
    folder, saved = compiled_once
    cache = shutil.copytree(saved, tmp_path / "cache")
    [index], [data] = cache.rglob("kernel.*.nbi"), cache.rglob("kernel.*.nbc")
    return folder, cache, index, data


def test_kernels_are_kept_for_the_next_process_of_the_same_settings(tmp_path):
    """It compiles nothing, and Numba's setting for the user's own functions is as before.

    What was compiled without optimization is not timed by a later process that optimizes.
    """
    plain, first, second = (in_new_process(tmp_path, **more) for more in ({"NUMBA_OPT": "0"}, {}, {}))
    assert (plain[0], first[0], second[0]) == ("0", "0", "2")
    assert plain[1] != first[1] == second[1]
    assert Path(second[1]).parent == tmp_path
    assert plain[2] == first[2] == second[2] == "True"


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
def test_a_file_that_was_cut_off_is_compiled_and_saved_anew(users_kernel, part, kept):
    """Who loads it next compiles the kernel and replaces the file; the one after reads it."""
    folder, cache, *files = users_kernel
    cut = files[part == "data"]
    cut.write_bytes(cut.read_bytes()[: int(kept * cut.stat().st_size)])
    assert [loaded_anew(cache, folder)[0] for _ in range(2)] == [0, 1]


@pytest.mark.parametrize("part", ["index", "data"])
def test_a_file_that_cannot_be_replaced_is_no_error(users_kernel, part):
    """A directory in its place: the kernel is compiled each time."""
    folder, cache, *files = users_kernel
    blocked = files[part == "data"]
    blocked.unlink()
    blocked.mkdir()
    assert loaded_anew(cache, folder)[0] == 0


def test_kernels_lie_nowhere_but_in_the_cache(users_kernel):
    """Where a file blocks their folder they are kept nowhere, least of all beside the source."""
    folder, cache, index, _ = users_kernel
    for file in index.parent.iterdir():
        file.unlink()
    index.parent.rmdir()
    index.parent.write_text("")
    assert loaded_anew(cache, folder)[0] == 0
    assert not [*folder.rglob("*.nb?"), *cache.rglob("*.nb?")]


@pytest.mark.parametrize("setting", ["OPT", "DEBUGINFO_DEFAULT", "DISABLE_INTEL_SVML", "LLVM_REFPRUNE_FLAGS"])
def test_the_cache_is_named_after_settings_of_the_compiler(tmp_path, monkeypatch, setting):
    """Another value of a setting that changes the code means another directory."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    usual = compiling.kernel_cache.__wrapped__()
    monkeypatch.setattr(numba.config, setting, 7)
    assert compiling.kernel_cache.__wrapped__() != usual


def test_an_unwritable_cache_is_no_error(compiled_once, tmp_path):
    """Where the cache's place is taken by a file, kernels are compiled each time and nothing is said."""
    folder, _ = compiled_once
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert loaded_anew(blocked, folder) == (0, None)
