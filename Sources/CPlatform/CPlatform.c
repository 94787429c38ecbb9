#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <syslog.h>
#include <unistd.h>

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

// Read in a signal handler, so it must be of a type that is written in one go.
static volatile sig_atomic_t report_descriptor = -1;

static void report(int signal) {
    int saved = errno;
    unsigned char number = (unsigned char)signal;
    // A full pipe holds a report already.
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

char *const *cplatform_environment(void) {
#if defined(__APPLE__)
    return *_NSGetEnviron();
#else
    extern char **environ;
    return environ;
#endif
}

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
    long limit = sysconf(_SC_OPEN_MAX);
    if (limit < 0 || limit > 4096) limit = 4096;
    for (int descriptor = 3; descriptor < limit; descriptor++) {
        if (descriptor != kept) close(descriptor);
    }
    return 0;
#else
    // Elsewhere a child may do next to nothing before it runs another program.
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

static atomic_int forks;
static pthread_once_t counts_forks = PTHREAD_ONCE_INIT;

static void count_fork(void) { atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed); }

static void begin_counting_forks(void) { pthread_atfork(NULL, NULL, count_fork); }

int cplatform_count_forks(void) {
    pthread_once(&counts_forks, begin_counting_forks);
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

int cplatform_processors(void) {
#if defined(__linux__)
    cpu_set_t set;
    // Fails where there are more processors than the set has room for.
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
