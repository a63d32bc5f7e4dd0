/* Something to connect to, where a service needs a peer that a test does not have: a database, an agent.
 *
 *   listener PORT | /SOCKET/PATH
 *
 * Accepts on 127.0.0.1 or the path, keeps every connection open, answers nothing.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int main(int count, char **args)
{
    const char *where = count == 2 ? args[1] : "";
    struct sockaddr_un path = { .sun_family = AF_UNIX };
    struct sockaddr_in port = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(where)) };
    port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    snprintf(path.sun_path, sizeof path.sun_path, "%s", where);
    int local = where[0] == '/';
    int fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (local)
        unlink(where), umask(0);
    if (bind(fd, local ? (struct sockaddr *)&path : (struct sockaddr *)&port, local ? sizeof path : sizeof port) < 0 ||
        listen(fd, 64) < 0)
        return fprintf(stderr, "listener: %s: %s\n", where, strerror(errno)), 1;
    while (accept4(fd, NULL, NULL, SOCK_CLOEXEC) >= 0 || errno == EINTR || errno == ECONNABORTED)
        ;
    return perror("listener"), 1;
}
