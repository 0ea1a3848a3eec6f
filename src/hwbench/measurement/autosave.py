"""Save a run after each group, in another place if the disk is full; and hand over an interrupted run."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from .. import errors
from ..record import store
from ..record.model import Run
from .observer import Observer


class Interrupted(Exception):  # noqa: N818 - it ends a run as Ctrl-C asked, it is no error
    """A run that was stopped: what was measured, and its file; `spare` where that is not where `--resume` looks."""

    def __init__(self, run: Run, path: Path | None, *, spare: bool = False) -> None:
        super().__init__("interrupted")
        self.run = run
        self.path = path
        self.spare = spare


class Autosave:
    """Writes a run to its file; if that fails, to the temporary directory; if that fails too, keeps it in memory.

    `path` is the file in use, None for memory.
    """

    def __init__(self, path: Path, observer: Observer) -> None:
        self.path: Path | None = path
        self.home = path
        self.observer = observer
        self.writer = store.Rewriter()
        self.spare: Path | None = None
        with suppress(OSError):  # there may be none; looked up now, because on a full disk Python finds none usable
            self.spare = Path(tempfile.gettempdir())

    @property
    def elsewhere(self) -> bool:
        """Whether the run is not in its own file."""
        return self.path != self.home

    def save(self, run: Run) -> None:
        """Write this state of the run; the observer hears once what failed and where the run is now."""
        while self.path is not None:
            try:
                self.writer.write(run, self.path)
                return
            except errors.StoreError as error:
                spare = self.spare / self.home.name if self.spare is not None else None
                self.path = spare if spare != self.path else None
                where = f"keeping the run in {spare}" if self.path else "keeping the run in memory until its end"
                self.observer.trouble(f"{error}; {where}")
