#ifndef RA_CPLATFORM_H
#define RA_CPLATFORM_H

// System interfaces that the toolchain's Glibc module omits.

#include <pthread.h>
#include <stdint.h>

#if defined(__linux__)
#include <sys/epoll.h>
#endif

/// Names the calling thread; truncates the name to 15 bytes on Linux.
void cplatform_name_thread(const char *name);

/// Accepts one connection, close-on-exec; non-blocking if `nonblocking` is not 0.
/// Returns the descriptor, or -1 with errno set.
int cplatform_accept(int listener, int nonblocking);

/// Returns how many bytes sent on a socket its peer has yet to read (Unix sockets) or to acknowledge (TCP); 0 where the
/// system does not report it.
int cplatform_unread_output(int socket);

/// Installs a handler that writes the signal's number as one byte to `descriptor` (non-blocking). All signals share one
/// descriptor. Returns 0, or -1 with errno set.
int cplatform_report_signal(int signal, int descriptor);

/// Ignores the reported signals from now on, so that the descriptor may be closed.
void cplatform_end_reports(void);

/// Installs a SIGTERM handler that writes one byte to `descriptor` (non-blocking) and ends the process `seconds` later.
/// Returns 0, or -1 with errno set.
int cplatform_watch_termination(int descriptor, int seconds);

/// Returns 1 if SIGTERM has arrived while watched, else 0.
int cplatform_is_terminated(void);

/// Ignores SIGTERM from now on, and cancels the pending end of the process if one has arrived.
void cplatform_outlive_termination(void);

/// Forks a child that continues from here in its own session, with all descriptors above 2 closed except `kept`
/// (-1: none). SIGALRM ends the child after `seconds`; 0: never.
/// Returns 0 in the child, its process id in the parent, and -1 on failure or where forking is unsupported.
int cplatform_fork_detached(int kept, unsigned seconds);

/// Locks one byte of a file against all other open file descriptions, without waiting. Duplicates of the descriptor,
/// and those that a child inherits, share the lock; it is released when the last of them is closed (fcntl(2),
/// F_OFD_SETLK). Returns 0, or -1 with errno set: EAGAIN or EACCES if the byte is locked.
int cplatform_lock_byte(int descriptor, long offset);

/// Unlocks one byte. Returns 0, or -1 with errno set.
int cplatform_unlock_byte(int descriptor, long offset);

/// A mutex with a condition variable that waits on the monotonic clock.
typedef struct cplatform_lock {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    struct cplatform_lock *next, *previous;
    int is_listed;
} cplatform_lock;

/// Initializes a lock, which must not move until `cplatform_lock_destroy`. With `survives_fork`, a fork waits until the
/// lock is free, and the child gets a free lock without waiters.
void cplatform_lock_create(cplatform_lock *lock, int survives_fork);

void cplatform_lock_destroy(cplatform_lock *lock);

/// Waits for a signal; the caller holds the lock, which is released meanwhile. `deadline` is in nanoseconds of
/// CLOCK_MONOTONIC; UINT64_MAX: none. Returns 0, or ETIMEDOUT.
int cplatform_lock_wait(cplatform_lock *lock, uint64_t deadline);

/// Closes the descriptor in every forked child, until `cplatform_forget_private` is called for it. Best effort: does
/// nothing if memory runs out.
void cplatform_keep_private(int descriptor);
void cplatform_forget_private(int descriptor);

/// Starts counting forks for `cplatform_count_forks`.
void cplatform_watch_forks(void);

/// Blocks forks by other threads until `cplatform_release_forks`, for work during which a fork is unsafe: the child
/// would find locks of the Swift runtime held by a thread that it does not have.
void cplatform_hold_forks(void);
void cplatform_release_forks(void);

/// Runs `action` unless it has succeeded before. `action` returns 1 on success, and 0 if the next call should retry.
/// Other threads wait meanwhile. So do forks: the child would otherwise find the lock held forever. Actions must not
/// nest.
///
/// `is_done` belongs to the action and is 0 at first. Returns its new value.
int cplatform_until_done(int *is_done, int (*action)(void));

extern int cplatform_forks;

/// Returns the number of forks between the process that started counting and this one: a process and its child get
/// different numbers.
static inline int cplatform_count_forks(void) { return __atomic_load_n(&cplatform_forks, __ATOMIC_RELAXED); }

/// Returns the number of processors that this process may run on; at least 1.
int cplatform_processors(void);

/// Writes a line to syslog; `level` is 0 for an error, 1 for a warning, 2 for information.
void cplatform_system_log(int level, const char *line);

/// Makes the allocator return freed blocks of 128 KiB and more to the system at once, and limits its arenas (glibc).
void cplatform_return_memory(void);

/// Returns free memory to the system (glibc).
void cplatform_trim_memory(void);

/// Returns the process's environment, terminated by a null pointer; null if there is none.
char *const *cplatform_environment(void);

#endif
