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
        self._lines: list[str] = []
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
        from ..errors import StoreError
        from ..fleet import spool
        from ..fleet.store import AwayError, shown

        if run.finished is None:
            self._lines.append(
                "the run is not finished and was not delivered; --resume goes on with it, then delivers it"
            )
            return
        try:
            outcome = spool.hand_over(run, path, self.out, self._note)
        except StoreError as error:  # the spool itself cannot be written any more; the summary comes first
            self._failed = error
            return
        if outcome.delivered(run):
            self.store = shown(self.url)
        for one in outcome.failures:
            if isinstance(one, AwayError):
                self._lines.append(f"{one}; {kept(outcome, path)}")
            elif self._failed is None:
                self._failed = one

    def interrupted(self) -> None:
        """Say that a run that was stopped is not delivered; a launcher starts its own anew, and nobody resumes them."""
        if self._note is None:
            return
        from ..record import tickets

        if tickets.here():
            self._note.done()
            echo_err("not delivered: the launcher starts the run again, or names its machine")
        else:
            echo_err("not delivered: --resume goes on with the run, then delivers it")

    def end(self) -> None:
        """Say what was not delivered, after the summary; raise what trying again does not mend."""
        for line in self._lines:
            echo_err(f"warning: {line}")
        if self._failed is not None:
            from ..errors import StoreError

            raise StoreError(f"{self._failed}; the run is kept, and `hwbench fleet flush` delivers it")


def kept(outcome: Outcome, path: Path | None) -> str:
    """Where runs are that were not delivered, and what delivers them."""
    from ..record.phrases import counted

    if path is None:
        return "the run could be saved nowhere, and the table above is all there is of it"
    return f"{counted(outcome.left, 'run')} kept; the next run with --to or `hwbench fleet flush` delivers them"
