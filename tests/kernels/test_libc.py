"""The C library by machine code: what it gives, and what is missing."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from hwbench.kernels import libc
from hwbench.kernels.compiling import compiled


@compiled
def first_word(words: np.ndarray) -> int:
    return libc.words_at(words.ctypes.data, len(words))[1] + libc.getppid()


@pytest.mark.skipif(bool(libc.lacking("getppid")), reason="no POSIX")
def test_machine_code_calls_the_library_and_reads_at_addresses():
    assert first_word(np.array([3, 10**12, 5])) == 10**12 + os.getppid()


def test_what_is_missing_is_named(monkeypatch):
    """So that no kernel is linked, which would end the process."""
    if sys.platform != "win32":
        assert libc.lacking("getppid", "no_such_call") == "the C library has no no_such_call"
    monkeypatch.setattr(sys, "platform", "win32")
    assert "POSIX" in libc.lacking("getppid")
