"""TODO devices.gpu_timing."""

from __future__ import annotations

COLD_CALLS = 64  # calls a sample when L2 is flushed before each: the flush takes longer than most of them
COLD_HOST_CALLS = 8  # the same for the host's caches, which take milliseconds
FLUSH = 2  # × L2: what is written last evicts all else, whatever the policy of replacement
