"""What a file on a disk costs."""
