#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "CCurl.h"
#include "CPlatform.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct message {
    int kind;
    void *easy;
    union {
        void *whatever;
        int result;
    } data;
} message;

struct address {
    int family;
    int kind;
    int protocol;
    unsigned length;
    struct sockaddr address;
};

// The beginning of curl_version_info_data.
struct version {
    int age;
    const char *text;
    unsigned number;
};

enum { not_built_in = 4, global_all = 3, message_done = 1, share_option_share = 1, lock_data_ssl_session = 4 };

// OPENSSL_INIT_NO_ATEXIT
enum { openssl_no_exit_handler = 0x00080000 };

static struct {
    int (*global_init)(long);
    void *(*easy_init)(void);
    void (*easy_cleanup)(void *);
    int (*easy_setopt)(void *, int, ...);
    int (*easy_getinfo)(void *, int, ...);
    const char *(*easy_strerror)(int);
    const struct version *(*version_info)(int);
    void *(*multi_init)(void);
    int (*multi_cleanup)(void *);
    int (*multi_setopt)(void *, int, ...);
    int (*multi_add_handle)(void *, void *);
    int (*multi_remove_handle)(void *, void *);
    int (*multi_perform)(void *, int *);
    int (*multi_poll)(void *, void *, unsigned, int, int *);
    message *(*multi_info_read)(void *, int *);
    void *(*share_init)(void);
    int (*share_setopt)(void *, int, ...);
    int (*share_cleanup)(void *);
} curl;

static int is_loaded;
static _Thread_local char load_error[256];

static int look_up(void *library, const char *name, void *target) {
    void *symbol = dlsym(library, name);
    if (!symbol) {
        snprintf(load_error, sizeof load_error, "the libcurl that was found has no %s", name);
        return -1;
    }
    memcpy(target, &symbol, sizeof symbol);
    return 0;
}

static int load(void) {
#if defined(__APPLE__)
    static const char *const names[] = {"libcurl.4.dylib", "/usr/lib/libcurl.4.dylib"};
#else
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
#endif
    void *library = NULL;
    load_error[0] = 0;
    for (size_t index = 0; index < sizeof names / sizeof *names && !library; index++) {
        library = dlopen(names[index], RTLD_NOW | RTLD_LOCAL);
        if (!library && !load_error[0]) {
            const char *reason = dlerror();
            snprintf(load_error, sizeof load_error, "%s", reason ? reason : "not found");
        }
    }
    if (!library) return 0;
    if (look_up(library, "curl_global_init", &curl.global_init) ||
        look_up(library, "curl_easy_init", &curl.easy_init) ||
        look_up(library, "curl_easy_cleanup", &curl.easy_cleanup) ||
        look_up(library, "curl_easy_setopt", &curl.easy_setopt) ||
        look_up(library, "curl_easy_getinfo", &curl.easy_getinfo) ||
        look_up(library, "curl_easy_strerror", &curl.easy_strerror) ||
        look_up(library, "curl_version_info", &curl.version_info) ||
        look_up(library, "curl_multi_init", &curl.multi_init) ||
        look_up(library, "curl_multi_cleanup", &curl.multi_cleanup) ||
        look_up(library, "curl_multi_setopt", &curl.multi_setopt) ||
        look_up(library, "curl_multi_add_handle", &curl.multi_add_handle) ||
        look_up(library, "curl_multi_remove_handle", &curl.multi_remove_handle) ||
        look_up(library, "curl_multi_perform", &curl.multi_perform) ||
        look_up(library, "curl_multi_poll", &curl.multi_poll) ||
        look_up(library, "curl_multi_info_read", &curl.multi_info_read) ||
        look_up(library, "curl_share_init", &curl.share_init) ||
        look_up(library, "curl_share_setopt", &curl.share_setopt) ||
        look_up(library, "curl_share_cleanup", &curl.share_cleanup)) {
        dlclose(library);
        return 0;
    }
    // OpenSSL cleans up in an exit handler, while the delivery thread may still be sending. Its first initialization
    // decides whether that handler is installed.
    int (*init_crypto)(uint64_t, const void *) = NULL;
    void *symbol = dlsym(library, "OPENSSL_init_crypto");
    if (symbol) {
        memcpy(&init_crypto, &symbol, sizeof symbol);
        init_crypto(openssl_no_exit_handler, NULL);
    }
    if (curl.global_init(global_all) != 0) {
        snprintf(load_error, sizeof load_error, "curl_global_init failed");
        return 0;
    }
    return 1;
}

const char *ccurl_load(void) { return cplatform_until_done(&is_loaded, load) ? NULL : load_error; }

// ---- Transfers ----

void *ccurl_easy_init(void) { return curl.easy_init(); }
void ccurl_easy_cleanup(void *easy) { curl.easy_cleanup(easy); }

int ccurl_easy_set_long(void *easy, int option, long value) { return curl.easy_setopt(easy, option, value); }

int ccurl_easy_set_pointer(void *easy, int option, const void *value) {
    return curl.easy_setopt(easy, option, value);
}

int ccurl_easy_trust_only(void *easy, const char *file) {
    int code = curl.easy_setopt(easy, ccurl_option_ca_info, file);
    if (code != 0) return code;
    // From 8.21.0 on, NULL stands for the directory that the library was built with.
    const char *none = curl.version_info(0)->number >= 0x081500 ? "/dev/null" : NULL;
    code = curl.easy_setopt(easy, ccurl_option_ca_path, none);
    return code == not_built_in ? 0 : code;
}

