#ifndef RA_CCURL_H
#define RA_CCURL_H

#include <stddef.h>
#include <stdint.h>

// The part of libcurl's ABI that delivery needs: its constants, and its variadic functions, which Swift cannot call.
// The library is loaded with dlopen when the first event is sent, so that building needs neither its headers nor
// linking against it, and a process that sends nothing never loads it.
//
// Only ccurl_load is thread-safe. Nothing else may be called before it has returned NULL.

/// Loads libcurl if necessary. Returns NULL, or the reason why it can't be loaded; the next call retries.
/// The text lives as long as the calling thread.
const char *ccurl_load(void);

// libcurl guarantees that these values are stable.
enum {
    ccurl_option_write_data = 10001,
    ccurl_option_url = 10002,
    ccurl_option_error_buffer = 10010,
    ccurl_option_post_fields = 10015,
    ccurl_option_http_header = 10023,
    ccurl_option_header_data = 10029,
    ccurl_option_ca_info = 10065,
    ccurl_option_ca_path = 10097,
    ccurl_option_share = 10100,
    ccurl_option_private = 10103,
    ccurl_option_open_socket_data = 10164,
    ccurl_option_no_proxy = 10177,
    ccurl_option_close_socket_data = 10209,
    ccurl_option_protocols_text = 10318,

    ccurl_option_write_function = 20011,
    ccurl_option_header_function = 20079,
    ccurl_option_open_socket_function = 20163,
    ccurl_option_close_socket_function = 20208,

    ccurl_option_ssl_version = 32,
    ccurl_option_post = 47,
    ccurl_option_follow_location = 52,
    ccurl_option_post_field_size = 60,
    ccurl_option_ssl_verify_peer = 64,
    ccurl_option_ssl_verify_host = 81,
    ccurl_option_http_version = 84,
    ccurl_option_no_signal = 99,
    ccurl_option_tcp_no_delay = 121,
    ccurl_option_connect_only = 141,
    ccurl_option_timeout_ms = 155,
    ccurl_option_connect_timeout_ms = 156,
    ccurl_option_tcp_keep_alive = 213,
    ccurl_option_path_as_is = 234,
    ccurl_option_pipe_wait = 237,
    ccurl_option_suppress_connect_headers = 265,
    ccurl_option_max_age_connection = 288,
    ccurl_option_quick_exit = 322,

    ccurl_multi_option_max_connects = 6,
    ccurl_multi_option_max_host_connections = 7,
    ccurl_multi_option_max_concurrent_streams = 16,

    ccurl_info_private = 0x100000 + 21,
    ccurl_info_http_connect_code = 0x200000 + 22,
    ccurl_info_http_version = 0x200000 + 46,
    ccurl_info_pretransfer_time = 0x600000 + 53,
    ccurl_info_starttransfer_time = 0x600000 + 54,

    ccurl_http_version_1_0 = 1,
    ccurl_http_version_1_1 = 2,
    ccurl_http_version_2 = 3,
    ccurl_http_version_2_tls = 4,
    ccurl_http_version_3 = 30,
    ccurl_ssl_version_tls_1_2 = 6,
    ccurl_error_size = 256,
};

/// libcurl's list of header lines (struct curl_slist).
typedef struct ccurl_list {
    char *data;
    struct ccurl_list *next;
} ccurl_list;

/// Receives a piece of a response. Returns how many bytes it took; fewer than `size * count` abort the transfer.
typedef size_t (*ccurl_receive)(char *bytes, size_t size, size_t count, void *context);

/// The open sockets of the handles. Zero-initialize it.
typedef struct ccurl_sockets {
    int count;
    int capacity;
    struct ccurl_socket *entries;
    int has_spare;
    int spare;
} ccurl_sockets;

/// Reserves a descriptor for the next socket while none is open: otherwise, when descriptors are scarce, spool files
/// could take the last one and nothing could be sent. A no-op if none is available.
void ccurl_sockets_keep_spare(ccurl_sockets *sockets);

/// Forgets sockets that libcurl closed without the callback, as when a connection is refused at once.
void ccurl_sockets_sweep(ccurl_sockets *sockets);
/// Frees the memory and the reserved descriptor; libcurl closes the sockets.
void ccurl_sockets_free(ccurl_sockets *sockets);

// Transfers (easy handles).
void *ccurl_easy_init(void);
void ccurl_easy_cleanup(void *easy);
/// These return 0, or libcurl's error number.
int ccurl_easy_set_long(void *easy, int option, long value);
int ccurl_easy_set_pointer(void *easy, int option, const void *value);
int ccurl_easy_set_callback(void *easy, int option, ccurl_receive callback);
/// Trusts the certificate authorities in a file and no others. Most libraries are built with the system's directory of
/// authorities, which would be trusted besides the file.
int ccurl_easy_trust_only(void *easy, const char *file);
/// Counts the handle's sockets in `sockets`, which must outlive the multi handle, and closes them in forked children.
int ccurl_easy_set_sockets(void *easy, ccurl_sockets *sockets);
/// These return 0 or NULL if the value is unknown.
long ccurl_easy_get_long(void *easy, int info);
int64_t ccurl_easy_get_offset(void *easy, int info);
void *ccurl_easy_get_pointer(void *easy, int info);
/// Returns libcurl's text for an error number.
const char *ccurl_easy_error(int code);

// Sets of transfers that share connections (multi handles).
void *ccurl_multi_init(void);
void ccurl_multi_cleanup(void *multi);
int ccurl_multi_set_long(void *multi, int option, long value);
int ccurl_multi_add(void *multi, void *easy);
int ccurl_multi_remove(void *multi, void *easy);
/// Advances the transfers. Returns how many are in flight.
int ccurl_multi_perform(void *multi);
/// Waits for activity, at most `timeout_ms`. Returns how many descriptors are ready.
int ccurl_multi_poll(void *multi, int timeout_ms);
/// Takes one finished transfer. Returns 1, or 0 if there is none.
int ccurl_multi_next(void *multi, void **easy, int *code);

/// Creates the state that the transfers of one thread share: TLS sessions. Returns NULL if this libcurl can't share
/// them.
void *ccurl_share_init(void);
void ccurl_share_cleanup(void *share);

#endif
