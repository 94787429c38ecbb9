#include "CCurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// ---- libcurl's ABI, as far as it is used here. Its numbers are stable by the project's promise. ----

typedef void CURL;
typedef void CURLM;

struct curl_slist {
    char *data;
    struct curl_slist *next;
};

typedef struct CURLMsg {
    int msg;
    CURL *easy_handle;
    union {
        void *whatever;
        int result;
    } data;
} CURLMsg;

enum { kind_long = 0, kind_pointer = 10000, kind_function = 20000 };

enum {
    opt_write_data = kind_pointer + 1,
    opt_url = kind_pointer + 2,
    opt_post_fields = kind_pointer + 15,
    opt_error_buffer = kind_pointer + 10,
    opt_write_function = kind_function + 11,
    opt_user_agent = kind_pointer + 18,
    opt_http_header = kind_pointer + 23,
    opt_header_data = kind_pointer + 29,
    opt_post = kind_long + 47,
    opt_follow_location = kind_long + 52,
    opt_post_field_size = kind_long + 60,
    opt_ca_info = kind_pointer + 65,
    opt_header_function = kind_function + 79,
    opt_http_version = kind_long + 84,
    opt_no_signal = kind_long + 99,
    opt_private = kind_pointer + 103,
    opt_tcp_no_delay = kind_long + 121,
    opt_request_timeout_ms = kind_long + 155,
    opt_connect_timeout_ms = kind_long + 156,
    opt_tcp_keep_alive = kind_long + 213,
    opt_path_as_is = kind_long + 234,
    opt_pipe_wait = kind_long + 237,
    opt_no_proxy = kind_pointer + 177,
    opt_ssl_version = kind_long + 32,
    opt_ssl_verify_peer = kind_long + 64,
    opt_ssl_verify_host = kind_long + 81,
    opt_quick_exit = kind_long + 322,
    opt_protocols_text = kind_pointer + 318,
};

enum { mopt_pipelining = kind_long + 3, mopt_max_connects = kind_long + 6, mopt_max_host_connections = kind_long + 7 };

enum { info_private = 0x100000 + 21, info_response_code = 0x200000 + 2 };

// OPENSSL_INIT_NO_ATEXIT
enum { openssl_no_exit_handler = 0x00080000 };

enum { msg_done = 1, http_version_2_tls = 4, tls_1_2 = 6, global_all = 3 };

static struct {
    int (*global_init)(long);
    const char *(*version)(void);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *);
    int (*easy_setopt)(CURL *, int, ...);
    int (*easy_getinfo)(CURL *, int, ...);
    const char *(*easy_strerror)(int);
    CURLM *(*multi_init)(void);
    int (*multi_cleanup)(CURLM *);
    int (*multi_setopt)(CURLM *, int, ...);
    int (*multi_add_handle)(CURLM *, CURL *);
    int (*multi_remove_handle)(CURLM *, CURL *);
    int (*multi_perform)(CURLM *, int *);
    int (*multi_poll)(CURLM *, void *, unsigned, int, int *);
    CURLMsg *(*multi_info_read)(CURLM *, int *);
} curl;

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static char load_error[256];
static char version_text[32];

static int look_up(void *library, const char *name, void *target) {
    void *symbol = dlsym(library, name);
    if (!symbol) {
        snprintf(load_error, sizeof load_error, "the libcurl that was found has no %s", name);
        return -1;
    }
    memcpy(target, &symbol, sizeof symbol);
    return 0;
}

