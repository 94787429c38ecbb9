#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "CSpawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_between(int first, int end, long limit) {
#if defined(SYS_close_range)
    if (syscall(SYS_close_range, (unsigned)first, (unsigned)end - 1, 0) == 0) return;
#endif
    for (int descriptor = first; descriptor < end && descriptor < limit; descriptor++) close(descriptor);
}

// Between fork and exec, only async-signal-safe calls are allowed, because other threads may have held locks.
static void become(
    const char *program, char *const *arguments, char *const *environment, const char *directory, const int streams[3],
    int failure, long limit) {
    int copies[3];
    // Move them out of the way first: one of them may have a number below 3.
    for (int index = 0; index < 3; index++) {
        copies[index] = fcntl(streams[index], F_DUPFD, 10);
        if (copies[index] < 0) goto failed;
    }
    if (failure < 10) {
        failure = fcntl(failure, F_DUPFD_CLOEXEC, 10);
        if (failure < 0) _exit(127);
    }
    for (int index = 0; index < 3; index++) {
        if (dup2(copies[index], index) < 0) goto failed;
    }
    close_between(3, failure, limit);
    close_between(failure + 1, INT_MAX, limit);
    // Apache ends its whole process group when it exits.
    setpgid(0, 0);
    if (directory && chdir(directory) != 0) goto failed;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, 0);
    execve(program, arguments, environment);
failed: {
    int code = errno;
    if (write(failure, &code, sizeof code) < 0) { }
    _exit(127);
}
}

int cspawn_start(
    const char *program, char *const *arguments, char *const *environment, const char *directory, int input, int output,
    int errors) {
    int report[2];
    if (pipe(report) != 0) return -errno;
    fcntl(report[0], F_SETFD, FD_CLOEXEC);
    fcntl(report[1], F_SETFD, FD_CLOEXEC);
    const int streams[3] = {input, output, errors};
    long limit = sysconf(_SC_OPEN_MAX);
    if (limit < 0 || limit > 65536) limit = 65536;
    pid_t child = fork();
    if (child == 0) become(program, arguments, environment, directory, streams, report[1], limit);
    int code = child < 0 ? errno : 0;
    close(report[1]);
    if (child > 0) {
        // The pipe ends with exec, or carries the error that prevented it.
        ssize_t length;
        do { length = read(report[0], &code, sizeof code); } while (length < 0 && errno == EINTR);
        if (length <= 0) code = 0;
        if (code != 0) waitpid(child, 0, 0);
    }
    close(report[0]);
    return code != 0 ? -code : child;
}

int cspawn_wait(int process) {
    siginfo_t information;
    int result;
    do { result = waitid(P_PID, (id_t)process, &information, WEXITED | WNOWAIT); } while (result < 0 && errno == EINTR);
    return result < 0 ? -1 : information.si_status;
}

void cspawn_reap(int process) {
    while (waitpid(process, 0, 0) < 0 && errno == EINTR) { }
}

int cspawn_fork(void) { return fork(); }

long cspawn_allocated(void) {
#if defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 33)
    return (long)mallinfo2().uordblks;
#endif
#endif
    return -1;
}
