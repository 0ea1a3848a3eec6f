"""TODO measure.autosave."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from .. import errors
from ..record import store
from ..record.model import Run
from .observer import Observer


class Interrupted(Exception):  # noqa: N818 - it ends a run as Ctrl-C asked, it is no error
    """A run that was stopped; carries what was measured and where it lies: `spare`, where `--resume` does not look."""

    def __init__(self, run: Run, path: Path | None, *, spare: bool = False) -> None:
        super().__init__("interrupted")
        self.run = run
        self.path = path
        self.spare = spare


class _Keeper:
    """Saves a run where it belongs; where that fails, in the temporary directory; where that fails too, in memory."""

    def __init__(self, path: Path, observer: Observer) -> None:
        self.path: Path | None = path
        self.home = path
        self.observer = observer
        self.spare: Path | None = None
        with suppress(OSError):  # there may be no such directory; asked now, for on a full disk none is found usable
            self.spare = Path(tempfile.gettempdir())

    @property
    def elsewhere(self) -> bool:
        """Whether the run lies where it does not belong."""
        return self.path != self.home

    def save(self, run: Run) -> None:
        """Write this state of the run; says once where it went wrong and where the run lies now."""
        while self.path is not None:
            try:
                store.write(run, self.path)
                return
            except errors.StoreError as error:
                spare = self.spare / f"{run.id}.json" if self.spare is not None else None
                self.path = spare if spare != self.path else None
                where = f"keeping the run in {spare}" if self.path else "keeping the run in memory until its end"
                self.observer.trouble(f"{error}; {where}")
