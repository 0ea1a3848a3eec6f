"""How a signal ends the program. Nothing heavy: this is imported before everything else."""

import os
import signal
from collections.abc import Callable
from typing import Any


def handle(handler: Callable[[int, Any], None]) -> None:
    """Have SIGTERM end a run as Ctrl-C does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def leave(_number: int, _frame: Any) -> None:
    """Before measuring there is nothing to save, and after it all is saved."""
    os.write(2, b"hwbench: interrupted\n")
    os._exit(130)
