/* STREAM's triad as STREAM writes it: `triad N TIMES HUGE` prints the seconds of each repetition.
 * Each thread touches its part first; HUGE asks for huge pages (1) or refuses them (0). */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static double *array(long n, int huge) {
    void *p = NULL;
    size_t bytes = (n * sizeof(double) + (2ul << 20) - 1) & ~((2ul << 20) - 1);
    if (posix_memalign(&p, 2ul << 20, bytes)) exit(1);
    madvise(p, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    return p;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    long n = atol(argv[1]);
    int times = atoi(argv[2]), huge = atoi(argv[3]);
    double *a = array(n, huge), *b = array(n, huge), *c = array(n, huge), s = 3.0;
#pragma omp parallel for
    for (long i = 0; i < n; i++) { a[i] = 1.0; b[i] = 2.0; c[i] = 0.5; }
    for (int t = -1; t < times; t++) {
        double begin = omp_get_wtime();
#pragma omp parallel for
        for (long i = 0; i < n; i++) a[i] = b[i] + s * c[i];
        if (t >= 0) printf("%.9f\n", omp_get_wtime() - begin);
    }
    for (long i = 0; i < n; i++) if (a[i] != 3.5) return 3;
    return 0;
}
