#ifndef RA_CCURL_H
#define RA_CCURL_H

#include <stddef.h>
#include <stdint.h>

// libcurl's ABI, as far as delivery needs it: its numbers, and calls that Swift cannot make itself because they take a
// variable number of arguments. The library is found with dlopen when the first event is sent, so that neither its
// headers nor its link are needed to build, and a process that sends nothing never loads it.
//
// Only ccurl_load may be called from several threads. Nothing else may be called before it has returned NULL.

/// Loads libcurl, unless that was done. Returns NULL, or why it can't be loaded now; another call tries again.
/// The text lives as long as the calling thread.
const char *ccurl_load(void);

// libcurl's numbers are stable by the project's promise.
enum {
    ccurl_option_write_data = 10001,
    ccurl_option_url = 10002,
    ccurl_option_error_buffer = 10010,
    ccurl_option_post_fields = 10015,
    ccurl_option_user_agent = 10018,
    ccurl_option_http_header = 10023,
    ccurl_option_header_data = 10029,
    ccurl_option_ca_info = 10065,
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
    ccurl_option_timeout_ms = 155,
    ccurl_option_connect_timeout_ms = 156,
    ccurl_option_tcp_keep_alive = 213,
    ccurl_option_path_as_is = 234,
    ccurl_option_pipe_wait = 237,
    ccurl_option_max_age_connection = 288,
    ccurl_option_quick_exit = 322,

    ccurl_multi_option_max_connects = 6,
    ccurl_multi_option_max_host_connections = 7,
    ccurl_multi_option_max_concurrent_streams = 16,

    ccurl_info_private = 0x100000 + 21,
    ccurl_info_response_code = 0x200000 + 2,
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

/// Takes a piece of a response. Returns how much it took; less than `size * count` ends the transfer.
typedef size_t (*ccurl_receive)(char *bytes, size_t size, size_t count, void *context);

/// The sockets that handles have open. Begins as zeros.
typedef struct ccurl_sockets {
    int count;
    int capacity;
    struct ccurl_socket *entries;
    int has_spare;
    int spare;
} ccurl_sockets;

/// Holds a descriptor while no socket is open, for the next one: where descriptors are scarce, the files of a spool
/// would take the last, and nothing could be sent any more. Does nothing if there is none to be had.
void ccurl_sockets_keep_spare(ccurl_sockets *sockets);

/// Forgets sockets that libcurl closed without a word, as it does where a connection is refused at once.
void ccurl_sockets_sweep(ccurl_sockets *sockets);
/// Frees the memory; the sockets are libcurl's.
void ccurl_sockets_free(ccurl_sockets *sockets);

// Transfers (easy handles).
void *ccurl_easy_init(void);
void ccurl_easy_cleanup(void *easy);
/// These return 0, or libcurl's error number.
int ccurl_easy_set_long(void *easy, int option, long value);
int ccurl_easy_set_pointer(void *easy, int option, const void *value);
int ccurl_easy_set_callback(void *easy, int option, ccurl_receive callback);
/// Counts the handle's sockets in `sockets`, which must outlive the multi handle, and closes them in forked children.
int ccurl_easy_set_sockets(void *easy, ccurl_sockets *sockets);
/// These return 0 or NULL where libcurl does not know.
long ccurl_easy_get_long(void *easy, int info);
int64_t ccurl_easy_get_offset(void *easy, int info);
void *ccurl_easy_get_pointer(void *easy, int info);
/// libcurl's words for an error number.
const char *ccurl_easy_error(int code);

// Sets of transfers that share connections (multi handles).
void *ccurl_multi_init(void);
void ccurl_multi_cleanup(void *multi);
int ccurl_multi_set_long(void *multi, int option, long value);
int ccurl_multi_add(void *multi, void *easy);
int ccurl_multi_remove(void *multi, void *easy);
/// Moves transfers on. Returns how many are under way.
int ccurl_multi_perform(void *multi);
/// Waits at most so long for something to happen. Returns how many descriptors are ready.
int ccurl_multi_poll(void *multi, int timeout_ms);
/// Takes one transfer that has ended. Returns 1, or 0 if there is none.
int ccurl_multi_next(void *multi, void **easy, int *code);

/// What transfers of one thread share: TLS sessions. NULL where this libcurl can't.
void *ccurl_share_init(void);
void ccurl_share_cleanup(void *share);

#endif
