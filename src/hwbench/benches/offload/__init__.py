"""When it pays to hand work to the GPU, the way there and back counted in."""
