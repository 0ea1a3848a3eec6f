"""Native tools: how each is run, what its output says, and what is missing where it cannot run."""
