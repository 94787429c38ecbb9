#ifndef RA_CCURL_H
#define RA_CCURL_H

#include <stddef.h>

// The few calls of libcurl that delivery needs. The library is found with dlopen when the first event is sent, so that
// neither its headers nor its link are needed to build, and a process that sends nothing never loads it.
//
// A link and its transfers belong to one thread; only ccurl_load may be called from several.

/// A set of transfers that share connections (a libcurl "multi handle").
typedef struct ccurl_link ccurl_link;

/// What all requests of a link have in common. Strings are copied.
typedef struct ccurl_options {
    const char *url;
    const char *user_agent;
    const char *content_type_json;
    const char *content_type_lines;
    /// NULL: the system's own certificate authorities.
    const char *ca_file;
    long connect_timeout_ms;
    long request_timeout_ms;
    /// Transfers that may be under way at once, and connections kept open.
    int maximum_transfers;
} ccurl_options;

/// How one transfer ended. The strings live until the next call for the same link.
typedef struct ccurl_result {
    unsigned long long identifier;
    /// 0, or libcurl's error number (CURLcode).
    int code;
    /// The HTTP status; 0 if no response came.
    long status;
    /// What went wrong, in words; empty if nothing did.
    const char *error;
    /// Values of response headers; empty if absent.
    const char *retry_after;
    const char *accept_post;
    const char *accept_encoding;
} ccurl_result;

/// The kind of failure behind `ccurl_result.code`.
typedef enum ccurl_failure {
    ccurl_failure_none,
    /// The peer's certificate or name was refused, or the CA file can't be read.
    ccurl_failure_certificate,
    /// The connection could not be made, broke, or was too slow.
    ccurl_failure_network,
} ccurl_failure;

/// Loads libcurl once for the process. Returns NULL, or why it could not be loaded.
const char *ccurl_load(void);

/// libcurl's version, as "7.88.1"; empty before it is loaded.
const char *ccurl_version(void);

/// Returns NULL if memory ran out.
ccurl_link *ccurl_link_open(const ccurl_options *options);

/// Ends all transfers at once and closes the connections.
void ccurl_link_close(ccurl_link *link);

/// Starts one POST. The body and the strings are copied.
///
/// Returns 0, or -1 if no transfer is free or memory ran out.
int ccurl_link_start(ccurl_link *link, unsigned long long identifier, const char *idempotency_key, const void *body,
                     size_t length, int is_lines, int is_gzip);

/// Moves transfers on; waits at most `timeout_ms` for something to happen.
void ccurl_link_wait(ccurl_link *link, int timeout_ms);

/// Takes one ended transfer. Returns 1, or 0 if there is none.
int ccurl_link_next(ccurl_link *link, ccurl_result *result);

/// Ends all transfers at once, without results. Connections that were idle stay.
void ccurl_link_cancel(ccurl_link *link);

ccurl_failure ccurl_classify(int code);

#endif
