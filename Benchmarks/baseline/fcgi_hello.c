// A FastCGI hello-world responder in plain C on libfcgi, with a fixed number of threads.
//
//   cc -O2 -o fcgi_hello fcgi_hello.c -lfcgi -lpthread && ./fcgi_hello SOCKET THREADS

#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int listener;
static pthread_mutex_t accepting = PTHREAD_MUTEX_INITIALIZER;

static void *serve(void *context) {
    (void)context;
    FCGX_Request request;
    FCGX_InitRequest(&request, listener, 0);
    for (;;) {
        pthread_mutex_lock(&accepting);
        int result = FCGX_Accept_r(&request);
        pthread_mutex_unlock(&accepting);
        if (result < 0) return NULL;
        FCGX_PutS("Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 10\r\n\r\nHello, x!\n",
                  request.out);
        FCGX_Finish_r(&request);
    }
}

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "usage: %s SOCKET THREADS\n", arguments[0]);
        return 64;
    }
    FCGX_Init();
    listener = FCGX_OpenSocket(arguments[1], 1024);
    if (listener < 0) return 74;
    int threads = atoi(arguments[2]);
    for (int index = 1; index < threads; index++) {
        pthread_t thread;
        pthread_create(&thread, NULL, serve, NULL);
    }
    serve(NULL);
    return 0;
}
