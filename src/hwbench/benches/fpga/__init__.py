"""The lecture's programmable hardware: a systolic array simulated, synthesised, placed and routed for an FPGA."""
