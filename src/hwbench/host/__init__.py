"""What this machine is, what disturbs measuring on it, and which hwbench measures. Settings are read, never changed."""