static void load(void) {
#if defined(__APPLE__)
    static const char *const names[] = {"libcurl.4.dylib", "/usr/lib/libcurl.4.dylib"};
#else
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
#endif
    void *library = NULL;
    for (size_t index = 0; index < sizeof names / sizeof *names && !library; index++) {
        library = dlopen(names[index], RTLD_NOW | RTLD_LOCAL);
        if (!library && !load_error[0]) {
            const char *reason = dlerror();
            snprintf(load_error, sizeof load_error, "%s", reason ? reason : "not found");
        }
    }
    if (!library) return;
    load_error[0] = 0;
    if (look_up(library, "curl_global_init", &curl.global_init) ||
        look_up(library, "curl_version", &curl.version) || look_up(library, "curl_easy_init", &curl.easy_init) ||
        look_up(library, "curl_easy_cleanup", &curl.easy_cleanup) ||
        look_up(library, "curl_easy_setopt", &curl.easy_setopt) ||
        look_up(library, "curl_easy_getinfo", &curl.easy_getinfo) ||
        look_up(library, "curl_easy_strerror", &curl.easy_strerror) ||
        look_up(library, "curl_multi_init", &curl.multi_init) ||
        look_up(library, "curl_multi_cleanup", &curl.multi_cleanup) ||
        look_up(library, "curl_multi_setopt", &curl.multi_setopt) ||
        look_up(library, "curl_multi_add_handle", &curl.multi_add_handle) ||
        look_up(library, "curl_multi_remove_handle", &curl.multi_remove_handle) ||
        look_up(library, "curl_multi_perform", &curl.multi_perform) ||
        look_up(library, "curl_multi_poll", &curl.multi_poll) ||
        look_up(library, "curl_multi_info_read", &curl.multi_info_read))
        return;
    // OpenSSL tidies up in an exit handler, while the delivery thread may still be sending what is left. The first call
    // decides whether that handler is installed.
    int (*init_crypto)(uint64_t, const void *) = NULL;
    void *symbol = dlsym(library, "OPENSSL_init_crypto");
    if (symbol) {
        memcpy(&init_crypto, &symbol, sizeof symbol);
        init_crypto(openssl_no_exit_handler, NULL);
    }
    if (curl.global_init(global_all) != 0) {
        snprintf(load_error, sizeof load_error, "curl_global_init failed");
        return;
    }
    const char *version = curl.version();
    if (version && strncmp(version, "libcurl/", 8) == 0) {
        size_t length = strcspn(version + 8, " ");
        if (length >= sizeof version_text) length = sizeof version_text - 1;
        memcpy(version_text, version + 8, length);
    }
}

const char *ccurl_load(void) {
    pthread_once(&load_once, load);
    return load_error[0] ? load_error : NULL;
}

const char *ccurl_version(void) { return version_text; }

// ---- Links and transfers ----

enum { body_limit = 1 << 20, value_capacity = 256, key_capacity = 128, error_capacity = 256, kept_body = 1 << 16 };

static const char key_name[] = "Idempotency-Key: ";

typedef struct transfer {
    CURL *easy;
    unsigned long long identifier;
    int is_active;
    size_t received;
    struct curl_slist key_node;
    // Begins with key_name.
    char key[key_capacity];
    // What is sent; kept for the next body.
    char *body;
    size_t body_capacity;
    char retry_after[value_capacity];
    char accept_post[value_capacity];
    char accept_encoding[value_capacity];
    char error[error_capacity];
} transfer;

struct ccurl_link {
    CURLM *multi;
    int count;
    transfer *transfers;
    // Constant header lines, chained once. A transfer's own key line is put in front of one of these chains.
    struct curl_slist expect, json, lines, gzip;
    char *json_line, *lines_line;
};

static void forget_response(transfer *transfer) {
    transfer->received = 0;
    transfer->retry_after[0] = transfer->accept_post[0] = transfer->accept_encoding[0] = transfer->error[0] = 0;
}

static size_t receive_body(char *bytes, size_t size, size_t count, void *context) {
    (void)bytes;
    transfer *transfer = context;
    transfer->received += size * count;
    // A backend that never stops talking must not hold the connection until the time is over.
    return transfer->received > body_limit ? 0 : size * count;
}

static void keep_value(char *target, const char *line, size_t length, const char *name) {
    size_t name_length = strlen(name);
    if (length <= name_length || line[name_length] != ':' || strncasecmp(line, name, name_length) != 0) return;
    const char *value = line + name_length + 1;
    size_t left = length - name_length - 1;
    while (left && (*value == ' ' || *value == '\t')) value++, left--;
    while (left && (value[left - 1] == '\r' || value[left - 1] == '\n' || value[left - 1] == ' ')) left--;
    if (left >= value_capacity) left = value_capacity - 1;
    memcpy(target, value, left);
    target[left] = 0;
}

static size_t receive_header(char *bytes, size_t size, size_t count, void *context) {
    transfer *transfer = context;
    size_t length = size * count;
    if (length > 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        // A new status line, for example after "100 Continue": what came before was not the answer.
        forget_response(transfer);
    } else if (length > 0 && (bytes[0] == 'R' || bytes[0] == 'r')) {
        keep_value(transfer->retry_after, bytes, length, "Retry-After");
    } else if (length > 0 && (bytes[0] == 'A' || bytes[0] == 'a')) {
        keep_value(transfer->accept_post, bytes, length, "Accept-Post");
        keep_value(transfer->accept_encoding, bytes, length, "Accept-Encoding");
    }
    return length;
}

