"""Questions on nodes of memory: what a core pays for memory that another one is nearer to."""
