"""TODO benches.dsp."""
