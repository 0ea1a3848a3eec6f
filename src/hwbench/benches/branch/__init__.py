"""Control flow: what a mispredicted branch costs."""
