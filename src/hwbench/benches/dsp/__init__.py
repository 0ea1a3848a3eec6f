"""Signal processing: dot product, convolution, Fourier transform. The work that a signal processor is built for."""
