// A CUDA driver that answers as the environment says: HWBENCH_STUB_VERSION (12040 is CUDA 12.4) and HWBENCH_STUB_INIT,
// what cuInit returns; whatever else is called fails with 999, an unknown error. It has no devices and cannot have any:
// before it counts them CUDA's runtime, which CuPy has linked into itself, makes sure that the driver is NVIDIA's.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static int told(const char *name, int otherwise) {
    const char *value = getenv(name);
    return value ? atoi(value) : otherwise;
}

static int refuse(void) { return 999; }

int cuDriverGetVersion(int *version) {
    *version = told("HWBENCH_STUB_VERSION", 13000);
    return 0;
}

int cuInit(unsigned flags) {
    (void)flags;
    return told("HWBENCH_STUB_INIT", 999);
}

// The runtime asks for each entry point by name, this one among them.
int cuGetProcAddress_v2(const char *name, void **entry, int version, unsigned long long flags, int *status) {
    (void)version, (void)flags;
    void *self = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    *entry = strcmp(name, "cuGetProcAddress") ? (self ? dlsym(self, name) : NULL) : (void *)cuGetProcAddress_v2;
    if (!*entry) *entry = (void *)refuse;
    if (status) *status = 0;
    return 0;
}

int cuGetProcAddress(const char *name, void **entry, int version, unsigned long long flags) {
    return cuGetProcAddress_v2(name, entry, version, flags, NULL);
}
