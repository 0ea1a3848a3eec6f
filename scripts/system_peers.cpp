// The loops of hwbench's benches of the operating system, in C: see system_peers.py.
// Reads lines `NAME LOOPS CPU OTHER`, writes the seconds of so many calls. Arguments: the interpreter.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static const size_t SIZE = 32u << 20, HUGE_PAGE = 2u << 20, BLOCK = 256u << 10;
static const long CALLS = 1000, TRIPS = 250, THREADS = 10;
static const char *interpreter;

static double now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu < 0)
        for (int i = 0; i < CPU_SETSIZE; i++) CPU_SET(i, &set);
    else
        CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void write_all(char *at, bool whole) {
    if (whole)
        memset(at, 1, SIZE);
    else
        for (size_t i = 0; i < SIZE; i += 4096) *(volatile int64_t *)(at + i) = 1;
}

static double fresh(long loops, int flags, int advice, size_t align, bool whole) {
    char *held = nullptr;
    double begun = now();
    for (long k = 0; k < loops; k++) {
        if (held) munmap(held, SIZE + align);
        held = (char *)mmap(nullptr, SIZE + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
        char *at = (char *)(((uintptr_t)held + align - 1) / align * align);
        if (advice >= 0) madvise(at, SIZE, advice);
        write_all(at, whole);
    }
    munmap(held, SIZE + align);  // as often as in hwbench, where the mapping of the sample before is there
    return now() - begun;
}

static char *kept() {
    static char *at = nullptr;
    if (!at) {
        at = (char *)mmap(nullptr, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        madvise(at, SIZE, MADV_NOHUGEPAGE);
        memset(at, 0, SIZE);
    }
    return at;
}

// As LLVM adds in hwbench's loop: in four sums of the widest vectors. g++ alone adds in one, which took 5 to 9% longer.
#ifdef __AVX512F__
typedef int64_t Vector __attribute__((vector_size(64)));
#else
typedef int64_t Vector __attribute__((vector_size(32)));
#endif

static int64_t added(const int64_t *words, size_t count) {
    const Vector *at = (const Vector *)words, *end = at + count * 8 / sizeof(Vector);
    Vector a = {}, b = {}, c = {}, d = {};
    for (; at < end; at += 4) a += at[0], b += at[1], c += at[2], d += at[3];
    a += b, c += d, a += c;
    int64_t total = 0;
    for (size_t i = 0; i < sizeof(Vector) / 8; i++) total += a[i];
    return total;
}

static volatile int64_t sum;

static double mapped(const std::string &way, long loops, const char *path) {
    static std::string opened;
    static int file = -1;
    static int64_t *held = nullptr;
    if (opened != path) {  // hwbench's own file: another one would have other pages
        if (held) munmap(held, SIZE), close(file);
        opened = path, file = open(path, O_RDONLY);
        held = (int64_t *)mmap(nullptr, SIZE, PROT_READ, MAP_SHARED, file, 0);
        if (file < 0 || held == MAP_FAILED) exit(3);
    }
    if (way == "read") {
        static int64_t *buffer = (int64_t *)aligned_alloc(4096, BLOCK);
        double begun = now();
        for (long k = 0; k < loops; k++) {
            int64_t total = 0;
            for (size_t at = 0; at < SIZE; at += BLOCK) {
                if (pread(file, buffer, BLOCK, at) != (ssize_t)BLOCK) exit(3);
                total += added(buffer, BLOCK / 8);
            }
            sum = total;
        }
        return now() - begun;
    }
    if (way == "kept") {
        sum = added(held, SIZE / 8);
        double begun = now();
        for (long k = 0; k < loops; k++) sum = added(held, SIZE / 8);
        return now() - begun;
    }
    double begun = now();
    for (long k = 0; k < loops; k++) {
        void *at = mmap(nullptr, SIZE, PROT_READ, MAP_SHARED | (way == "populate" ? MAP_POPULATE : 0), file, 0);
        sum = added((const int64_t *)at, SIZE / 8);
        munmap(at, SIZE);
    }
    return now() - begun;
}

// Called on hwbench's own thread: on another one of its process, or in another process, the same mmap took 5 to 11% longer.
extern "C" double mapped_here(const char *way, long loops, const char *path) { return mapped(way, loops, path); }

// io.file's loop: a block read at each place, or written with a stamp.
extern "C" int64_t move_here(int file, int64_t address, int64_t block, const int64_t *places, int64_t count,
                             int64_t stamp, int sync) {
    int64_t total = 0;
    for (int64_t k = 0; k < count; k++) {
        int64_t at = places[k];
        if (stamp) {
            for (int64_t page = 0; page < block / 4096; page++)
                *(volatile int64_t *)(address + page * 4096) = (at / 4096 + page) | (stamp << 32);
            if (pwrite(file, (void *)address, block, at) != block) return -1;
            if (sync && fsync(file)) return -1;
        } else if (pread(file, (void *)address, block, at) != block)
            return -1;
        total += *(volatile int64_t *)address & 0xFFFFFFFF;
    }
    return total;
}

struct Pipes { int there[2], back[2], cpu; };

static void *answering(void *given) {
    Pipes *pipes = (Pipes *)given;
    pin(pipes->cpu);
    int64_t word;
    while (read(pipes->there[0], &word, 8) == 8) {
        word++;
        if (write(pipes->back[1], &word, 8) != 8) break;
    }
    return nullptr;
}

static double switched(long loops, int cpu) {
    Pipes pipes;
    pipes.cpu = cpu;
    if (pipe(pipes.there) || pipe(pipes.back)) exit(3);
    pthread_t thread;
    pthread_create(&thread, nullptr, answering, &pipes);
    int64_t word = 0;
    for (int i = 0; i < 10; i++)  // the thread has begun and is pinned
        if (write(pipes.there[1], &word, 8) != 8 || read(pipes.back[0], &word, 8) != 8) exit(3);
    double begun = now();
    for (long k = 0; k < loops * TRIPS; k++)
        if (write(pipes.there[1], &word, 8) != 8 || read(pipes.back[0], &word, 8) != 8) exit(3);
    double taken = now() - begun;
    close(pipes.there[1]);
    pthread_join(thread, nullptr);
    close(pipes.there[0]), close(pipes.back[0]), close(pipes.back[1]);
    return taken;
}

static double alone(long loops) {
    int ends[2];
    if (pipe(ends)) exit(3);
    int64_t word = 0;
    double begun = now();
    for (long k = 0; k < 2 * loops * TRIPS; k++)
        if (write(ends[1], &word, 8) != 8 || read(ends[0], &word, 8) != 8) exit(3);
    double taken = now() - begun;
    close(ends[0]), close(ends[1]);
    return taken;
}

static void *add_one(void *counter) {
    ++*(volatile int64_t *)counter;
    return nullptr;
}

static double threads(long loops) {
    int64_t counter = 0;
    double begun = now();
    for (long k = 0; k < loops * THREADS; k++) {
        pthread_t thread;
        if (pthread_create(&thread, nullptr, add_one, &counter)) exit(3);
        pthread_join(thread, nullptr);
    }
    return now() - begun;
}

static double spawned(const std::string &way, long loops) {
    const char *shell[] = {"/bin/sh", "-c", "exit 42", nullptr};
    const char *bare[] = {interpreter, "-I", "-S", "-c", "raise SystemExit(42)", nullptr};
    const char *python[] = {interpreter, "-c", "raise SystemExit(42)", nullptr};
    const char *numpy[] = {interpreter, "-c", "import numpy; raise SystemExit(42)", nullptr};
    const char **command = way == "shell" ? shell : way == "bare" ? bare : way == "python" ? python : numpy;
    double begun = now();
    for (long k = 0; k < loops; k++) {
        pid_t child;
        int status;
        if (posix_spawn(&child, command[0], nullptr, nullptr, (char *const *)command, environ)) exit(3);
        if (waitpid(child, &status, 0) < 0 || WEXITSTATUS(status) != 42) exit(3);
    }
    return now() - begun;
}

static void *idling(void *) {
    for (;;) pause();
}

int main(int, char **arguments) {
    interpreter = arguments[1];
    // A second thread, which sleeps: hwbench has several. With one thread alone the kernel counts no references to open
    // files, which makes a read or write of 8 bytes faster.
    pthread_t other_thread;
    if (!getenv("PEERS_ALONE")) pthread_create(&other_thread, nullptr, idling, nullptr);
    char name[80];
    long loops;
    int cpu, other;
    while (scanf("%79s %ld %d %d", name, &loops, &cpu, &other) == 4) {
        std::string what = name, topic = what.substr(0, what.find('/')), way = what.substr(what.find('/') + 1);
        bool free_cpu = topic == "thread" || topic == "process";
        pin(free_cpu ? -1 : cpu);
        double taken = -1;
        if (what == "call/native") {
            double begun = now();
            for (long k = 0; k < loops * CALLS; k++) sum = getppid();
            taken = now() - begun;
        } else if (what == "call/clock") {
            timespec t;
            double begun = now();
            for (long k = 0; k < loops * CALLS; k++) {
                clock_gettime(CLOCK_MONOTONIC, &t);
                sum = t.tv_sec * 1000000000 + t.tv_nsec;
            }
            taken = now() - begun;
        } else if (topic == "touch" || topic == "memset") {
            bool whole = topic == "memset";
            if (way == "reused") {
                char *at = kept();
                double begun = now();
                for (long k = 0; k < loops; k++) write_all(at, whole);
                taken = now() - begun;
            } else if (way == "huge")
                taken = fresh(loops, 0, MADV_HUGEPAGE, HUGE_PAGE, whole);
            else if (way == "populate")
                taken = fresh(loops, MAP_POPULATE, -1, 4096, whole);
            else
                taken = fresh(loops, 0, MADV_NOHUGEPAGE, 4096, whole);
        } else if (what == "switch/alone")
            taken = alone(loops);
        else if (topic == "switch")
            taken = switched(loops, way == "one-cpu" ? cpu : other);
        else if (what == "thread/native")
            taken = threads(loops);
        else if (topic == "process")
            taken = spawned(way, loops);
        printf("%.9f\n", taken);
        fflush(stdout);
    }
}
