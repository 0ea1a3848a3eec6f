"""Our benches against native tools: the same work, interleaved in one run, to show what Python and Numba add.

`comparisons` pairs our cases with the tools', `tools/` has one file per tool, `our_side` runs our benches, and
`session` runs both sides in turn and keeps their samples as records of a run file.
"""
