#ifndef RA_CPLATFORM_H
#define RA_CPLATFORM_H

// System interfaces that the toolchain's Glibc module leaves out.

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

/// How many forks lie between the first process that asked and this one; a process and its child get different numbers.
int cplatform_count_forks(void);

/// How many processors this process may run on; at least 1.
int cplatform_processors(void);

/// Writes a line to the system's log; 0 is an error, 1 a warning, 2 a remark.
void cplatform_system_log(int level, const char *line);

/// The process's environment, which the system ends with a null pointer; null if there is none.
char *const *cplatform_environment(void);

#endif
