"""What has answered: keys of runs in the store that carry a launch's tickets. No run is read for that."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from ..record import tickets

if TYPE_CHECKING:
    from ..record.model import JsonObject

FOLDER = "launches"
DAY = datetime.timedelta(days=1)


class Keys(Protocol):
    """What is needed of a store."""

    def put_once(self, key: str, data: bytes) -> bool:
        """Put an object that is not there yet."""

    def keys(self, prefix: str = ...) -> list[str]:
        """The keys below a prefix."""


class Watch:
    """The answers to a launch, task by task."""

    def __init__(self, store: Keys, launch: str, began: datetime.date | None = None) -> None:
        self.store, self.launch = store, launch
        self.began = began or today()
        self.answers: dict[int, str] = {}

    def announce(self, told: JsonObject) -> None:
        """Put what is started into the store: one that cannot be written is refused before anything is measured."""
        self.store.put_once(f"{FOLDER}/{self.launch}.json", msgspec.json.encode(told) + b"\n")

    def look(self) -> dict[int, str]:
        """The key of the first run of each task that has answered.

        The day in a key is that of the machine's own clock, which may be a day early or late.
        """
        day = self.began - DAY
        while day <= today() + DAY:
            for key in self.store.keys(f"runs/{day.isoformat()}/"):
                number = tickets.task(key, self.launch)
                if number is not None:
                    self.answers.setdefault(number, key)
            day += DAY
        return self.answers


def today() -> datetime.date:
    """The day in UTC."""
    return datetime.datetime.now(datetime.UTC).date()
