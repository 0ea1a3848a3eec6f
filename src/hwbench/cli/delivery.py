"""What `hwbench run --to URL` does beside measuring: a note before it, delivery after it, and what is said of both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .console import echo_err

if TYPE_CHECKING:
    from ..errors import StoreError
    from ..fleet.spool import Outcome, Waiting
    from ..record.model import Run


class Delivery:
    """The way of a run into a store; does nothing where none was named. UsageError for what is no store's URL."""

    def __init__(self, url: str | None, out: Path) -> None:
        self.out = out
        self.url: str | None = None
        self.store: str | None = None  # that has the run
        self._note: Waiting | None = None
        self._failed: StoreError | None = None
        if url is not None:
            from ..fleet import spool
            from ..fleet.store import Store

            self.url = spool.absolute(url)
            Store.open(self.url)

    def announce(self, run: Path) -> None:
        """Note where the run in this file goes."""
        if self.url is not None:
            from ..fleet import spool

            self._note = spool.announce(self.out, run, self.url)

    def make(self, run: Run, path: Path | None) -> None:
        """Deliver the run, and what earlier ones left; a store that is away is a warning."""
        if self.url is None or self._note is None:
            return
        from ..fleet import spool
        from ..fleet.store import AwayError, shown

        if run.finished is None:
            echo_err(
                "warning: the run is not finished and was not delivered; --resume goes on with it, then delivers it"
            )
            return
        outcome = spool.hand_over(run, path, self.out, self._note)
        if not self._note.path.exists():
            self.store = shown(self.url)
        if len(outcome.put) + outcome.there > 1:
            echo_err(f"delivered {len(outcome.put) + outcome.there - 1} earlier runs as well")
        for error in outcome.failures:
            if isinstance(error, AwayError):
                echo_err(f"warning: {error}; {kept(outcome, path)}")
            elif self._failed is None:
                self._failed = error

    def interrupted(self) -> None:
        """Say that a run that was stopped is not delivered."""
        if self._note is not None:
            echo_err("not delivered: --resume goes on with the run, then delivers it")

    def refused(self) -> None:
        """Raise what the store refused: trying again does not help before somebody has acted."""
        if self._failed is not None:
            from ..errors import StoreError

            raise StoreError(f"{self._failed}; the run is kept, and `hwbench fleet flush` delivers it")


def kept(outcome: Outcome, path: Path | None) -> str:
    """Where a run is that was not delivered, and what delivers it."""
    if path is None:
        return "the run is in no file either, and is lost with this output"
    return f"{outcome.left or 1} runs are kept; the next run or `hwbench fleet flush` delivers them"
