"""Native tools beside our benches: the same work, interleaved in one run, so that Python need not be believed.

`cells` says what is compared with what, one file a tool runs it (`likwid`, `stream`, `mbw`, `compiled`), `ours` runs
our side, and `verify` takes the turns and keeps the samples as records of a run file.
"""
