// Preloaded into a process, steps its wall clock forward or back while it runs: the offset in nanoseconds is the first
// eight bytes of the file that STEPPED_CLOCK names. Waits with a wall-clock deadline follow the stepped clock, as they
// follow the system's clock when that is set.
//
//   cc -shared -fPIC -o stepped_clock.so stepped_clock.c -ldl

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset;

__attribute__((constructor)) static void map_offset(void) {
    const char *path = getenv("STEPPED_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED) offset = page;
}

static int is_wall(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

static void shift(struct timespec *time, int64_t nanoseconds) {
    int64_t all = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec + nanoseconds;
    time->tv_sec = (time_t)(all / 1000000000);
    time->tv_nsec = (long)(all % 1000000000);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && offset && is_wall(clock)) shift(time, *offset);
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}

/// Returns whether the stepped clock has reached a deadline.
static int is_over(const struct timespec *deadline) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec > deadline->tv_sec || (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

// Waits in slices of the real clock, because the kernel does not know the stepped one.
int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline) {
    static int (*real)(sem_t *, const struct timespec *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "sem_timedwait");
    for (;;) {
        struct timespec slice;
        syscall(SYS_clock_gettime, CLOCK_REALTIME, &slice);
        shift(&slice, is_over(deadline) ? 0 : 2000000);
        int result = real(semaphore, &slice);
        if (result == 0 || errno != ETIMEDOUT || is_over(deadline)) return result;
    }
}
