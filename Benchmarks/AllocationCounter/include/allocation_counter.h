#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

/// Returns 1 if this build counts allocations: with glibc, and without a sanitizer, which has its own allocator.
int allocation_counter_works(void);

/// Returns the number of allocations that the calling thread has made since it started.
long allocation_counter_of_thread(void);

#endif
