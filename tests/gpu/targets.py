"""Lines for the end of the session: what was reached beside what others reach."""

from __future__ import annotations

TARGETS: list[str] = []
