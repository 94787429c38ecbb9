#ifndef RA_CZLIB_H
#define RA_CZLIB_H

#include <stddef.h>

// Gzip (RFC 1952) by the system's zlib, which is found with dlopen when it is first needed: neither its headers nor its
// link are needed to build, and a process that never compresses never loads it.

/// A compressor that is used again and again, by one thread at a time.
typedef struct czlib_stream czlib_stream;

/// Loads zlib once for the process. Returns 0 if it can't be used.
int czlib_load(void);

/// Returns NULL if zlib can't be used or memory ran out. `level` is 1 (fast) to 9 (small).
czlib_stream *czlib_open(int level);

void czlib_close(czlib_stream *stream);

/// How many bytes the compressed form of `length` bytes may have at most.
size_t czlib_bound(size_t length);

/// Compresses one body. Returns the length of the result; 0 if it did not fit or zlib failed.
size_t czlib_compress(czlib_stream *stream, const void *input, size_t length, void *output, size_t capacity);

/// Decompresses one body that is whole. Returns its length; -1 if it is no gzip, is cut off, or has more than `capacity`
/// bytes.
long czlib_expand(const void *input, size_t length, void *output, size_t capacity);

#endif
