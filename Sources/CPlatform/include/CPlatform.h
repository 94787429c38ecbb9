#ifndef RA_CPLATFORM_H
#define RA_CPLATFORM_H

// System interfaces that the toolchain's Glibc module leaves out.

#include <pthread.h>
#include <stdint.h>

#if defined(__linux__)
#include <sys/epoll.h>
#endif

/// Names the calling thread; longer names are cut.
void cplatform_name_thread(const char *name);

/// Accepts one connection, closed on exec; non-blocking if `nonblocking` is not 0.
/// Returns the descriptor, or -1 with errno set.
int cplatform_accept(int listener, int nonblocking);

/// From now on writes one byte, the signal's number, to `descriptor` (non-blocking) for each such signal.
/// One descriptor serves the process. Returns 0, or -1 with errno set.
int cplatform_report_signal(int signal, int descriptor);

/// Signals that were reported are ignored from now on: the descriptor may be closed.
void cplatform_end_reports(void);

/// From now on SIGTERM makes `descriptor` (non-blocking) readable, and ends the process `seconds` later.
/// Returns 0, or -1 with errno set.
int cplatform_watch_termination(int descriptor, int seconds);

/// Whether SIGTERM came while it was watched.
int cplatform_is_terminated(void);

/// From now on SIGTERM does nothing; one that came already no longer ends the process.
void cplatform_outlive_termination(void);

/// Makes a child process that goes on from here, in a session of its own, with all descriptors above 2 closed but
/// `kept` (-1: none). SIGALRM ends the child after `seconds`; 0: never.
/// Returns 0 in the child, its number in the parent, and -1 where that is not possible.
int cplatform_fork_detached(int kept, unsigned seconds);

/// Locks one byte of a file against every other open file description, without waiting. Duplicates of the descriptor,
/// and those that a child inherits, share the lock; it goes when the last of them is closed (fcntl(2), F_OFD_SETLK).
/// Returns 0, or -1 with errno set: EAGAIN or EACCES if another one has it.
int cplatform_lock_byte(int descriptor, long offset);

/// Gives the lock of one byte back. Returns 0, or -1 with errno set.
int cplatform_unlock_byte(int descriptor, long offset);

/// A mutex with a condition that waits on the monotonic clock.
typedef struct cplatform_lock {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    struct cplatform_lock *next, *previous;
    int is_listed;
} cplatform_lock;

/// Makes a lock in memory that stays where it is until `cplatform_lock_destroy`. With `survives_fork`, a fork waits
/// until nobody holds the lock, and the child gets one that is free and that nobody waits for.
void cplatform_lock_create(cplatform_lock *lock, int survives_fork);

void cplatform_lock_destroy(cplatform_lock *lock);

/// Waits for a signal, with the lock held; it is released meanwhile. `deadline` in nanoseconds of CLOCK_MONOTONIC;
/// UINT64_MAX: without an end. Returns 0, or ETIMEDOUT.
int cplatform_lock_wait(cplatform_lock *lock, uint64_t deadline);

/// Closes the descriptor in every child that a fork makes, until ``cplatform_forget_private`` is called for it.
void cplatform_keep_private(int descriptor);
void cplatform_forget_private(int descriptor);

/// Begins to count forks in `cplatform_count_forks`.
void cplatform_watch_forks(void);

/// Lets forks by other threads wait until `cplatform_release_forks`, for work that a fork must not fall into: its child
/// would find the locks of the language's runtime held by a thread that it does not have.
void cplatform_hold_forks(void);
void cplatform_release_forks(void);

/// Runs `action` unless it has succeeded before. It returns 1 if it succeeds and 0 if another call is to try again; other
/// threads wait meanwhile, and so do forks, whose child would find the lock held for ever. Actions must not nest.
///
/// - is_done: of this action; begins as 0. Returns what it is then.
int cplatform_until_done(int *is_done, int (*action)(void));

extern int cplatform_forks;

/// How many forks lie between the process that began to watch and this one: a process and its child get different
/// numbers.
static inline int cplatform_count_forks(void) { return __atomic_load_n(&cplatform_forks, __ATOMIC_RELAXED); }

/// How many processors this process may run on; at least 1.
int cplatform_processors(void);

/// Writes a line to the system's log; 0 is an error, 1 a warning, 2 a remark.
void cplatform_system_log(int level, const char *line);

/// Has freed blocks of 128 KiB and more given back to the system at once, and bounds the allocator's arenas (glibc).
void cplatform_return_memory(void);

/// Gives free memory back to the system (glibc).
void cplatform_trim_memory(void);

/// The process's environment, which the system ends with a null pointer; null if there is none.
char *const *cplatform_environment(void);

#endif
