#ifndef RA_CZLIB_H
#define RA_CZLIB_H

#include <stddef.h>

// Gzip (RFC 1952) with the system's zlib, loaded with dlopen on first use: building needs neither its headers nor
// linking against it, and a process that never compresses never loads it.

/// A reusable compressor. Not thread-safe.
typedef struct czlib_stream czlib_stream;

/// Loads zlib once per process. Returns 0 if it is unavailable; the next call retries.
int czlib_load(void);

/// Creates a compressor; `level` is 1 (fast) to 9 (small). Returns NULL if zlib is unavailable or memory runs out.
czlib_stream *czlib_open(int level);

void czlib_close(czlib_stream *stream);

/// Returns the maximum compressed size of `length` bytes.
size_t czlib_bound(size_t length);

/// Compresses one body. Returns the compressed length; 0 if it did not fit or zlib failed.
size_t czlib_compress(czlib_stream *stream, const void *input, size_t length, void *output, size_t capacity);

/// Decompresses one complete body of one or more gzip members. Returns its length; -1 if it is not gzip, is truncated,
/// is followed by anything else, or exceeds `capacity`.
long czlib_expand(const void *input, size_t length, void *output, size_t capacity);

#endif
