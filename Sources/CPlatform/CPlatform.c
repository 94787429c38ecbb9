#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif
#include <sys/types.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#if defined(__APPLE__)
#include <crt_externs.h>
#endif

int cplatform_accept(int listener, int nonblocking) {
#if defined(__linux__)
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0));
#else
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) return -1;
    fcntl(connection, F_SETFD, FD_CLOEXEC);
    int flags = fcntl(connection, F_GETFL);
    fcntl(connection, F_SETFL, nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
    return connection;
#endif
}

int cplatform_unread_output(int socket) {
    int count = 0;
#if defined(__linux__)
    if (ioctl(socket, TIOCOUTQ, &count) != 0) return 0;
#elif defined(SO_NWRITE)
    socklen_t length = sizeof count;
    if (getsockopt(socket, SOL_SOCKET, SO_NWRITE, &count, &length) != 0) return 0;
#else
    (void)socket;
#endif
    return count;
}

void cplatform_name_thread(const char *name) {
#if defined(__linux__)
    char cut[16];
    strncpy(cut, name, sizeof cut - 1);
    cut[sizeof cut - 1] = 0;
    pthread_setname_np(pthread_self(), cut);
#else
    pthread_setname_np(name);
#endif
}

// Read in a signal handler, so it must be atomic.
static volatile sig_atomic_t report_descriptor = -1;

static void report(int signal) {
    int saved = errno;
    unsigned char number = (unsigned char)signal;
    // A full pipe already has a report.
    if (write((int)report_descriptor, &number, 1) < 0) { }
    errno = saved;
}

int cplatform_report_signal(int signal, int descriptor) {
    report_descriptor = descriptor;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = report;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    return sigaction(signal, &action, NULL);
}

void cplatform_end_reports(void) { report_descriptor = -1; }

void cplatform_return_memory(void) {
#if defined(__GLIBC__)
    // Set a fixed threshold: by default it grows with the size of freed blocks, up to 32 MiB.
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    mallopt(M_TRIM_THRESHOLD, 256 * 1024);
    mallopt(M_ARENA_MAX, 4);
#endif
}

void cplatform_trim_memory(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

static volatile sig_atomic_t is_terminated;
static volatile sig_atomic_t outlives_termination;
static volatile sig_atomic_t termination_descriptor = -1;
static volatile sig_atomic_t termination_seconds;

static void note_termination(int signal) {
    (void)signal;
    if (outlives_termination) return;
    int saved = errno;
    is_terminated = 1;
    // SIGALRM ends a process that does not check the pipe.
    alarm((unsigned)termination_seconds);
    if (write((int)termination_descriptor, "", 1) < 0) { }
    errno = saved;
}

int cplatform_watch_termination(int descriptor, int seconds) {
    termination_descriptor = descriptor;
    termination_seconds = seconds;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    // Use a handler: programs that this one starts would inherit an ignored signal.
    action.sa_handler = note_termination;
    if (sigaction(SIGTERM, &action, NULL) != 0) return -1;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return signal(SIGALRM, SIG_DFL) == SIG_ERR ? -1 : 0;
}

int cplatform_is_terminated(void) { return is_terminated != 0; }

void cplatform_outlive_termination(void) {
    outlives_termination = 1;
    alarm(0);
}

char *const *cplatform_environment(void) {
#if defined(__APPLE__)
    return *_NSGetEnviron();
#else
    extern char **environ;
    return environ;
#endif
}

#if defined(__linux__)
static void close_range_of_descriptors(unsigned first, unsigned last) {
#if defined(SYS_close_range)
    if (syscall(SYS_close_range, first, last, 0) == 0) return;
#endif
    // Before Linux 5.9, or where a sandbox forbids the call.
    long limit = sysconf(_SC_OPEN_MAX);
    if (limit < 0 || limit > 65536) limit = 65536;
    for (unsigned descriptor = first; descriptor <= last && descriptor < (unsigned)limit; descriptor++) {
        close((int)descriptor);
    }
}
#endif

int cplatform_fork_detached(int kept, unsigned seconds) {
#if defined(__linux__)
    pid_t child = fork();
    if (child != 0) return child;
    if (seconds > 0) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGALRM);
        signal(SIGALRM, SIG_DFL);
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
        alarm(seconds);
    }
    setsid();
    // Otherwise syslog(3) would write to its connection's number after another descriptor has reused it.
    closelog();
    if (kept < 3) {
        close_range_of_descriptors(3, ~0U);
    } else {
        if (kept > 3) close_range_of_descriptors(3, (unsigned)kept - 1);
        close_range_of_descriptors((unsigned)kept + 1, ~0U);
    }
    return 0;
