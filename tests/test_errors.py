"""Errors that are one line on the command line, and an exception of the usual kind in Python."""

import pytest

from hwbench.errors import StoreError, UsageError


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("error", [UsageError("--budget 0: is no time"), StoreError("x.json: is no file")])
def test_both_end_a_command_with_one_line_and_exit_2(command, monkeypatch, error):
    """1 would say that something is slower."""
    from hwbench import catalog

    monkeypatch.setattr(catalog, "select", raising(error))
    done = command("list", "-v")
    assert (done.code, done.out, done.err) == (2, "", f"hwbench: {error}\n")


def test_a_wrong_request_is_a_value_error():
    """Who calls `hwbench.measure` need not know our classes; a file that cannot be read is no wrong value."""
    assert issubclass(UsageError, ValueError)
    assert not issubclass(StoreError, ValueError | OSError)
