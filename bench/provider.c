/*
 * The provider's stand-in for measurements: plays one script to every request, and counts.
 *
 *   provider PORT COUNTERS SCRIPT PACE_US END_1 [END_2 ...]
 *
 * SCRIPT holds the bytes of one whole answer; END_n is the offset where the n-th write ends. One END is a plain answer.
 * With several, the first is the head of a stream, and every later piece is one transfer chunk, in a write of its own:
 * as fast as it goes, all streams in turn (PACE_US 0), or one each PACE_US, every stream with a phase of its own, so
 * that a thousand streams are not one burst.
 *
 * COUNTERS is a file of four native u64, mapped: connections accepted, requests read, answers finished, chunks sent.
 * Requests are read leniently: a head, then Content-Length bytes; anything else closes the connection.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { SLOTS = 100, HEAD_MAX = 16384, READ_MAX = 1 << 18, EVENTS = 1024 };
enum { ACCEPTED, REQUESTS, ANSWERS, CHUNKS };

struct connection {
    int fd;
    int piece;       /* of the script, to be sent next; -1: no answer is under way */
    size_t sent;     /* bytes of the script */
    size_t body_left;
    size_t head_len;
    struct connection *next, *previous; /* in the list of those that have more to send */
    char head[HEAD_MAX];
};

static volatile uint64_t *counters;
static char *script;
static size_t ends[4096];
static int pieces;
static long pace_us;
static int epoll_fd, listen_fd, timer_fd;
static struct connection slots[SLOTS]; /* list heads; unpaced streams use the first */
static unsigned next_slot, current_slot;
static size_t active;
static char buffer[READ_MAX];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void link_in(struct connection *c) {
    struct connection *head = &slots[pace_us ? (next_slot++ * 61) % SLOTS : 0]; /* 61: spreads, coprime to SLOTS */
    c->next = head->next;
    c->previous = head;
    head->next->previous = c;
    head->next = c;
    active++;
}

static void link_out(struct connection *c) {
    if (!c->next) return;
    c->next->previous = c->previous;
    c->previous->next = c->next;
    c->next = c->previous = NULL;
    active--;
}

static void drop(struct connection *c) {
    link_out(c);
    close(c->fd);
    free(c);
}

/* Sends what is due of one piece. Returns 1 when the answer is complete, 0 when not, -1 when the peer is gone. */
static int send_piece(struct connection *c) {
    ssize_t n = send(c->fd, script + c->sent, ends[c->piece] - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
    c->sent += (size_t)n;
    if (c->sent < ends[c->piece]) return 0;
    if (c->piece > 0) counters[CHUNKS]++;
    if (++c->piece < pieces) return 0;
    counters[ANSWERS]++;
    c->piece = -1;
    c->head_len = 0;
    return 1;
}

static void answer(struct connection *c) {
    counters[REQUESTS]++;
    c->piece = 0;
    c->sent = 0;
    switch (send_piece(c)) {
    case 0: link_in(c); break;
    case -1: shutdown(c->fd, SHUT_RDWR); break; /* its event drops it */
    }
}

static void play(struct connection *head) {
    for (struct connection *c = head->next, *next; c != head; c = next) {
        next = c->next;
        int done = send_piece(c);
        if (done) link_out(c);
        if (done < 0) shutdown(c->fd, SHUT_RDWR);
    }
}

static size_t content_length(const char *head, size_t len) {
    static const char name[] = "\r\ncontent-length:";
    for (size_t i = 0; i + sizeof name < len; i++)
        if (head[i] == '\r' && !strncasecmp(head + i, name, sizeof name - 1)) return strtoul(head + i + sizeof name - 1, NULL, 10);
    return 0;
}

/* Takes bytes of a request in. Returns 0, or -1 when they are none. */
static int take(struct connection *c, const char *data, size_t len) {
    if (c->piece >= 0) return -1; /* nobody pipelines here */
    if (c->body_left) {
        if (len > c->body_left) return -1;
        c->body_left -= len;
        if (!c->body_left) answer(c);
        return 0;
    }
    size_t copied = len < HEAD_MAX - c->head_len ? len : HEAD_MAX - c->head_len;
    size_t before = c->head_len;
    memcpy(c->head + before, data, copied);
    c->head_len += copied;
    char *end = memmem(c->head, c->head_len, "\r\n\r\n", 4);
    if (!end) return c->head_len < HEAD_MAX ? 0 : -1;
    size_t head_bytes = (size_t)(end + 4 - c->head);
    size_t body = content_length(c->head, head_bytes), extra = len - (head_bytes - before);
    if (extra > body) return -1;
    c->body_left = body - extra;
    if (!c->body_left) answer(c);
    return 0;
}

static void on_readable(struct connection *c) {
    ssize_t n = recv(c->fd, buffer, READ_MAX, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0 || take(c, buffer, (size_t)n) < 0) drop(c);
}

static void on_accept(void) {
    int fd;
    while ((fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        if (!c) die("calloc");
        c->fd = fd;
        c->piece = -1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
        counters[ACCEPTED]++;
    }
}

static void on_tick(void) {
    uint64_t ticks;
    if (read(timer_fd, &ticks, sizeof ticks) != sizeof ticks) return;
    while (ticks--) {
        current_slot = (current_slot + 1) % SLOTS;
        play(&slots[current_slot]);
    }
}

static void *map_file(const char *path, size_t *size, int writable) {
    int fd = open(path, writable ? O_RDWR : O_RDONLY);
    struct stat status;
    if (fd < 0 || fstat(fd, &status)) die(path);
    *size = (size_t)status.st_size;
    void *at = mmap(NULL, *size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) die(path);
    return at;
}

static void listen_on(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listen_fd, (struct sockaddr *)&address, sizeof address) || listen(listen_fd, 4096)) die("listen");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listen_fd};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &event)) die("epoll_ctl");
}

static void start_clock(void) {
    long tick_ns = pace_us * 1000 / SLOTS;
    struct timespec period = {.tv_sec = tick_ns / 1000000000, .tv_nsec = tick_ns % 1000000000};
    struct itimerspec timer = {.it_interval = period, .it_value = period};
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &timer_fd};
    if (timer_fd < 0 || timerfd_settime(timer_fd, 0, &timer, NULL)) die("timerfd");
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event)) die("epoll_ctl");
}

int main(int argc, char **argv) {
    if (argc < 6 || argc - 5 > (int)(sizeof ends / sizeof *ends)) {
        fputs("usage: provider PORT COUNTERS SCRIPT PACE_US END...\n", stderr);
        return 2;
    }
    size_t size;
    counters = map_file(argv[2], &size, 1);
    script = map_file(argv[3], &size, 0);
    pace_us = atol(argv[4]);
    for (pieces = 0; pieces < argc - 5; pieces++) ends[pieces] = strtoul(argv[5 + pieces], NULL, 10);
    for (int i = 0; i < SLOTS; i++) slots[i].next = slots[i].previous = &slots[i];
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    listen_on(atoi(argv[1]));
    if (pace_us) start_clock();
    struct epoll_event events[EVENTS];
    for (;;) {
        int n = epoll_wait(epoll_fd, events, EVENTS, active && !pace_us ? 0 : -1);
        for (int i = 0; i < n; i++) {
            void *what = events[i].data.ptr;
            if (what == &listen_fd) on_accept();
            else if (what == &timer_fd) on_tick();
            else on_readable(what);
        }
        if (!pace_us) play(&slots[0]);
    }
}
