"""What the machine's energy goes into."""
