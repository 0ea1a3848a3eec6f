"""What one GPU does with data that is already in its memory: bandwidth, latency, launches, arithmetic."""
