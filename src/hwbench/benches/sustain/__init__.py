"""What the CPU keeps up for a minute."""
