"""Our benches beside native tools: the same work, interleaved in one run, so that nobody has to believe Python.

`comparisons` says what is compared with what, `tools/` has a file a tool, `our_side` runs ours, and `session` takes
turns and keeps both sides' samples as records of a run file.
"""
