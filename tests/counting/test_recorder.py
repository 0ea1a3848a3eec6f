"""Whether calls are recorded."""

from __future__ import annotations

import sys
import threading

from hwbench.counting.ledger import Ledger
from hwbench.counting.recorder import Recorder, unwatched


def test_nothing_is_recorded_while_hushed():
    """Also within another, and after an end by an error."""
    recorder = Recorder()
    assert not recorder.on
    recorder.start(Ledger())
    assert recorder.on
    with recorder.hushed():
        with recorder.hushed():
            assert not recorder.on
        assert not recorder.on
    assert recorder.on


def test_threads_that_ran_before_are_not_recorded():
    """Those that the function starts are."""
    recorder, seen, go = Recorder(), {}, threading.Event()
    before = threading.Thread(target=lambda: (go.wait(5), seen.update(before=recorder.on)))
    before.start()
    recorder.start(Ledger())
    after = threading.Thread(target=lambda: seen.update(after=recorder.on))
    after.start()
    go.set()
    before.join()
    after.join()
    assert (seen, recorder.on) == ({"before": False, "after": True}, True)


def test_the_tracers_own_functions_are_not_watched():
    """Whoever watches goes on afterwards."""
    seen = []
    watch = lambda frame, event, _: seen.append(frame.f_code.co_name)  # noqa: E731

    @unwatched
    def mine():
        return inner()

    def inner():
        return 3

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        assert mine() == 3
        assert sys.getprofile() is watch
    finally:
        sys.setprofile(before)
    assert "inner" not in seen
