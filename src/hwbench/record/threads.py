"""How many threads the system starts: native libraries end the process where it starts too few for them."""

from __future__ import annotations

import threading


def startable(threads: int) -> int:
    """How many of so many threads the system starts beside those that there are; they end at once."""
    gate = threading.Event()
    begun: list[threading.Thread] = []
    try:
        for _ in range(threads):
            thread = threading.Thread(target=gate.wait, daemon=True)
            thread.start()
            begun.append(thread)
    except RuntimeError:
        pass
    finally:
        gate.set()
        for thread in begun:
            thread.join()
    return len(begun)
