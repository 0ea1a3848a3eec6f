"""Code that is timed or compiled into what is timed: vector instructions, float16, permutations, CUDA sources."""
