/* Stand-in for the Barycenter OpenID provider: the same footprint, no protocol.
 *
 *   barycenter --config FILE
 *
 * What it shares with the real program, because hardening can break it:
 *   - one process, four threads, binds `port` and `port` + 1 (administration) on one `host`, and with
 *     `authz_enabled = true` `port` + 2 (policies for authorisation);
 *   - writes `private_key_path`, `jwks_path` and the database file of `url` with the modes that the umask
 *     leaves, and never changes them; without these keys they go to $STATE_DIRECTORY;
 *   - a `url` of the form postgresql://...?host=FOLDER is connected to instead;
 *   - serves static/ relative to its working directory;
 *   - prints all its settings, the database's password included, unless RUST_LOG starts with `warn`;
 *   - has a default account admin/password123.
 *
 * GET of /.well-known/openid-configuration, /.well-known/jwks.json and /static/NAME, POST of /login on the
 * first port; any POST on the second gives the list of jobs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { THREADS = 4 };

static char host[64] = "127.0.0.1", port[8] = "8080", private_key[256], jwks[256], database[256], authz[8];
static struct pollfd listeners[2];

static _Noreturn void fail(const char *what, const char *which)
{
    fprintf(stderr, "ERROR barycenter: %s %s: %s\n", what, which, strerror(errno));
    exit(1);
}

static void setting(const char *line, const char *key, char *value, size_t size)
{
    char name[64], text[256];
    if (sscanf(line, " %63[a-z_] = \"%255[^\"]\"", name, text) != 2 && sscanf(line, " %63[a-z_] = %255s", name, text) != 2)
        return;
    if (!strcmp(name, key))
        snprintf(value, size, "%s", text);
}

static void configure(const char *path)
{
    char line[512];
    const char *state = getenv("STATE_DIRECTORY");
    snprintf(private_key, sizeof private_key, "%s/private_key.json", state ? state : "/var/lib/barycenter");
    snprintf(jwks, sizeof jwks, "%s/jwks.json", state ? state : "/var/lib/barycenter");
    snprintf(database, sizeof database, "sqlite://%s/barycenter.db", state ? state : "/var/lib/barycenter");
    FILE *file = fopen(path, "re");
    if (!file)
        fail("cannot read", path);
    while (fgets(line, sizeof line, file)) {
        setting(line, "host", host, sizeof host);
        setting(line, "port", port, sizeof port);
        setting(line, "private_key_path", private_key, sizeof private_key);
        setting(line, "jwks_path", jwks, sizeof jwks);
        setting(line, "url", database, sizeof database);
        setting(line, "authz_enabled", authz, sizeof authz);
    }
    fclose(file);
    const char *filter = getenv("RUST_LOG");
    if (!filter || strncmp(filter, "warn", 4))
        printf("INFO barycenter: settings host=%s port=%s url=%s\n", host, port, database);
}

static void write_once(const char *path, const char *text)
{
    if (!access(path, R_OK | W_OK))
        return;
    FILE *file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file))
        fail("cannot write", path);
}

static void open_database(void)
{
    const char *local = strstr(database, "?host=/");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    if (!strncmp(database, "sqlite://", 9)) {
        database[strcspn(database, "?")] = 0;
        write_once(database + 9, "SQLite stand-in\n");
        return;
    }
    snprintf(to.sun_path, sizeof to.sun_path, "%s/.s.PGSQL.5432", local ? local + 6 : "/run/postgresql");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        fail("cannot connect to", to.sun_path);
}

static int listen_on(int number)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)number) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)number) };
    int six = inet_pton(AF_INET, host, &v4.sin_addr) != 1;
    errno = EINVAL;
    if (six && inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
        fail("cannot listen on", host);
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) < 0 ||
        bind(fd, six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, six ? sizeof v6 : sizeof v4) < 0 ||
        listen(fd, 64) < 0)
        fail("cannot listen on", host);
    return fd;
}

static void reply(int fd, const char *status, const char *body, size_t length)
{
    dprintf(fd, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status, length);
    if (write(fd, body, length) < 0)
        fprintf(stderr, "WARN barycenter: answer: %s\n", strerror(errno));
}

static void reply_file(int fd, const char *path)
{
    char body[65536];
    FILE *file = strstr(path, "..") ? NULL : fopen(path, "re");
    if (!file) {
        reply(fd, "404 Not Found", "", 0);
        return;
    }
    reply(fd, "200 OK", body, fread(body, 1, sizeof body, file));
    fclose(file);
}

static void serve(int fd, int administration)
{
    static const char discovery[] = "{\"issuer\":\"stand-in\",\"jwks_uri\":\"/.well-known/jwks.json\"}";
    static const char jobs[] = "{\"data\":{\"availableJobs\":[]}}";
    struct timeval patience = { .tv_sec = 5 };
    char request[8192] = "", verb[8] = "", path[256] = "";
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t got = read(fd, request, sizeof request - 1);
    if (got <= 0 || sscanf(request, "%7s /%255s", verb, path) < 1)
        return;
    if (administration && !strcmp(verb, "POST"))
        reply(fd, "200 OK", jobs, strlen(jobs));
    else if (administration)
        reply(fd, "405 Method Not Allowed", "", 0);
    else if (!strcmp(path, ".well-known/openid-configuration"))
        reply(fd, "200 OK", discovery, strlen(discovery));
    else if (!strcmp(path, ".well-known/jwks.json"))
        reply_file(fd, jwks);
    else if (!strncmp(path, "static/", 7))
        reply_file(fd, path);
    else if (!strcmp(verb, "POST") && !strcmp(path, "login"))
        reply(fd, strstr(request, "username=admin&password=password123") ? "303 See Other" : "401 Unauthorized", "", 0);
    else
        reply(fd, "404 Not Found", "", 0);
}

static void *work(void *unused)
{
    struct pollfd ready[2];
    for (;;) {
        memcpy(ready, listeners, sizeof ready);
        if (poll(ready, 2, -1) < 0 && errno != EINTR)
            return unused;
        for (int i = 0; i < 2; i++) {
            int fd = ready[i].revents ? accept4(ready[i].fd, NULL, NULL, SOCK_CLOEXEC) : -1;
            if (fd < 0)
                continue;
            serve(fd, i == 1);
            shutdown(fd, SHUT_WR);
            close(fd);
        }
    }
}

int main(int count, char **args)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    configure(count == 3 && !strcmp(args[1], "--config") ? args[2] : "config.toml");
    write_once(private_key, "{\"kty\":\"RSA\",\"d\":\"stand-in\"}\n");
    write_once(jwks, "{\"keys\":[]}\n");
    open_database();
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 2; i++)
        listeners[i] = (struct pollfd){ .fd = listen_on(atoi(port) + i), .events = POLLIN };
    if (!strcmp(authz, "true"))
        listen_on(atoi(port) + 2);
    for (int i = 1; i < THREADS; i++) {
        pthread_t thread;
        if ((errno = pthread_create(&thread, NULL, work, NULL)))
            fail("cannot start", "a thread");
    }
    printf("INFO barycenter: ready\n");
    work(NULL);
    fail("stopped", "polling");
}
