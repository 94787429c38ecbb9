// The smallest possible CGI program.
//
//   cc -O2 -o cgi_empty cgi_empty.c

#include <unistd.h>

int main(void) {
    static const char answer[] = "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nHello\n";
    return write(1, answer, sizeof answer - 1) == sizeof answer - 1 ? 0 : 1;
}