int ccurl_easy_set_callback(void *easy, int option, ccurl_receive callback) {
    return curl.easy_setopt(easy, option, callback);
}

struct ccurl_socket {
    int number;
    ino_t inode;
};

static void forget_socket(ccurl_sockets *sockets, int number) {
    for (int index = 0; index < sockets->count; index++) {
        if (sockets->entries[index].number != number) continue;
        sockets->entries[index] = sockets->entries[--sockets->count];
        cplatform_forget_private(number);
        return;
    }
}

void ccurl_sockets_keep_spare(ccurl_sockets *sockets) {
    if (sockets->has_spare || sockets->count > 0) return;
    sockets->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sockets->has_spare = sockets->spare >= 0;
    if (sockets->has_spare) cplatform_keep_private(sockets->spare);
}

static void use_spare(ccurl_sockets *sockets) {
    if (!sockets->has_spare) return;
    sockets->has_spare = 0;
    cplatform_forget_private(sockets->spare);
    close(sockets->spare);
}

static int open_socket(void *context, int purpose, struct address *address) {
    (void)purpose;
    ccurl_sockets *sockets = context;
    use_spare(sockets);
#if defined(__linux__)
    int number = socket(address->family, address->kind | SOCK_CLOEXEC, address->protocol);
#else
    int number = socket(address->family, address->kind, address->protocol);
    if (number >= 0) fcntl(number, F_SETFD, FD_CLOEXEC);
#endif
    struct stat status;
    if (number < 0 || fstat(number, &status) != 0) return number;
    forget_socket(sockets, number);
    if (sockets->count == sockets->capacity) {
        int capacity = sockets->capacity ? sockets->capacity * 2 : 16;
        struct ccurl_socket *grown = realloc(sockets->entries, (size_t)capacity * sizeof *grown);
        // Out of memory: the socket is not counted.
        if (!grown) return number;
        sockets->entries = grown;
        sockets->capacity = capacity;
    }
    sockets->entries[sockets->count++] = (struct ccurl_socket){number, status.st_ino};
    // A child that inherited it would keep the connection open after its parent's exit.
    cplatform_keep_private(number);
    return number;
}

static int close_socket(void *context, int number) {
    forget_socket(context, number);
    int result = close(number);
    ccurl_sockets_keep_spare(context);
    return result;
}

void ccurl_sockets_sweep(ccurl_sockets *sockets) {
    for (int index = sockets->count - 1; index >= 0; index--) {
        struct stat status;
        struct ccurl_socket known = sockets->entries[index];
        if (fstat(known.number, &status) != 0 || status.st_ino != known.inode) forget_socket(sockets, known.number);
    }
    ccurl_sockets_keep_spare(sockets);
}

void ccurl_sockets_free(ccurl_sockets *sockets) {
    use_spare(sockets);
    free(sockets->entries);
    *sockets = (ccurl_sockets){0};
}

int ccurl_easy_set_sockets(void *easy, ccurl_sockets *sockets) {
    return curl.easy_setopt(easy, ccurl_option_open_socket_function, open_socket) ||
           curl.easy_setopt(easy, ccurl_option_open_socket_data, sockets) ||
           curl.easy_setopt(easy, ccurl_option_close_socket_function, close_socket) ||
           curl.easy_setopt(easy, ccurl_option_close_socket_data, sockets);
}

long ccurl_easy_get_long(void *easy, int info) {
    long value = 0;
    return curl.easy_getinfo(easy, info, &value) == 0 ? value : 0;
}

int64_t ccurl_easy_get_offset(void *easy, int info) {
    int64_t value = 0;
    return curl.easy_getinfo(easy, info, &value) == 0 ? value : 0;
}

void *ccurl_easy_get_pointer(void *easy, int info) {
    void *value = NULL;
    return curl.easy_getinfo(easy, info, &value) == 0 ? value : NULL;
}

const char *ccurl_easy_error(int code) { return curl.easy_strerror(code); }

// ---- Sets of transfers ----

void *ccurl_multi_init(void) { return curl.multi_init(); }
void ccurl_multi_cleanup(void *multi) { curl.multi_cleanup(multi); }
int ccurl_multi_set_long(void *multi, int option, long value) { return curl.multi_setopt(multi, option, value); }
int ccurl_multi_add(void *multi, void *easy) { return curl.multi_add_handle(multi, easy); }
int ccurl_multi_remove(void *multi, void *easy) { return curl.multi_remove_handle(multi, easy); }

int ccurl_multi_perform(void *multi) {
    int running = 0;
    curl.multi_perform(multi, &running);
    return running;
}

int ccurl_multi_poll(void *multi, int timeout_ms) {
    int ready = 0;
    curl.multi_poll(multi, NULL, 0, timeout_ms, &ready);
    return ready;
}

int ccurl_multi_next(void *multi, void **easy, int *code) {
    int left = 0;
    message *message;
    while ((message = curl.multi_info_read(multi, &left))) {
        if (message->kind != message_done) continue;
        *easy = message->easy;
        *code = message->data.result;
        return 1;
    }
    return 0;
}

// ---- Shared state ----

void *ccurl_share_init(void) {
    void *share = curl.share_init();
    if (share && curl.share_setopt(share, share_option_share, lock_data_ssl_session) != 0) {
        curl.share_cleanup(share);
        return NULL;
    }
    return share;
}

void ccurl_share_cleanup(void *share) { curl.share_cleanup(share); }