// Whether the environment names a proxy that libcurl would use (everything but HTTP_PROXY, which a CGI client can set).
static int names_proxy(void) {
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        if (getenv(names[index])) return 1;
    }
    return 0;
}

static int prepare(transfer *transfer, const ccurl_options *options) {
    CURL *easy = transfer->easy = curl.easy_init();
    if (!easy) return -1;
    int failed = 0;
    memcpy(transfer->key, key_name, sizeof key_name - 1);
    failed |= curl.easy_setopt(easy, opt_url, options->url);
    failed |= curl.easy_setopt(easy, opt_post, 1L);
    failed |= curl.easy_setopt(easy, opt_private, transfer);
    failed |= curl.easy_setopt(easy, opt_write_function, receive_body);
    failed |= curl.easy_setopt(easy, opt_write_data, transfer);
    failed |= curl.easy_setopt(easy, opt_header_function, receive_header);
    failed |= curl.easy_setopt(easy, opt_header_data, transfer);
    failed |= curl.easy_setopt(easy, opt_error_buffer, transfer->error);
    failed |= curl.easy_setopt(easy, opt_no_signal, 1L);
    // A redirect must never carry the token to another host.
    failed |= curl.easy_setopt(easy, opt_follow_location, 0L);
    failed |= curl.easy_setopt(easy, opt_ssl_verify_peer, 1L);
    failed |= curl.easy_setopt(easy, opt_ssl_verify_host, 2L);
    failed |= curl.easy_setopt(easy, opt_ssl_version, (long)tls_1_2);
    failed |= curl.easy_setopt(easy, opt_connect_timeout_ms, options->connect_timeout_ms);
    failed |= curl.easy_setopt(easy, opt_request_timeout_ms, options->request_timeout_ms);
    if (options->ca_file) failed |= curl.easy_setopt(easy, opt_ca_info, options->ca_file);
    if (failed) return -1;
    // Niceties that an older or smaller libcurl may lack.
    curl.easy_setopt(easy, opt_user_agent, options->user_agent);
    curl.easy_setopt(easy, opt_http_version, (long)http_version_2_tls);
    curl.easy_setopt(easy, opt_tcp_no_delay, 1L);
    curl.easy_setopt(easy, opt_tcp_keep_alive, 1L);
    curl.easy_setopt(easy, opt_path_as_is, 1L);
    curl.easy_setopt(easy, opt_pipe_wait, strncasecmp(options->url, "https", 5) == 0 ? 1L : 0L);
    curl.easy_setopt(easy, opt_protocols_text, "http,https");
    // Otherwise libcurl looks for them before each request, while another thread may be changing the environment.
    if (!names_proxy()) curl.easy_setopt(easy, opt_no_proxy, "*");
    // Without it, ending a transfer waits for a name look-up that may never answer.
    curl.easy_setopt(easy, opt_quick_exit, 1L);
    return 0;
}

ccurl_link *ccurl_link_open(const ccurl_options *options) {
    if (options->maximum_transfers < 1) return NULL;
    ccurl_link *link = calloc(1, sizeof *link);
    if (!link) return NULL;
    link->count = options->maximum_transfers;
    link->transfers = calloc((size_t)link->count, sizeof *link->transfers);
    link->json_line = strdup(options->content_type_json);
    link->lines_line = strdup(options->content_type_lines);
    link->multi = curl.multi_init();
    if (!link->transfers || !link->json_line || !link->lines_line || !link->multi) {
        ccurl_link_close(link);
        return NULL;
    }
    // An empty "Expect:" keeps libcurl from waiting for "100 Continue" before larger bodies.
    link->expect = (struct curl_slist){.data = (char *)"Expect:", .next = NULL};
    link->json = (struct curl_slist){.data = link->json_line, .next = &link->expect};
    link->lines = (struct curl_slist){.data = link->lines_line, .next = &link->expect};
    link->gzip = (struct curl_slist){.data = (char *)"Content-Encoding: gzip", .next = &link->lines};
    curl.multi_setopt(link->multi, mopt_max_host_connections, (long)link->count);
    curl.multi_setopt(link->multi, mopt_max_connects, (long)link->count);
    for (int index = 0; index < link->count; index++) {
        if (prepare(&link->transfers[index], options) != 0) {
            ccurl_link_close(link);
            return NULL;
        }
    }
    return link;
}

