"""likwid-bench: what its output says, and which of its tests does our work."""

import pytest

from hwbench.bench import Skip
from hwbench.crosscheck.tools import likwid


def test_likwid_is_understood(fake_likwid):
    """Rates are volume and flops over the time it took; the footprint is what it rounded to."""
    run = likwid.Likwid("load_avx512", 16 * 1024, 2, seconds=0.5)
    said = run.run(100)
    assert (said.bytes, said.flops, said.seconds) == (5e10, 4e9, 2.0)
    assert run.footprint == 15872
    assert run.command == "likwid-bench -t load_avx512 -w S0:33kB:2 -i 19072"


def test_one_run_calibrates_however_long_it_takes(fake_likwid):
    """Iterations are those of half a second by one run of two, and 16 at least."""
    run = likwid.Likwid("load_avx512", 2**30, 2, seconds=0.5)
    assert run.iterations == 16


def test_the_widest_test_there_is(fake_likwid):
    """The test of a kernel is named after the registers; a fused one is taken where there is one, else the plain."""
    assert likwid.best_test("load", 256) == "load_avx"
    assert likwid.best_test("stream", 512, fma=True) == "stream_avx512"
    with pytest.raises(Skip, match="no test copy_sse"):
        likwid.best_test("copy", 128)


def test_a_likwid_that_fails_is_a_reason_and_no_rate(tool):
    """Output without rates skips the comparison, with the tool's own words."""
    tool("likwid-bench", "echo 'cannot lock the CPU' >&2; exit 1")
    with pytest.raises(Skip, match="reported no rate: cannot lock the CPU"):
        likwid.Likwid("load_avx", 4096, 1, seconds=0.1)


def test_a_missing_likwid_is_named_with_the_remedy(tmp_path, monkeypatch):
    """One sentence that says how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert likwid.why_not() == "likwid-bench is not installed (Debian, Ubuntu: apt-get install likwid)"
