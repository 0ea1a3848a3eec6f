"""What a function may not do, each in one line."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import threading

import numpy as np
import pytest

from hwbench.errors import UsageError
from hwbench.placing import probe
from hwbench.placing.subject import Inputs

ONES = np.ones(8)


def look(function, *args):
    return probe.probe("f", function, Inputs(args))


def test_a_pure_function_is_called_twice():
    """What it returns is written; what it is given is not."""
    found = look(lambda x: x + 1, ONES)
    assert (found.written, found.doubt) == (64, "")
    assert found.seconds > 0


def test_a_result_that_is_an_argument_is_written_once():
    """`out=` gives the same bytes at each call."""
    out = np.zeros(8)
    assert look(lambda x: np.add(x, 1, out=out), ONES).written == 64
    assert look(lambda x, y: np.add(x, 1, out=y), ONES, np.zeros(8)).written == 64
    assert look(lambda x: x[2:], ONES).written == 0


def test_an_accumulating_function_is_placed_with_a_doubt():
    """Its bytes are those of each call, its numbers are not."""
    found = look(lambda x: np.add(x, 1, out=x), np.ones(8))
    assert (found.written, found.doubt[:25]) == (64, "it changes its arguments:")


def prints(_x):
    sys.stdout.write("hello\nworld\n")


def prints_below(_x):
    os.write(1, b"from C\n")


def raises(_x):
    raise KeyError("name")


def exits(_x):
    sys.exit(4)


def forks(_x):
    os.fork()


def forks_in_a_thread(_x):
    one = threading.Thread(target=_quiet_fork)
    one.start()
    one.join()


def _quiet_fork():
    with contextlib.suppress(BaseException):
        os.fork()


def grows(x):
    x.append(1)


def hungry(_x):
    raise MemoryError


COUNT = itertools.count()


@pytest.mark.parametrize(
    ("function", "argument", "message"),
    [
        (raises, ONES, r"f \(line \d+ of test_probe.py\): fails: KeyError: 'name'"),
        (exits, ONES, r"f \(line \d+ of test_probe.py\): fails: SystemExit: 4"),
        (prints, ONES, r"f: prints \(hello\); each of some thousand calls would; take the print out"),
        (prints_below, ONES, r"f: prints \(from C\)"),
        (forks, ONES, r"f: forks; the other process would be neither counted nor timed; use threads"),
        (forks_in_a_thread, ONES, r"f: forks; the other process"),
        (grows, [1], r"f: changes its arguments between calls, so that no call does the work of the one before"),
        (lambda x: x + next(COUNT), ONES, r"f: is not deterministic: two calls with the same arguments"),
        (lambda _x: next(COUNT), ONES, r"f: is not deterministic"),
        (lambda x: x.astype(object), ONES, r"f: returns an array of objects, whose bytes are pointers"),
        (lambda x: (one for one in x), ONES, r"f: returns a generator, which computes nothing until it is read"),
        (hungry, ONES, r"f: ran out of memory; ask for a smaller n"),
    ],
)
def test_what_cannot_be_timed_is_refused(function, argument, message):
    """What, where, and what to do."""
    with pytest.raises(UsageError, match=message) as error:
        look(function, argument)
    assert "\n" not in str(error.value)


def test_a_missing_gpu_is_told():
    """By the error of whoever wanted one."""

    def wants(_x):
        raise RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")

    with pytest.raises(UsageError, match="it needs an NVIDIA GPU and its driver"):
        look(wants, ONES)


def test_a_missing_package_is_told():
    """By its name."""

    def wants(_x):
        import no_such_package_here  # noqa: F401

    with pytest.raises(UsageError, match="; install no_such_package_here"):
        look(wants, ONES)


def test_threads_may_add_in_another_order():
    """The last digits are no randomness."""
    digits = itertools.cycle([1.0, 1.0 + 1e-12])
    assert look(lambda x: x * next(digits), ONES).doubt == ""


def test_a_slow_function_is_called_once():
    """Twice is not needed to see that it takes long."""
    calls = []
    clock = itertools.count(0, 20)
    probe.probe("f", calls.append, Inputs((1,)), clock=lambda: float(next(clock)))
    assert len(calls) == 1


def test_what_is_caught_does_not_stay_caught(capsys):
    """Afterwards printing prints."""
    look(lambda x: x, ONES)
    sys.stdout.write("after\n")
    assert capsys.readouterr().out == "after\n"


def test_arrays_of_objects_and_more_than_is_free_are_refused(monkeypatch):
    """Which argument, and both amounts."""
    with pytest.raises(UsageError, match="f: argument 2 is an array of objects, whose bytes are pointers"):
        probe.check_inputs("f", Inputs((ONES, np.array([None]))))
    with pytest.raises(UsageError, match="f: x is an array of objects"):
        probe.check_inputs("f", Inputs((), {"x": [np.array([None])]}))
    monkeypatch.setattr(probe.memory, "free", lambda: 100)
    with pytest.raises(UsageError, match=r"f: needs about 192 B, and 60% of the 100 B free may be taken"):
        probe.check_inputs("f", Inputs((ONES,)))
