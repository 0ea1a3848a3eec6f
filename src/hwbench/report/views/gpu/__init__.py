"""Views of a GPU: the link to it, its roofline, and the size from which it wins."""
