#include "CZlib.h"

#include "CPlatform.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

// ---- The part of zlib's ABI used here. It has not changed since version 1.0. ----

typedef struct z_stream {
    const unsigned char *next_in;
    unsigned avail_in;
    unsigned long total_in;
    unsigned char *next_out;
    unsigned avail_out;
    unsigned long total_out;
    const char *msg;
    void *state;
    void *(*zalloc)(void *, unsigned, unsigned);
    void (*zfree)(void *, void *);
    void *opaque;
    int data_type;
    unsigned long adler;
    unsigned long reserved;
} z_stream;

// Window bits plus 16 select a gzip header instead of zlib's own.
enum { z_ok = 0, z_stream_end = 1, z_finish = 4, z_deflated = 8, gzip_window = 15 + 16, z_memory = 8 };

static struct {
    const char *(*version)(void);
    int (*deflate_init)(z_stream *, int, int, int, int, int, const char *, int);
    int (*deflate)(z_stream *, int);
    int (*deflate_reset)(z_stream *);
    int (*deflate_end)(z_stream *);
    int (*inflate_init)(z_stream *, int, const char *, int);
    int (*inflate)(z_stream *, int);
    int (*inflate_reset)(z_stream *);
    int (*inflate_end)(z_stream *);
} zlib;

static int is_loaded;

static int look_up(void *library, const char *name, void *target) {
    void *symbol = dlsym(library, name);
    if (!symbol) return -1;
    memcpy(target, &symbol, sizeof symbol);
    return 0;
}

static int load(void) {
#if defined(__APPLE__)
    void *library = dlopen("libz.1.dylib", RTLD_NOW | RTLD_LOCAL);
#else
    void *library = dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);
#endif
    if (!library) return 0;
    if (look_up(library, "zlibVersion", &zlib.version) || look_up(library, "deflateInit2_", &zlib.deflate_init) ||
        look_up(library, "deflate", &zlib.deflate) || look_up(library, "deflateReset", &zlib.deflate_reset) ||
        look_up(library, "deflateEnd", &zlib.deflate_end) || look_up(library, "inflateInit2_", &zlib.inflate_init) ||
        look_up(library, "inflate", &zlib.inflate) || look_up(library, "inflateReset", &zlib.inflate_reset) ||
        look_up(library, "inflateEnd", &zlib.inflate_end) ||
        // zlib refuses a caller whose major version differs.
        zlib.version()[0] != '1') {
        dlclose(library);
        return 0;
    }
    return 1;
}

// Retries after a failure: descriptors may have been exhausted.
int czlib_load(void) { return cplatform_until_done(&is_loaded, load); }

struct czlib_stream {
    z_stream z;
};

czlib_stream *czlib_open(int level) {
    if (!czlib_load()) return NULL;
    czlib_stream *stream = calloc(1, sizeof *stream);
    if (!stream) return NULL;
    if (zlib.deflate_init(&stream->z, level, z_deflated, gzip_window, z_memory, 0, zlib.version(),
                          (int)sizeof stream->z) != z_ok) {
        free(stream);
        return NULL;
    }
    return stream;
}

void czlib_close(czlib_stream *stream) {
    if (!stream) return;
    zlib.deflate_end(&stream->z);
    free(stream);
}

size_t czlib_bound(size_t length) {
    // Five bytes for each stored block of at least 8 KiB (z_memory), and the gzip header and trailer.
    return length + (length >> 12) + (length >> 13) * 5 + 64;
}

size_t czlib_compress(czlib_stream *stream, const void *input, size_t length, void *output, size_t capacity) {
    if (length > UINT_MAX || capacity > UINT_MAX || zlib.deflate_reset(&stream->z) != z_ok) return 0;
    stream->z.next_in = input;
    stream->z.avail_in = (unsigned)length;
    stream->z.next_out = output;
    stream->z.avail_out = (unsigned)capacity;
    if (zlib.deflate(&stream->z, z_finish) != z_stream_end) return 0;
    return capacity - stream->z.avail_out;
}

long czlib_expand(const void *input, size_t length, void *output, size_t capacity) {
    if (!czlib_load() || length > UINT_MAX || capacity > UINT_MAX || capacity > LONG_MAX) return -1;
    z_stream z;
    memset(&z, 0, sizeof z);
    if (zlib.inflate_init(&z, gzip_window, zlib.version(), (int)sizeof z) != z_ok) return -1;
    z.next_in = input;
    z.avail_in = (unsigned)length;
    z.next_out = output;
    z.avail_out = (unsigned)capacity;
    int code = zlib.inflate(&z, z_finish);
    // A gzip file is a series of members (RFC 1952, section 2.2). Anything else after one is an error.
    while (code == z_stream_end && z.avail_in > 0 && zlib.inflate_reset(&z) == z_ok) {
        code = zlib.inflate(&z, z_finish);
    }
    if (z.avail_in > 0) code = -1;
    zlib.inflate_end(&z);
    return code == z_stream_end ? (long)(capacity - z.avail_out) : -1;
}
