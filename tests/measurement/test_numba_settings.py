"""Settings of Numba that cannot be measured under: told before it is imported, and before anything is made."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hwbench import api
from hwbench.errors import UsageError
from hwbench.measurement import numba_settings

BAD = {
    "NUMBA_NUM_THREADS": ("abc", "0", "-1", "1.5"),
    "NUMBA_DISABLE_JIT": ("1", "2", "yes"),
    "NUMBA_THREADING_LAYER": ("foo",),
    "NUMBA_OPT": ("abc", "4", " 3", "Max"),
    "NUMBA_SLP_VECTORIZE": ("yes",),
    "NUMBA_BOUNDSCHECK": ("1.0",),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_what_numba_stumbles_over_is_named(name, value):
    """The variable, its value and the remedy, in one line."""
    with pytest.raises(UsageError, match=f"^{name}={value}: .*unset it") as error:
        numba_settings.check({name: value})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "fine",
    [{}, {"NUMBA_NUM_THREADS": " 2 "}, {"NUMBA_NUM_THREADS": ""}, {"NUMBA_DISABLE_JIT": "0"},
     {"NUMBA_THREADING_LAYER": "omp"}, {"NUMBA_OPT": "max"}, {"NUMBA_OPT": ""}, {"NUMBA_ENABLE_AVX": "0"}],
)  # fmt: skip
def test_what_numba_takes_is_taken(fine):
    """An empty value is one that is not set."""
    numba_settings.check(fine)


@pytest.mark.parametrize(
    "arguments", [["run", "access.share"], ["machine"], ["list", "-v"], ["verify"], ["ab", ".", "."]]
)
def test_commands_that_measure_say_so_and_make_nothing(benches, device, command, tmp_path, monkeypatch, arguments):
    """One line and exit 2 in the place of a traceback or of an error without a name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "abc")
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err == ("hwbench: NUMBA_NUM_THREADS=abc: is no number of threads; set it to 1 to 32768, or unset it\n")
    assert (device.timed, list(tmp_path.iterdir())) == ([], [])


def test_from_python_too(benches, monkeypatch):
    """A ValueError, as for every misuse."""
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    with pytest.raises(ValueError, match="NUMBA_DISABLE_JIT=1"):
        api.measure("access.share")


def test_it_is_found_before_numba_is_imported(tmp_path):
    """Numba prints a warning with a traceback of its own when it is imported under a value that is no number."""
    environment = os.environ | {"NUMBA_NUM_THREADS": "abc"}
    for command in ("run", "machine", "verify"):
        done = subprocess.run(
            [sys.executable, "-m", "hwbench", command], env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert done.stderr.startswith("hwbench: NUMBA_NUM_THREADS=abc: ")
        assert done.stderr.count("\n") == 1
