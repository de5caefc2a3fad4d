/* An SMTP server that takes everything, fast: one thread, epoll, loopback.
 *
 * It knows just enough SMTP to keep a client happy (RFC 5321, PIPELINING, CHUNKING) and counts what it was given. It
 * must never be what limits a benchmark, so it looks at no address and keeps no message.
 *
 * Usage: sink [EHLO keyword]...
 * Prints "listening PORT"; for each line on stdin, prints "MESSAGES OCTETS CONNECTIONS RESUMED" (no TLS here: 0); ends with
 * its stdin.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT = 1 << 18, OUTPUT = 1 << 16, EVENTS = 256 };
enum mode { COMMANDS, BODY, CHUNK };

struct connection {
    int fd, closing, last, at_line_start;
    enum mode mode;
    size_t filled, unsent;
    unsigned long long chunk; /* octets of a BDAT still to come */
    char input[INPUT], output[OUTPUT];
};

static unsigned long long messages, octets, connections;
static char capabilities[4096];
static int poller;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int fd, unsigned events, void *what, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = what};
    if (epoll_ctl(poller, operation, fd, &event) < 0) fail("epoll_ctl");
}

static void say(struct connection *c, const char *text) {
    size_t length = strlen(text);
    if (c->unsent + length > OUTPUT) c->closing = 1; /* it never reads its replies */
    else {
        memcpy(c->output + c->unsent, text, length);
        c->unsent += length;
    }
}

static void message_is_complete(struct connection *c) {
    messages++;
    say(c, "250 2.0.0 Ok\r\n");
    c->mode = COMMANDS;
}

static int is(const char *line, const char *verb) { return strncasecmp(line, verb, 4) == 0; }

static void command(struct connection *c, const char *line, size_t length) {
    if (is(line, "MAIL") || is(line, "RCPT") || is(line, "RSET") || is(line, "NOOP")) say(c, "250 2.0.0 Ok\r\n");
    else if (is(line, "EHLO")) say(c, capabilities);
    else if (is(line, "HELO")) say(c, "250 sink\r\n");
    else if (is(line, "DATA")) {
        say(c, "354 Go ahead\r\n");
        c->mode = BODY;
        c->at_line_start = 1;
    } else if (is(line, "BDAT")) {
        c->chunk = strtoull(line + 4, NULL, 10);
        c->last = length > 9 && memmem(line, length, "LAST", 4) != NULL;
        c->mode = CHUNK;
    } else if (is(line, "QUIT")) {
        say(c, "221 2.0.0 Bye\r\n");
        c->closing = 1;
    } else say(c, "500 5.5.2 What?\r\n");
}

/* Each of these takes what it can from `data` and returns how much that was; 0 if it needs more. */

static size_t take_command(struct connection *c, char *data, size_t length) {
    char *end = memchr(data, '\n', length);
    if (!end) return 0;
    *end = '\0';
    command(c, data, end - data);
    return end - data + 1;
}

static size_t take_body(struct connection *c, char *data, size_t length) {
    if (c->at_line_start && length >= 3 && memcmp(data, ".\r\n", 3) == 0) {
        message_is_complete(c);
        return 3;
    }
    char *end = memmem(data, length, "\r\n.\r\n", 5);
    size_t taken = end ? (size_t)(end - data) + 2 : length > 4 ? length - 4 : 0;
    if (taken) c->at_line_start = end != NULL;
    octets += taken;
    return taken;
}

static size_t take_chunk(struct connection *c, size_t length) {
    size_t taken = length < c->chunk ? length : c->chunk;
    octets += taken;
    c->chunk -= taken;
    if (c->chunk == 0) {
        if (c->last) message_is_complete(c);
        else {
            say(c, "250 2.0.0 Ok\r\n");
            c->mode = COMMANDS;
        }
    }
    return taken;
}

static size_t take(struct connection *c, char *data, size_t length) {
    switch (c->mode) {
    case BODY: return take_body(c, data, length);
    case CHUNK: return take_chunk(c, length);
    default: return take_command(c, data, length);
    }
}

static void consume(struct connection *c) {
    size_t done = 0, taken;
    while (done < c->filled && !c->closing && (taken = take(c, c->input + done, c->filled - done))) done += taken;
    if (c->mode == CHUNK && c->chunk == 0 && !c->closing) take_chunk(c, 0); /* BDAT 0 LAST */
    memmove(c->input, c->input + done, c->filled - done);
    c->filled -= done;
}

static void discard(struct connection *c) {
    close(c->fd);
    free(c);
}

static int flush(struct connection *c) {
    if (!c->unsent) return 1;
    ssize_t sent = send(c->fd, c->output, c->unsent, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return 0;
    if (sent > 0) {
        memmove(c->output, c->output + sent, c->unsent - sent);
        c->unsent -= sent;
    }
    return 1;
}

static void serve(struct connection *c, unsigned events) {
    unsigned before = c->unsent > 0;
    if (events & EPOLLIN) {
        ssize_t got = recv(c->fd, c->input + c->filled, INPUT - c->filled, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN)) return discard(c);
        if (got > 0) c->filled += got;
        consume(c);
        if (c->filled == INPUT) return discard(c); /* a line without an end */
    } else if (!(events & EPOLLOUT)) return discard(c);
    if (!flush(c) || (c->closing && !c->unsent)) return discard(c);
    if (before != (c->unsent > 0)) watch(c->fd, c->unsent ? EPOLLIN | EPOLLOUT : EPOLLIN, c, EPOLL_CTL_MOD);
}

static void welcome(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
    if (fd < 0) return;
    struct connection *c = malloc(sizeof *c);
    if (!c) fail("malloc");
    c->fd = fd, c->closing = c->last = c->at_line_start = 0, c->mode = COMMANDS, c->filled = c->unsent = 0, c->chunk = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections++;
    watch(fd, EPOLLIN, c, EPOLL_CTL_ADD);
    say(c, "220 sink ESMTP\r\n");
    if (!flush(c)) discard(c);
}

static void report(void) {
    char line[256];
    if (read(STDIN_FILENO, line, sizeof line) <= 0) exit(0);
    printf("%llu %llu %llu 0\n", messages, octets, connections);
    fflush(stdout);
}

static int listen_on_loopback(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 1024) < 0) fail("listen");
    getsockname(fd, (struct sockaddr *)&address, &length);
    printf("listening %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void offer(int count, char **keywords) {
    size_t used = snprintf(capabilities, sizeof capabilities, "250%csink\r\n", count ? '-' : ' ');
    for (int i = 0; i < count && used < sizeof capabilities; i++)
        used += snprintf(capabilities + used, sizeof capabilities - used, "250%c%s\r\n", i + 1 < count ? '-' : ' ',
                         keywords[i]);
    if (used >= sizeof capabilities) fail("too many keywords");
}

int main(int argc, char **argv) {
    struct epoll_event events[EVENTS];
    int in, out; /* only their addresses matter: they tell the two descriptors from connections */
    offer(argc - 1, argv + 1);
    if ((poller = epoll_create1(0)) < 0) fail("epoll_create1");
    int listener = listen_on_loopback();
    watch(listener, EPOLLIN, &in, EPOLL_CTL_ADD);
    watch(STDIN_FILENO, EPOLLIN, &out, EPOLL_CTL_ADD);
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &in) welcome(listener);
            else if (events[i].data.ptr == &out) report();
            else serve(events[i].data.ptr, events[i].events);
        }
    }
}
