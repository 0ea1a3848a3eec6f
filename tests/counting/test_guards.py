"""What a function should not do."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading

import numpy as np
import pytest

from hwbench.counting.guards import guarded, same_chances
from hwbench.errors import UsageError


def fails():
    raise KeyError("no such\nthing")


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (fails, r"f fails: KeyError: 'no such\\nthing' \(test_guards.py:\d+\)"),
        (lambda: sys.stdout.write("hello"), "f prints .'hello'.*take the output out"),
        (lambda: os.fork(), "f starts a process"),
        (lambda: subprocess.run(["true"], check=True), "f starts a process"),
        (lambda: np.ones(10**15), "f needs more memory than there is"),
        (lambda: sys.exit(3), "f ends Python"),
    ],
)  # fmt: skip
def test_one_line_says_what(function, line):
    """Which function, what it did, and what to do."""
    with pytest.raises(UsageError, match=line) as caught:
        guarded("f", function, (), {})
    assert "\n" not in str(caught.value)


def test_other_threads_print_as_ever(capsys):
    """A progress bar goes on."""
    go, done = threading.Event(), threading.Event()
    bar = threading.Thread(target=lambda: (go.wait(5), sys.stdout.write("50%"), done.set()))
    bar.start()
    assert guarded("f", lambda: (go.set(), done.wait(5)), (), {}) == (None, True)
    bar.join()
    assert capsys.readouterr().out == "50%"


def test_processes_can_be_started_afterwards():
    """Nothing stays replaced."""
    before = os.fork, subprocess.Popen.__init__
    guarded("f", len, ([],), {})
    assert (os.fork, subprocess.Popen.__init__) == before


def test_random_numbers_go_on_as_if_nothing_had_run():
    """Python's and NumPy's."""
    random.seed(1)
    np.random.seed(1)
    with same_chances():
        first = random.random(), np.random.rand()
    assert (random.random(), np.random.rand()) == first
