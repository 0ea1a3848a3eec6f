"""The handover of a cache line: its machine code, and its time."""

import threading
from typing import Any

import pytest

from hwbench.kernels import ping_pong
from inspection import listing


@listing.needs_x86
def test_a_handover_is_one_load_and_one_store():
    """On x86 acquire and release are plain moves: the wait is load, compare, jump, fence; nothing locks the bus."""
    code = listing.assembly(ping_pong.bounce, None, (listing.INT,) * 4)
    assert listing.count(code, r"^lock|^xchg|mfence") == 0
    assert "lfence : movq cmpq jne" in " ".join(":" if line.endswith(":") else line.split()[0] for line in code)


@pytest.mark.parametrize("spans", [[(100, 2660), (100, 2661)], [(103, 2660), (100, 2600)]])
def test_the_best_burst_of_a_handover_counts(spans: list[tuple[int, int]]) -> None:
    """From the first start to the last end, by the handovers of a burst; an interrupted burst does not count."""

    class Crew:
        def __init__(self) -> None:
            self.answers = [[(0, 10**6), (0, 10**6)], spans, [(0, 10**7), (0, 10)]]

        def race(self, jobs: list[Any], loops: int) -> list[tuple[int, int]]:
            return self.answers.pop(0)

    taken = ping_pong.Handover(Crew()).seconds()
    assert taken == pytest.approx((max(end for _, end in spans) - 100) * 1e-9 / (2 * ping_pong.TRIPS))


def test_a_race_that_did_not_start_costs_only_itself() -> None:
    """A kernel that could not be compiled or kept raises before the threads run; the next burst still ends."""

    class Crew:
        fails = True

        def race(self, jobs: list[Any], loops: int) -> list[tuple[int, int]]:
            if self.fails:
                raise OSError("File too large")
            threads = [threading.Thread(target=job, args=(loops, 0), daemon=True) for job in jobs]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            assert not any(thread.is_alive() for thread in threads), "both threads wait for their turn"
            return [(0, 100), (0, 100)]

    crew = Crew()
    handover = ping_pong.Handover(crew)
    with pytest.raises(OSError, match="File too large"):
        handover.seconds()
    crew.fails = False
    assert handover.seconds() > 0
