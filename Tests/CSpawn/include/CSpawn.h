#ifndef RA_CSPAWN_H
#define RA_CSPAWN_H

// Starts programs for tests. Foundation's Process of Swift 6.3 and before reads beyond a buffer when it lists this
// process's descriptors, and now and then crashes (swift-corelibs-foundation, pull request 5472).

/// Starts a program in a process group of its own, with its standard streams at three descriptors, all others closed,
/// and no signal blocked.
/// `directory` may be null. Returns the process's number, or the negative errno of what failed.
int cspawn_start(
    const char *program, char *const *arguments, char *const *environment, const char *directory, int input, int output,
    int errors);

/// Waits for a process to end and leaves it a zombie, whose number nobody else gets. Returns its exit status, or the
/// number of the signal that ended it; -1 if there is no such process.
int cspawn_wait(int process);

/// Lets the zombie go.
void cspawn_reap(int process);

/// `fork`, which Swift does not offer. The child has the calling thread alone.
int cspawn_fork(void);

/// The bytes that this process has allocated and not freed; -1 where the C library does not tell.
long cspawn_allocated(void);

#endif
