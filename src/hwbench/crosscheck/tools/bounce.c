/* Two threads hand a counter back and forth, as latency.core_to_core's do: by load and store, or by compare-and-swap.
 * `bounce(a, b, trips, exchange)` gives the seconds of so many round trips between CPUs a and b, -1 without threads. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("yield")
#else
#define RELAX()
#endif

typedef struct {
    _Alignas(128) _Atomic long turn;
    _Alignas(128) _Atomic int ready;
    long last;
    int exchange;
} Line;
typedef struct { Line *line; int cpu; long first; double start, end; } Side;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void *run(void *given) {
    Side *side = given;
    Line *line = side->line;
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(side->cpu, &cpus);
    pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
    atomic_fetch_add(&line->ready, 1);
    while (atomic_load(&line->ready) < 2) RELAX();
    side->start = now();
    for (long turn = side->first; turn < line->last; turn += 2) {
        if (line->exchange) {
            long expected = turn;
            while (!atomic_compare_exchange_strong_explicit(
                &line->turn, &expected, turn + 1, memory_order_acq_rel, memory_order_acquire)) {
                expected = turn;
                RELAX();
            }
        } else {
            while (atomic_load_explicit(&line->turn, memory_order_acquire) != turn) RELAX();
            atomic_store_explicit(&line->turn, turn + 1, memory_order_release);
        }
    }
    side->end = now();
    return 0;
}

double bounce(int a, int b, long trips, int exchange) {
    static Line line;
    line.last = 2 * trips;
    line.exchange = exchange;
    atomic_store(&line.turn, 0);
    atomic_store(&line.ready, 0);
    Side one = {&line, a, 0, 0, 0}, other = {&line, b, 1, 0, 0};
    pthread_t thread, second;
    if (pthread_create(&thread, 0, run, &one)) return -1;
    int alone = pthread_create(&second, 0, run, &other);
    if (alone) {
        line.last = 0;
        atomic_store(&line.ready, 2);
    }
    pthread_join(thread, 0);
    if (alone) return -1;
    pthread_join(second, 0);
    double start = one.start < other.start ? one.start : other.start, end = one.end > other.end ? one.end : other.end;
    return end - start;
}
