"""Compiled kernels are kept on disk, and found again only while what is compiled into them is unchanged."""

import os
import subprocess
import sys
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
chase.chase.compile((numba.intp, numba.intp))
shape = simd.Registers("i8", 128, 8)._numba_type_
_kernels.simd_load.compile((shape, *[numba.intp] * 5))
hits = sum(sum(kernel.stats.cache_hits.values()) for kernel in (chase.chase, _kernels.simd_load))
print(hits, compiling.kernel_cache(), numba.config.CACHE_DIR == before)
"""


def in_new_process(cache, **variables):
    """Of a process that compiles two kernels: cache hits, the directory, and whether Numba's own setting stayed."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), **variables}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


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


def test_kernels_of_other_settings_are_not_found(tmp_path):
    """What was compiled without optimization is not timed by a later process that optimizes."""
    plain, usual = in_new_process(tmp_path, NUMBA_OPT="0"), in_new_process(tmp_path)
    assert (plain[0], usual[0]) == ("0", "0")
    assert plain[1] != usual[1]


def test_an_unwritable_cache_is_no_error(tmp_path):
    """Where the cache's place is taken by a file, kernels are compiled each time and nothing is said."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert in_new_process(blocked)[:2] == ["0", "None"]
