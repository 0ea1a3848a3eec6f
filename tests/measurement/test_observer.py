"""Who watches a run cannot end it by failing to print."""

import pytest

from hwbench.measurement.observer import QuietObserver, TroubleOnly


class Failing:
    """Notes each call and raises."""

    def __init__(self, error):
        self.error = error
        self.heard = []

    def __getattr__(self, name):
        def hear(*arguments):
            self.heard.append((name, *arguments))
            raise self.error

        return hear


CALLS = [
    ("planned", [], 3),
    ("measuring", "group"),
    ("doing", "placing"),
    ("measured", "group", []),
    ("trouble", "full"),
]


def test_a_closed_pipe_or_a_full_disk_ends_no_run():
    """Every call is passed on, and its OSError stays where it is."""
    watching = Failing(BrokenPipeError(32, "Broken pipe"))
    for name, *arguments in CALLS:
        getattr(QuietObserver(watching), name)(*arguments)
    assert watching.heard == CALLS


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("a bug")])
def test_what_is_no_failure_to_print_goes_on_up(error):
    """Ctrl-C inside a progress bar ends the run; a bug shows."""
    for name, *arguments in CALLS:
        with pytest.raises(type(error)):
            getattr(QuietObserver(Failing(error)), name)(*arguments)


def test_trouble_alone_is_told():
    """Progress is silent."""
    told = []
    quiet = TroubleOnly(told.append)
    quiet.planned([], 0)
    quiet.measuring(None)
    quiet.doing("placing")
    quiet.measured(None, [])
    quiet.trouble("the disk is full")
    assert told == ["warning: the disk is full"]
