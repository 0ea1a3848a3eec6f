"""The link between host and GPU: copies by size and kind of memory, in pieces, and beside computing."""
