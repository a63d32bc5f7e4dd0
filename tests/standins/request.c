/* A client for any line or HTTP service: sends standard input, prints the answer.
 *
 *   request [-k] [-s SOURCE-ADDRESS] [-t SECONDS] ADDRESS PORT
 *   request [-k] [-t SECONDS] /SOCKET/PATH
 *
 * Addresses are numeric, IPv4 or IPv6. -k keeps its side open after the end of standard input, as HTTP clients
 * do: systemd-socket-proxyd closes a connection altogether once one side has said that it is done. Exits 0 once
 * the other side has closed after answering, 1 without a connection, 2 on wrong use, 3 when the answer was empty
 * or did not end in time (ten seconds by default).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static struct timeval patience = { .tv_sec = 10 };

static int no_connection(const char *where)
{
    fprintf(stderr, "request: %s: %s\n", where, strerror(errno));
    return 1;
}

static int dial(const struct sockaddr *to, socklen_t length, const struct addrinfo *from)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        (from && bind(fd, from->ai_addr, from->ai_addrlen) < 0) || connect(fd, to, length) < 0)
        return -1;
    return fd;
}

int main(int count, char **args)
{
    const char *source = NULL;
    int keeps_open = 0;
    char buffer[65536];
    signal(SIGPIPE, SIG_IGN);
    for (int option; (option = getopt(count, args, "ks:t:")) != -1;) {
        if (option == 's')
            source = optarg;
        else if (option == 'k')
            keeps_open = 1;
        else if (option == 't' && atoi(optarg) > 0)
            patience.tv_sec = atoi(optarg);
        else
            return 2;
    }
    args += optind, count -= optind;
    int fd = -1;
    if (count == 1 && args[0][0] == '/') {
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        snprintf(to.sun_path, sizeof to.sun_path, "%s", args[0]);
        fd = dial((struct sockaddr *)&to, sizeof to, NULL);
    } else {
        struct addrinfo *to, *from = NULL, hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
        if (count != 2 || getaddrinfo(args[0], args[1], &hints, &to) || (source && getaddrinfo(source, NULL, &hints, &from)))
            return fprintf(stderr, "usage: request [-k] [-s SOURCE] [-t SECONDS] ADDRESS PORT | /SOCKET/PATH\n"), 2;
        fd = dial(to->ai_addr, to->ai_addrlen, from);
    }
    if (fd < 0)
        return no_connection(args[0]);
    for (ssize_t got; (got = read(STDIN_FILENO, buffer, sizeof buffer)) > 0;)
        if (send(fd, buffer, (size_t)got, 0) != got)
            break;
    if (!keeps_open)
        shutdown(fd, SHUT_WR);
    size_t answered = 0;
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        answered += fwrite(buffer, 1, (size_t)got, stdout);
    if (got < 0)
        fprintf(stderr, "request: answer: %s\n", strerror(errno));
    return got < 0 || !answered ? 3 : 0;
}
