"""C loops of ours, compiled here."""

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.crosscheck.tools import c_loops

needs_compiler = pytest.mark.skipif(bool(c_loops.why_not()), reason=c_loops.why_not())


@needs_compiler
def test_the_c_loop_follows_our_ring(device, tmp_path):
    """The compiled loop comes to the same address as ours after as many hops."""
    ring = np.roll(np.arange(16), 3)
    words = np.zeros(16, np.int64)
    words[:] = words.ctypes.data + 8 * ring
    with c_loops.built("chase.c", c_loops.CHASE_FLAGS) as library:
        step = c_loops.chase_function(library)
        at = words.ctypes.data
        for hops in range(5):
            expected = at
            for _ in range(hops):
                expected = int(words[(expected - at) // 8])
            assert step(at, hops) == expected
    assert not library.exists()


@needs_compiler
def test_a_source_that_does_not_compile_is_a_reason(monkeypatch, tmp_path):
    """The compiler's words become the reason."""
    (tmp_path / "broken.c").write_text("int main( {")
    monkeypatch.setattr(c_loops, "HERE", tmp_path)
    with pytest.raises(Skip, match=r"broken.c failed: .*error"), c_loops.built("broken.c", ()):
        pass


def test_a_missing_compiler_is_named_with_the_remedy(tmp_path, monkeypatch):
    """One sentence that says how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get install gcc" in c_loops.why_not()


@needs_compiler
@pytest.mark.parametrize("exchange", [0, 1])
def test_the_c_threads_hand_a_line_over(device, exchange):
    """Two CPUs take turns to the end, and more trips take longer."""
    if device.host.usable < 2:
        pytest.skip("one CPU may be used")
    with c_loops.built("bounce.c", c_loops.BOUNCE_FLAGS) as library:
        bounce = c_loops.bounce_function(library)
        assert 0 < bounce(*device.host.order[:2], 1, exchange) < bounce(*device.host.order[:2], 10**5, exchange)


@needs_compiler
def test_an_empty_region_has_a_time():
    """On one thread, as the mean of some regions; a program that fails is a reason."""
    with c_loops.built("region.c", c_loops.REGION_FLAGS) as program:
        assert 0 < c_loops.region_seconds(program, 1000, 1) < 1
        with pytest.raises(Skip, match="the compiled region ended with 2"):
            c_loops._run(program, 1)
