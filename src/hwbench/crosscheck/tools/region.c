/* An empty OpenMP region: `region TIMES` prints the seconds of one, on OMP_NUM_THREADS threads. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    long times = atol(argv[1]), entered = 0;
    for (int round = 0; round < 2; round++) { /* the first starts the threads */
        long part = round ? times : 100;
        double begin = omp_get_wtime();
        for (long i = 0; i < part; i++) {
#pragma omp parallel
            { __asm__ volatile("" ::: "memory"); }
            entered++;
        }
        if (round) printf("%.12f\n", (omp_get_wtime() - begin) / part);
    }
    return entered != times + 100;
}
