#ifndef RA_CSPAWN_H
#define RA_CSPAWN_H

// Starts programs for tests. Foundation's Process, up to Swift 6.3, reads past a buffer when it lists this process's
// descriptors, and occasionally crashes (swift-corelibs-foundation, pull request 5472).

/// Starts a program in a process group of its own, with its standard streams at three descriptors, all others closed,
/// and no signal blocked.
/// `directory` may be null. Returns the process ID, or the negative errno of the call that failed.
int cspawn_start(
    const char *program, char *const *arguments, char *const *environment, const char *directory, int input, int output,
    int errors);

/// Waits for a process to end and leaves it a zombie, so that its ID is not reused. Returns its exit status, or the
/// number of the signal that ended it; -1 if there is no such process.
int cspawn_wait(int process);

/// Reaps the zombie.
void cspawn_reap(int process);

/// Calls `fork`, which Swift does not import. The child has only the calling thread.
int cspawn_fork(void);

/// Returns the bytes that this process has allocated and not freed; -1 where the C library does not report them.
long cspawn_allocated(void);

#endif
