// What the OpenCL device itself runs: a load of stated length, and nothing at all.

// `rounds` dependent multiply-adds in whole numbers, which no compiler shortens: to set events against the host's clock.
kernel void spin(global uint* to, uint rounds) {
    uint x = to[0] | 1;
    for (uint i = 0; i < rounds; ++i) x = x * 1664525u + 1013904223u + (x >> 16);
    if (get_global_id(0) == 0) to[0] = x;
}

kernel void nothing(global uint* to) {
    if (get_global_id(0) == 1) to[0] = 0;  // never: it is started on one work-item
}
