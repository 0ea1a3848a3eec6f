"""`hwbench ab`: two environments or commits, measured in turn by whole processes."""
