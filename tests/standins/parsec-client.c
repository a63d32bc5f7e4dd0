/* A client of the Parsec stand-in.
 *
 *   parsec-client [--socket PATH] [--as CLIENT] [REQUEST...]
 *
 * Sends each request as one line and prints each answer. Without a request it makes the round that
 * proves the service: `ping`, `generate`, `sign` and `list` with a key of its own. Without --as it names
 * itself by its uid, as the real client does for Unix peer credentials. Exits 0 only if every answer
 * came within ten seconds and has status 0.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int main(int count, char **args)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/run/parsec/parsec.sock" };
    struct timeval patience = { .tv_sec = 10 };
    char claimed[128], generate[64], sign[64], line[1280];
    snprintf(claimed, sizeof claimed, "%u", getuid());
    snprintf(generate, sizeof generate, "generate probe-%d", getpid());
    snprintf(sign, sizeof sign, "sign probe-%d", getpid());
    char *round[] = { "ping", generate, sign, "list" };

    int next = 1;
    for (; next + 1 < count && !strncmp(args[next], "--", 2); next += 2) {
        if (!strcmp(args[next], "--socket"))
            snprintf(to.sun_path, sizeof to.sun_path, "%s", args[next + 1]);
        else if (!strcmp(args[next], "--as"))
            snprintf(claimed, sizeof claimed, "%s", args[next + 1]);
        else
            return fprintf(stderr, "parsec-client: unknown option %s\n", args[next]), 2;
    }
    char **requests = next < count ? args + next : round;
    int many = next < count ? count - next : 4;

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        return fprintf(stderr, "parsec-client: %s: %s\n", to.sun_path, strerror(errno)), 1;
    FILE *in = fdopen(fd, "r");
    if (!in || dprintf(fd, "as %s\n", claimed) < 0)
        return perror("parsec-client"), 1;

    int failed = 0;
    for (int i = 0; i < many; i++) {
        int status = -1;
        if (dprintf(fd, "%s\n", requests[i]) < 0 || !fgets(line, sizeof line, in))
            return fprintf(stderr, "parsec-client: %s: no answer\n", requests[i]), 1;
        printf("%s: %s", requests[i], line);
        if (sscanf(line, "status %d", &status) != 1 || status != 0)
            failed = 1;
    }
    return failed;
}
