"""What a program pays the operating system before it computes: memory, files, calls, threads, processes."""