#else
    // Elsewhere a forked child is not safe to use before exec.
    (void)kept;
    (void)seconds;
    return -1;
#endif
}

static int set_byte_lock(int descriptor, long offset, short type) {
#if defined(F_OFD_SETLK)
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = offset;
    lock.l_len = 1;
    return fcntl(descriptor, F_OFD_SETLK, &lock);
#else
    (void)descriptor;
    (void)offset;
    (void)type;
    errno = ENOTSUP;
    return -1;
#endif
}

int cplatform_lock_byte(int descriptor, long offset) { return set_byte_lock(descriptor, offset, F_WRLCK); }

int cplatform_unlock_byte(int descriptor, long offset) { return set_byte_lock(descriptor, offset, F_UNLCK); }

void cplatform_system_log(int level, const char *line) {
    int priority = level == 0 ? LOG_ERR : level == 1 ? LOG_WARNING : LOG_INFO;
    syslog(LOG_USER | priority, "rigidanalytics: %s", line);
}

// ---- Fork-safe locks and descriptors ----

int cplatform_forks;

static pthread_once_t watches_forks = PTHREAD_ONCE_INIT;
// Guards the lists of locks and of private descriptors; held across a fork.
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static cplatform_lock *first_lock;
// Taken before all others. Recursive, because its holder may fork.
static pthread_mutex_t fork_lock;
static struct private_descriptor {
    int number;
    dev_t device;
    ino_t inode;
} *private_descriptors;
static size_t private_count, private_capacity;

