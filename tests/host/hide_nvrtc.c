// To be loaded before everything else (LD_PRELOAD): NVRTC cannot be found, whoever asks for it and however it is named.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

void *dlopen(const char *name, int flags) {
    void *(*plain)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
    return plain(name && strstr(name, "libnvrtc") ? "libnvrtc.so: hidden" : name, flags);
}
