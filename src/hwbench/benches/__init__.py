"""The benches: bench `topic.question` is in `topic/question.py`, with its kernels, reference answer and finding."""
