// Requests a page at a steady rate, however slow the responses, from many visitors with a session cookie each.
//
//   cc -O2 -o paced paced.c && ./paced PORT RATE SECONDS CONNECTIONS SESSIONS
//
// Prints: answered, failed, requests per second, and the latency's median, 99th percentile and maximum in microseconds.
// Latency counts from when a request was due, to avoid coordinated omission when the server stalls.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct connection {
    int descriptor;
    uint64_t due;
    size_t filled;
    char buffer[4096];
};

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int compare(const void *first, const void *second) {
    uint32_t a = *(const uint32_t *)first, b = *(const uint32_t *)second;
    return a < b ? -1 : a > b;
}

static int open_connection(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0) return -1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    return descriptor;
}

// Returns the length of a whole response; 0 while it is incomplete.
static size_t answer_length(const char *bytes, size_t count) {
    const char *end = memmem(bytes, count, "\r\n\r\n", 4);
    if (!end) return 0;
    const char *length = memmem(bytes, (size_t)(end - bytes), "Content-Length: ", 16);
    size_t whole = (size_t)(end - bytes) + 4 + (length ? (size_t)atol(length + 16) : 0);
    return count >= whole ? whole : 0;
}

int main(int count, char **arguments) {
    if (count != 6) {
        fprintf(stderr, "usage: %s PORT RATE SECONDS CONNECTIONS SESSIONS\n", arguments[0]);
        return 64;
    }
    int port = atoi(arguments[1]), connections = atoi(arguments[4]);
    double rate = atof(arguments[2]), seconds = atof(arguments[3]);
    long sessions = atol(arguments[5]), total = (long)(rate * seconds);
    struct connection *all = calloc((size_t)connections, sizeof *all);
    int *idle = calloc((size_t)connections, sizeof *idle), idle_count = 0;
    uint32_t *times = calloc((size_t)total + 1, sizeof *times);
    int poller = epoll_create1(0);
    if (!all || !idle || !times || poller < 0 || sessions < 1) return 70;
    for (int index = 0; index < connections; index++) {
        all[index].descriptor = open_connection(port);
        if (all[index].descriptor < 0) {
            perror("connect");
            return 74;
        }
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
        epoll_ctl(poller, EPOLL_CTL_ADD, all[index].descriptor, &event);
        idle[idle_count++] = index;
    }
    long asked = 0, answered = 0, failed = 0;
    uint64_t start = now(), limit = start + (uint64_t)((seconds + 5) * 1e9), last = start;
    while (answered + failed < total && now() < limit) {
        uint64_t moment = now();
        while (asked < total && idle_count > 0 && (double)(moment - start) * rate / 1e9 >= (double)asked) {
            struct connection *connection = &all[idle[--idle_count]];
            char request[512];
            int length = snprintf(
                request, sizeof request,
                "GET /hello/visitor/?page=%ld HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux "
                "x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: text/html\r\nAccept-Language: en\r\n"
                "Cookie: ra_session_id=%032lx\r\n\r\n",
                asked, asked % sessions + 1);
            connection->due = start + (uint64_t)((double)asked * 1e9 / rate);
            connection->filled = 0;
            asked++;
            if (write(connection->descriptor, request, (size_t)length) != length) failed++;
        }
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, idle_count > 0 && asked < total ? (rate < 5000 ? 1 : 0) : 100);
        for (int index = 0; index < ready; index++) {
            struct connection *connection = &all[events[index].data.u32];
            ssize_t received = read(
                connection->descriptor, connection->buffer + connection->filled,
                sizeof connection->buffer - connection->filled);
            if (received <= 0) {
                if (received < 0 && errno == EAGAIN) continue;
                failed++;
                epoll_ctl(poller, EPOLL_CTL_DEL, connection->descriptor, NULL);
                close(connection->descriptor);
                continue;
            }
            connection->filled += (size_t)received;
            if (!answer_length(connection->buffer, connection->filled)) continue;
            last = now();
            if (memcmp(connection->buffer, "HTTP/1.1 200", 12) == 0) {
                times[answered++] = (uint32_t)((last - connection->due) / 1000);
            } else {
                failed++;
            }
            idle[idle_count++] = (int)events[index].data.u32;
        }
    }
    failed += total - answered - failed;
    qsort(times, (size_t)answered, sizeof *times, compare);
    uint32_t median = answered ? times[answered / 2] : 0, high = answered ? times[answered * 99 / 100] : 0;
    printf(
        "%ld %ld %.0f %u %u %u\n", answered, failed, (double)answered / ((double)(last - start) / 1e9), median, high,
        answered ? times[answered - 1] : 0);
    return 0;
}
