/* The loop that a C programmer writes to follow a ring of pointers. */
void *chase(void *at, long hops) {
    while (hops-- > 0) at = *(void **)at;
    return at;
}
