// Asks the kernel for one thing and says in which words it is refused: `refused code|netlink|owner|port NUMBER`.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int refused(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

int main(int argc, char **argv) {
    const char *wanted = argc > 1 ? argv[1] : "";
    if (strcmp(wanted, "code") == 0) {
        void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return code == MAP_FAILED ? refused("mmap") : 0;
    }
    if (strcmp(wanted, "netlink") == 0)
        return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) < 0 ? refused("socket(AF_NETLINK)") : 0;
    if (strcmp(wanted, "owner") == 0) return chown("/var/lib/try-capability", 1, 1) < 0 ? refused("chown") : 0;
    if (strcmp(wanted, "port") == 0 && argc > 2) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[2]))};
        int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char what[64];
        snprintf(what, sizeof what, "bind: 0.0.0.0:%s", argv[2]);
        return listening < 0                                                                    ? refused("socket")
               : bind(listening, (struct sockaddr *)&address, sizeof address) < 0 ? refused(what)
                                                                                  : 0;
    }
    fputs("what?\n", stderr);
    return 2;
}
