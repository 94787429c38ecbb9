#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

/// Whether this build counts: with glibc, and without a sanitizer, which has allocation functions of its own.
int allocation_counter_works(void);

/// How many blocks of memory the calling thread has asked for since it began.
long allocation_counter_of_thread(void);

#endif
