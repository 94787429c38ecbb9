// The same work as the tracker's delivery, in plain C on libcurl: N POSTs of one body over a multi handle, with a fixed
// number of connections and, over HTTP/2, of streams on each. Prints POSTs per second and CPU microseconds per POST.
//
//   cc -O2 -o curl_multi curl_multi.c -lcurl && ./curl_multi URL COUNT CONNECTIONS BODY_BYTES [CA_FILE [STREAMS]]

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static size_t discard(char *bytes, size_t size, size_t count, void *context) {
    (void)bytes;
    (void)context;
    return size * count;
}

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

int main(int count, char **arguments) {
    if (count < 5 || count > 7) {
        fprintf(stderr, "usage: %s URL COUNT CONNECTIONS BODY_BYTES [CA_FILE [STREAMS]]\n", arguments[0]);
        return 64;
    }
    const char *url = arguments[1];
    long total = atol(arguments[2]);
    int connections = atoi(arguments[3]);
    size_t length = (size_t)atol(arguments[4]);
    const char *authority = count > 5 && *arguments[5] ? arguments[5] : NULL;
    int streams = count > 6 ? atoi(arguments[6]) : 1;
    char *body = malloc(length + 1);
    memset(body, 'x', length);
    body[length] = 0;

    curl_global_init(CURL_GLOBAL_ALL);
    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)connections);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)connections);
    curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)streams);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Idempotency-Key: 00000000-0000-7000-8000-000000000000");
    headers = curl_slist_append(headers, "Expect:");

    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    long started = 0, finished = 0, failed = 0;
    for (int index = 0; index < connections * streams && started < total; index++) {
        CURL *easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)length);
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        if (authority) curl_easy_setopt(easy, CURLOPT_CAINFO, authority);
        // Over HTTP/2, wait to share a connection instead of opening one for each transfer.
        curl_easy_setopt(
            easy, CURLOPT_HTTP_VERSION, streams > 1 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
        if (streams > 1) curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
        curl_multi_add_handle(multi, easy);
        started++;
    }
    while (finished < total) {
        int running, left, ready;
        curl_multi_perform(multi, &running);
        CURLMsg *message;
        while ((message = curl_multi_info_read(multi, &left))) {
            if (message->msg != CURLMSG_DONE) continue;
            CURL *easy = message->easy_handle;
            // nginx may answer a stream and reset it while the body is still being sent, which counts as answered.
            long status = 0;
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
            if (status / 100 != 2) failed++;
            curl_multi_remove_handle(multi, easy);
            finished++;
            if (started < total) {
                curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body);
                curl_multi_add_handle(multi, easy);
                started++;
            }
        }
        curl_multi_poll(multi, NULL, 0, 50, &ready);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double elapsed = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    double cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    printf("%.0f %.2f %ld\n", (double)total / elapsed, cpu / (double)total * 1e6, failed);
    return failed ? 1 : 0;
}
