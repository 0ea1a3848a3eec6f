"""A function of your own, placed under the roofs that this machine was measured to have."""
