/* A long wire: forwards TCP connections and delivers every octet a fixed time after it came, in both directions.
 *
 * It delays and does not limit: whatever arrives is read at once and lies in one queue until its time has come. One
 * queue is enough, since all that enters it waits equally long. Opening a connection costs what it costs over distance:
 * the peer hears of it one and a half round trips after the client's SYN, as if the three packets of the handshake had
 * travelled. What it leaves out is what TCP itself does over distance (slow start, windows): the clients' own round
 * trips are what is measured.
 *
 * Usage: wire TARGET_PORT ONE_WAY_MICROSECONDS
 * Prints "listening PORT"; ends with its stdin.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 1 << 16, EVENTS = 256 };

struct line;

struct end {
    int fd, ended; /* ended: nothing more comes from here */
    struct line *line;
    struct end *peer;
    char *unsent; /* what the kernel did not take yet, in order */
    size_t length;
};

struct line {
    struct end client, server;
    int queued; /* how many parcels are under way */
};

struct parcel {
    struct parcel *next;
    unsigned long long due;
    struct line *line;
    struct end *to;
    int handshake;  /* which of its three packets this is; 0 for data */
    ssize_t length; /* 0: the end */
    char data[];
};

static struct parcel *first, **last = &first;
static unsigned long long delay;
static int poller, alarm_clock, target;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static unsigned long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void watch(int fd, unsigned events, void *what, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = what};
    if (epoll_ctl(poller, operation, fd, &event) < 0 && errno != ENOENT) fail("epoll_ctl"); /* ENOENT: hung up */
}

static void wake_at(unsigned long long due) {
    struct itimerspec when = {.it_value = {due / 1000000000ull, due % 1000000000ull}};
    timerfd_settime(alarm_clock, TFD_TIMER_ABSTIME, &when, NULL);
}

static struct parcel *parcel(struct line *line, struct end *to, size_t room) {
    struct parcel *made = calloc(1, sizeof *made + room);
    if (!made) fail("calloc");
    made->line = line;
    made->to = to;
    return made;
}

static void send_off(struct parcel *sent) {
    sent->due = now() + delay;
    sent->line->queued++;
    if (!first) wake_at(sent->due);
    *last = sent;
    last = &sent->next;
}

static int open_target(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    address.sin_port = htons(target);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void flush(struct end *to) {
    size_t before = to->length;
    ssize_t sent = send(to->fd, to->unsent, to->length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) sent = to->length; /* nobody reads it any more */
    if (sent > 0) memmove(to->unsent, to->unsent + sent, to->length -= sent);
    if (to->length == 0 && before > 0) {
        watch(to->fd, to->ended ? 0 : EPOLLIN, to, EPOLL_CTL_MOD);
        if (to->peer->ended) shutdown(to->fd, SHUT_WR);
    }
}

static void deliver_data(struct end *to, const char *data, size_t length) {
    ssize_t sent = to->length ? 0 : send(to->fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return;
    if (sent < 0) sent = 0;
    if ((size_t)sent == length) return;
    to->unsent = realloc(to->unsent, to->length + length - sent);
    if (!to->unsent) fail("realloc");
    memcpy(to->unsent + to->length, data + sent, length - sent);
    to->length += length - sent;
    watch(to->fd, EPOLLOUT | (to->ended ? 0 : EPOLLIN), to, EPOLL_CTL_MOD);
}

static void shake_hands(struct line *line, int packet) {
    if (packet < 3) {
        struct parcel *following = parcel(line, NULL, 0);
        following->handshake = packet + 1;
        send_off(following);
    }
    if (packet == 2) watch(line->client.fd, EPOLLIN, &line->client, EPOLL_CTL_ADD); /* from now on it may speak */
    if (packet == 3) {
        line->server.fd = open_target();
        watch(line->server.fd, EPOLLIN, &line->server, EPOLL_CTL_ADD);
    }
}

static void forget_if_over(struct line *line) {
    if (!line->client.ended || !line->server.ended || line->queued) return;
    close(line->client.fd);
    close(line->server.fd);
    free(line->client.unsent);
    free(line->server.unsent);
    free(line);
}

static void deliver(struct parcel *arrived) {
    struct line *line = arrived->line;
    line->queued--;
    if (arrived->handshake) shake_hands(line, arrived->handshake);
    else if (arrived->length) deliver_data(arrived->to, arrived->data, arrived->length);
    else if (!arrived->to->length) shutdown(arrived->to->fd, SHUT_WR);
    free(arrived);
    forget_if_over(line);
}

static void deliver_what_is_due(void) {
    unsigned long long expirations;
    if (read(alarm_clock, &expirations, sizeof expirations) < 0 && errno != EAGAIN) fail("timerfd");
    while (first && first->due <= now()) {
        struct parcel *arrived = first;
        if (!(first = arrived->next)) last = &first;
        deliver(arrived);
    }
    if (first) wake_at(first->due);
}

static void hear(struct end *from) {
    struct parcel *heard = parcel(from->line, from->peer, PIECE);
    heard->length = recv(from->fd, heard->data, PIECE, MSG_DONTWAIT);
    if (heard->length < 0 && errno == EAGAIN) {
        free(heard);
        return;
    }
    if (heard->length <= 0) {
        heard->length = 0;
        from->ended = 1;
        watch(from->fd, from->length ? EPOLLOUT : 0, from, EPOLL_CTL_MOD);
    }
    struct parcel *trimmed = realloc(heard, sizeof *heard + heard->length);
    send_off(trimmed ? trimmed : heard);
}

static void serve(struct end *end, unsigned events) {
    if (events & EPOLLOUT) flush(end);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        if (end->ended) epoll_ctl(poller, EPOLL_CTL_DEL, end->fd, NULL); /* a hang-up is reported for ever */
        else hear(end);
    }
}

static void welcome(int listener) {
    int fd = accept(listener, NULL, NULL), on = 1;
    if (fd < 0) return;
    struct line *line = calloc(1, sizeof *line);
    if (!line) fail("calloc");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    line->client = (struct end){.fd = fd, .line = line, .peer = &line->server};
    line->server = (struct end){.fd = -1, .line = line, .peer = &line->client};
    struct parcel *syn = parcel(line, NULL, 0);
    syn->handshake = 1;
    send_off(syn);
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

int main(int argc, char **argv) {
    struct epoll_event events[EVENTS];
    int new_client, over, time_is_up; /* only their addresses matter: they tell descriptors from ends */
    if (argc != 3) fail("usage: wire TARGET_PORT ONE_WAY_MICROSECONDS");
    target = atoi(argv[1]);
    delay = strtoull(argv[2], NULL, 10) * 1000;
    prctl(PR_SET_TIMERSLACK, 1);
    if ((poller = epoll_create1(0)) < 0) fail("epoll_create1");
    if ((alarm_clock = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)) < 0) fail("timerfd_create");
    int listener = listen_on_loopback();
    watch(listener, EPOLLIN, &new_client, EPOLL_CTL_ADD);
    watch(alarm_clock, EPOLLIN, &time_is_up, EPOLL_CTL_ADD);
    watch(STDIN_FILENO, EPOLLIN, &over, EPOLL_CTL_ADD);
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            void *what = events[i].data.ptr;
            if (what == &over) return 0;
            else if (what == &new_client) welcome(listener);
            else if (what != &time_is_up) serve(what, events[i].events);
        }
        deliver_what_is_due();
    }
}