static void initialize(cplatform_lock *lock) {
    pthread_mutexattr_t mutex;
    pthread_mutexattr_init(&mutex);
#if defined(__GLIBC__)
    // Spins briefly before it sleeps in the kernel.
    pthread_mutexattr_settype(&mutex, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
    pthread_mutex_init(&lock->mutex, &mutex);
    pthread_mutexattr_destroy(&mutex);
    pthread_condattr_t condition;
    pthread_condattr_init(&condition);
#if !defined(__APPLE__)
    pthread_condattr_setclock(&condition, CLOCK_MONOTONIC);
#endif
    pthread_cond_init(&lock->condition, &condition);
    pthread_condattr_destroy(&condition);
}

static void make_fork_lock(void) {
    pthread_mutexattr_t mutex;
    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_settype(&mutex, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&fork_lock, &mutex);
    pthread_mutexattr_destroy(&mutex);
}

static void before_fork(void) {
    pthread_mutex_lock(&fork_lock);
    pthread_mutex_lock(&list_lock);
    for (cplatform_lock *lock = first_lock; lock; lock = lock->next) pthread_mutex_lock(&lock->mutex);
}

static void after_fork_in_parent(void) {
    for (cplatform_lock *lock = first_lock; lock; lock = lock->next) pthread_mutex_unlock(&lock->mutex);
    pthread_mutex_unlock(&list_lock);
    pthread_mutex_unlock(&fork_lock);
}

// The child has one thread. Threads that waited on a condition exist only in the parent, so conditions are initialized
// again: a signal must not be lost to one of them. The guarded state is consistent, because the fork waited for the
// locks.
static void after_fork_in_child(void) {
    __atomic_fetch_add(&cplatform_forks, 1, __ATOMIC_RELAXED);
    for (cplatform_lock *lock = first_lock; lock; lock = lock->next) initialize(lock);
    for (size_t index = 0; index < private_count; index++) {
        // The number of a descriptor that was closed but not forgotten may have been reused.
        struct stat status;
        struct private_descriptor *known = &private_descriptors[index];
        if (fstat(known->number, &status) == 0 && status.st_dev == known->device && status.st_ino == known->inode)
            close(known->number);
    }
    private_count = 0;
    pthread_mutex_init(&list_lock, NULL);
    make_fork_lock();
}

static void watch_forks(void) {
    make_fork_lock();
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void cplatform_watch_forks(void) { pthread_once(&watches_forks, watch_forks); }

void cplatform_hold_forks(void) {
    cplatform_watch_forks();
    pthread_mutex_lock(&fork_lock);
}

void cplatform_release_forks(void) { pthread_mutex_unlock(&fork_lock); }

void cplatform_lock_create(cplatform_lock *lock, int survives_fork) {
    *lock = (cplatform_lock){0};
    initialize(lock);
    if (survives_fork) {
        cplatform_watch_forks();
        pthread_mutex_lock(&list_lock);
        lock->is_listed = 1;
        lock->next = first_lock;
        if (first_lock) first_lock->previous = lock;
        first_lock = lock;
        pthread_mutex_unlock(&list_lock);
    }
}

static cplatform_lock action_lock;
static pthread_once_t has_action_lock = PTHREAD_ONCE_INIT;

static void make_action_lock(void) { cplatform_lock_create(&action_lock, 1); }

int cplatform_until_done(int *is_done, int (*action)(void)) {
    pthread_once(&has_action_lock, make_action_lock);
    pthread_mutex_lock(&action_lock.mutex);
    if (!*is_done) *is_done = action();
    int result = *is_done;
    pthread_mutex_unlock(&action_lock.mutex);
    return result;
}

void cplatform_lock_destroy(cplatform_lock *lock) {
    if (lock->is_listed) {
        pthread_mutex_lock(&list_lock);
        if (lock->previous) lock->previous->next = lock->next; else first_lock = lock->next;
        if (lock->next) lock->next->previous = lock->previous;
        pthread_mutex_unlock(&list_lock);
    }
    pthread_mutex_destroy(&lock->mutex);
    pthread_cond_destroy(&lock->condition);
}

int cplatform_lock_wait(cplatform_lock *lock, uint64_t deadline) {
    if (deadline == UINT64_MAX) return pthread_cond_wait(&lock->condition, &lock->mutex);
#if defined(__APPLE__)
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t present = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    uint64_t left = deadline > present ? deadline - present : 0;
    struct timespec wait = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
    return pthread_cond_timedwait_relative_np(&lock->condition, &lock->mutex, &wait);
#else
    struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000u), .tv_nsec = (long)(deadline % 1000000000u)};
    return pthread_cond_timedwait(&lock->condition, &lock->mutex, &until);
#endif
}

void cplatform_keep_private(int descriptor) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) return;
    cplatform_forget_private(descriptor);
    pthread_mutex_lock(&list_lock);
    if (private_count == private_capacity) {
        size_t capacity = private_capacity ? private_capacity * 2 : 64;
        struct private_descriptor *grown = realloc(private_descriptors, capacity * sizeof *grown);
        // Out of memory: the descriptor is inherited like any other.
        if (!grown) { pthread_mutex_unlock(&list_lock); return; }
        private_descriptors = grown;
        private_capacity = capacity;
    }
    private_descriptors[private_count++] = (struct private_descriptor){descriptor, status.st_dev, status.st_ino};
    pthread_mutex_unlock(&list_lock);
}

void cplatform_forget_private(int descriptor) {
    cplatform_watch_forks();
    pthread_mutex_lock(&list_lock);
    for (size_t index = 0; index < private_count; index++) {
        if (private_descriptors[index].number != descriptor) continue;
        private_descriptors[index] = private_descriptors[--private_count];
        break;
    }
    pthread_mutex_unlock(&list_lock);
}

int cplatform_processors(void) {
#if defined(__linux__)
    cpu_set_t set;
    // Fails if there are more processors than the set can hold.
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