void ccurl_link_cancel(ccurl_link *link) {
    for (int index = 0; link->transfers && index < link->count; index++) {
        transfer *transfer = &link->transfers[index];
        if (!transfer->is_active) continue;
        curl.multi_remove_handle(link->multi, transfer->easy);
        transfer->is_active = 0;
    }
}

void ccurl_link_close(ccurl_link *link) {
    if (!link) return;
    if (link->multi) ccurl_link_cancel(link);
    for (int index = 0; link->transfers && index < link->count; index++) {
        if (link->transfers[index].easy) curl.easy_cleanup(link->transfers[index].easy);
        free(link->transfers[index].body);
    }
    if (link->multi) curl.multi_cleanup(link->multi);
    free(link->transfers);
    free(link->json_line);
    free(link->lines_line);
    free(link);
}

// Without a new block for each body: most have nearly the same length. A large one is not kept for long.
static int make_room(transfer *transfer, size_t length) {
    int is_oversized = transfer->body_capacity > kept_body && length <= kept_body;
    if (transfer->body && length <= transfer->body_capacity && !is_oversized) return 0;
    size_t capacity = 2048;
    while (capacity < length) capacity *= 2;
    free(transfer->body);
    transfer->body = malloc(capacity);
    transfer->body_capacity = transfer->body ? capacity : 0;
    return transfer->body ? 0 : -1;
}

int ccurl_link_start(ccurl_link *link, unsigned long long identifier, const char *idempotency_key, const void *body,
                     size_t length, int is_lines, int is_gzip) {
    transfer *transfer = NULL;
    for (int index = 0; index < link->count && !transfer; index++) {
        if (!link->transfers[index].is_active) transfer = &link->transfers[index];
    }
    if (!transfer) return -1;
    size_t key_length = strlen(idempotency_key) + 1;
    if (key_length > sizeof transfer->key - (sizeof key_name - 1)) return -1;
    if (make_room(transfer, length) != 0) return -1;
    forget_response(transfer);
    transfer->identifier = identifier;
    memcpy(transfer->key + sizeof key_name - 1, idempotency_key, key_length);
    if (length > 0) memcpy(transfer->body, body, length);
    transfer->key_node.data = transfer->key;
    transfer->key_node.next = is_lines ? (is_gzip ? &link->gzip : &link->lines) : &link->json;
    if (curl.easy_setopt(transfer->easy, opt_http_header, &transfer->key_node) ||
        curl.easy_setopt(transfer->easy, opt_post_field_size, (long)length) ||
        curl.easy_setopt(transfer->easy, opt_post_fields, transfer->body) ||
        curl.multi_add_handle(link->multi, transfer->easy))
        return -1;
    transfer->is_active = 1;
    return 0;
}

void ccurl_link_wait(ccurl_link *link, int timeout_ms) {
    int running = 0;
    curl.multi_perform(link->multi, &running);
    if (running && timeout_ms > 0) {
        int ready = 0;
        curl.multi_poll(link->multi, NULL, 0, timeout_ms, &ready);
        curl.multi_perform(link->multi, &running);
    }
}

int ccurl_link_next(ccurl_link *link, ccurl_result *result) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl.multi_info_read(link->multi, &left))) {
        if (message->msg != msg_done) continue;
        CURL *easy = message->easy_handle;
        int code = message->data.result;
        transfer *transfer = NULL;
        long status = 0;
        curl.easy_getinfo(easy, info_private, &transfer);
        curl.easy_getinfo(easy, info_response_code, &status);
        // The message is invalid from here on.
        curl.multi_remove_handle(link->multi, easy);
        if (!transfer) continue;
        transfer->is_active = 0;
        if (code != 0 && !transfer->error[0])
            snprintf(transfer->error, sizeof transfer->error, "%s", curl.easy_strerror(code));
        *result = (ccurl_result){
            .identifier = transfer->identifier,
            .code = code,
            .status = status,
            .error = transfer->error,
            .retry_after = transfer->retry_after,
            .accept_post = transfer->accept_post,
            .accept_encoding = transfer->accept_encoding,
        };
        return 1;
    }
    return 0;
}

ccurl_failure ccurl_classify(int code) {
    switch (code) {
        case 0:
            return ccurl_failure_none;
        case 35: // handshake; a refused certificate also ends here with some TLS libraries, but so does a reset
            return ccurl_failure_network;
        case 51:
        case 53:
        case 54:
        case 58:
        case 59:
        case 60:
        case 66:
        case 77:
        case 82:
        case 83:
        case 90:
        case 91:
            return ccurl_failure_certificate;
        default:
            return ccurl_failure_network;
    }
}
