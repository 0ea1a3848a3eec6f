"""Streams of another encoding, full ones and closed ones."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from hwbench.cli import streams

FULL = Path("/dev/full")


@pytest.fixture(autouse=True)
def _streams(monkeypatch):
    """The streams of each test are its own."""
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))


@pytest.mark.parametrize(
    ("encoding", "text", "written"),
    [
        ("ascii", "n ≈ 52 000 (48 000–57 000)", "n ~ 52 000 (48 000-57 000)"),
        ("ascii", "13.2× → 2 µs ± 1", "13.2x -> 2 us +- 1"),
        ("ascii", "2⁶⁴, 10⁻⁶ and 2³", "2^64, 10^-6 and 2^3"),
        ("latin-1", "2 µs × 2³ – 10⁻⁶", "2 µs × 2³ - 10^-6"),
        ("ascii", "Ж\udcff", "\\u0416\\udcff"),
        ("utf-8", "– Ж \udcff", "– Ж \\udcff"),
    ],
)
def test_what_an_encoding_lacks_is_written_in_plain_letters(monkeypatch, encoding, text, written):
    """Findings hold more than Latin-1 has; a report of them ended in a traceback, and the run's JSON was lost."""
    kept = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(kept, encoding=encoding))
    streams.prepare()
    sys.stdout.write(text)
    sys.stdout.flush()
    assert kept.getvalue().decode(encoding) == written


def test_closed_streams_lead_nowhere(monkeypatch):
    """`2>&-` leaves none, and `print(file=None)` would write to the other."""
    monkeypatch.setattr(sys, "stderr", None)
    streams.prepare()
    sys.stderr.write("lost")
    sys.stderr.flush()
    assert sys.stderr.name == os.devnull
    sys.stderr.close()


@pytest.mark.skipif(not FULL.exists(), reason="a device that is always full, as Linux has it")
def test_a_full_stream_is_written_to_nowhere_from_then_on():
    """The first line fails, later ones and Python's last flush do not."""
    with FULL.open("w") as full:
        with streams.unheard(full):
            print("lost", file=full, flush=True)
        print("more", file=full, flush=True)


def test_other_failures_leave_a_stream_alone():
    """What fails for a file that is named is no stream's fault; a stream that is no file is left as it is."""
    with streams.unheard(None):
        raise OSError(28, "No space left on device", "x.json")
    with streams.unheard(io.StringIO()):
        raise BrokenPipeError(32, "Broken pipe")
    with pytest.raises(ValueError, match="mine"), streams.unheard(sys.stderr):
        raise ValueError("mine")


def test_a_closed_pipe_ends_a_block_quietly():
    """What was still to come is discarded, also by Python's last flush; a full disk is no closed pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        with streams.until_closed(stream):
            print("lost", file=stream, flush=True)
            pytest.fail("went on")
        print("more", file=stream, flush=True)
    with pytest.raises(OSError, match="No space"), streams.until_closed(sys.stdout):
        raise OSError(28, "No space left on device")
