/* Stand-in for the Parsec Cloud server: the same footprint, no data.
 *
 *   parsec-cloud [-m parsec] run|migrate
 *
 * It stands in for the interpreter too, which is started with `-m parsec`.
 *
 * What it shares with the real program, because hardening can break it:
 *   - everything comes from the environment: PARSEC_HOST, PARSEC_PORT, PARSEC_ADMINISTRATION_TOKEN (needed),
 *     PARSEC_DB (needed: `MOCKED`, `postgresql://[USER@]HOST:PORT/NAME` or `postgresql:///NAME?host=FOLDER`),
 *     PARSEC_BLOCKSTORE, PARSEC_SSL_KEYFILE and PARSEC_SSL_CERTFILE;
 *   - the database driver reads ~/.postgresql/postgresql.key of its account: a missing one is fine,
 *     a forbidden one ends the program;
 *   - the database is tried ten times, a second apart, before it gives up;
 *   - a block store of S3 splits at colons unless a backslash protects them;
 *   - two threads, no fork.
 *
 * TLS is left out: key and certificate must be there and readable, the answers are plain HTTP.
 * `GET /` gives 200; `POST /administration/organizations` with the token as Bearer gives a bootstrap_url.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static const char *token;
static int queue[2];

static _Noreturn void fail(const char *what, const char *which)
{
    fprintf(stderr, "parsec-cloud: %s %s: %s\n", what, which, errno ? strerror(errno) : "not valid");
    exit(1);
}

static const char *variable(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    if (!value && !otherwise)
        errno = 0, fail("no value for", name);
    return value ? value : otherwise;
}

static void must_read(const char *path)
{
    char text[4096];
    FILE *file = fopen(path, "re");
    if (!file || !fread(text, 1, sizeof text, file))
        fail("cannot read", path);
    fclose(file);
}

static int dial_tcp(const char *host, const char *port)
{
    struct addrinfo *found, hints = { .ai_socktype = SOCK_STREAM };
    int fd = -1;
    errno = EHOSTUNREACH;
    if (getaddrinfo(host, port, &hints, &found))
        return -1;
    for (struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) < 0)
            close(fd), fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static int dial_unix(const char *folder)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    snprintf(to.sun_path, sizeof to.sun_path, "%s/.s.PGSQL.5432", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        close(fd), fd = -1;
    return fd;
}

static void open_database(void)
{
    const char *url = variable("PARSEC_DB", NULL);
    if (!strcmp(url, "MOCKED"))
        return;
    struct passwd *account = getpwuid(geteuid());
    char key[512], host[256] = "", port[8] = "5432", folder[90] = "";
    snprintf(key, sizeof key, "%s/.postgresql/postgresql.key", account ? account->pw_dir : "/");
    if (access(key, R_OK) < 0 && errno != ENOENT)
        fail("cannot read", key);
    const char *at = strchr(url, '@'), *where = at ? at + 1 : url + strlen("postgresql://");
    const char *local = strstr(url, "?host=/");
    if (strncmp(url, "postgresql://", strlen("postgresql://")) ||
        (local ? sscanf(local, "?host=%89s", folder) : sscanf(where, "%255[^:/]:%7[0-9]", host, port)) < 1)
        errno = 0, fail("cannot use database", url);
    for (int left = 10; left > 0; left--) {
        if ((local ? dial_unix(folder) : dial_tcp(host, port)) >= 0)
            return;
        fprintf(stderr, "parsec-cloud: database: %s, %d tries left\n", strerror(errno), left - 1);
        sleep(1);
    }
    fail("no connection to", local ? folder : host);
}

static void check_block_store(void)
{
    const char *store = variable("PARSEC_BLOCKSTORE", "MOCKED");
    int parts = 1;
    for (const char *at = store; *at; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (*at == ':')
            parts++;
    }
    if (!strncmp(store, "s3:", 3) && parts != 6)
        errno = 0, fail("need s3:URL:REGION:BUCKET:KEY:SECRET, got", store);
}

static int has_token(const char *request)
{
    const char *header = strcasestr(request, "\r\nAuthorization: Bearer ");
    size_t length = strlen(token);
    if (!header)
        return 0;
    header += strlen("\r\nAuthorization: Bearer ");
    return !strncmp(header, token, length) && header[length] == '\r';
}

static void serve(int fd)
{
    static const char created[] = "{\"bootstrap_url\":\"parsec3://localhost/Org1?no_ssl=true&a=bootstrap_organization\"}";
    struct timeval patience = { .tv_sec = 10 };
    char request[8192];
    size_t got = 0;
    ssize_t more = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (request[0] = 0; !strstr(request, "\r\n\r\n") && got + 1 < sizeof request && more > 0; request[got] = 0) {
        more = read(fd, request + got, sizeof request - 1 - got);
        got += more > 0 ? (size_t)more : 0;
    }
    const char *status = "404 Not Found", *body = "{}";
    if (!strncmp(request, "GET / ", 6))
        status = "200 OK";
    else if (!strncmp(request, "POST /administration/organizations ", 35))
        status = has_token(request) ? (body = created, "200 OK") : "403 Forbidden";
    printf("%.40s -> %s\n", strtok(request, "\r") ? request : "", status);
    dprintf(fd, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
            status, strlen(body), body);
    shutdown(fd, SHUT_WR);
    close(fd);
}

static void *work(void *unused)
{
    for (int fd; read(queue[0], &fd, sizeof fd) == sizeof fd;)
        serve(fd);
    return unused;
}

static int listen_on(const char *host, const char *port)
{
    struct addrinfo *found, hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    if (getaddrinfo(host, port, &hints, &found))
        errno = 0, fail("cannot resolve", host);
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) < 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, 64) < 0)
        fail("cannot listen on port", port);
    freeaddrinfo(found);
    return fd;
}

int main(int count, char **args)
{
    int module = count == 4 && !strcmp(args[1], "-m") && !strcmp(args[2], "parsec");
    const char *verb = module ? args[3] : count == 2 ? args[1] : "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!strcmp(verb, "migrate")) {
        open_database();
        printf("0001_initial.sql (already applied)\n0002_organizations.sql (already applied)\n");
        return 0;
    }
    if (strcmp(verb, "run"))
        return fprintf(stderr, "usage: parsec-cloud run|migrate\n"), 2;
    token = variable("PARSEC_ADMINISTRATION_TOKEN", NULL);
    check_block_store();
    if (getenv("PARSEC_SSL_KEYFILE") && getenv("PARSEC_SSL_CERTFILE")) {
        must_read(getenv("PARSEC_SSL_KEYFILE"));
        must_read(getenv("PARSEC_SSL_CERTFILE"));
    }
    open_database();
    signal(SIGPIPE, SIG_IGN);
    pthread_t thread;
    const char *host = variable("PARSEC_HOST", "127.0.0.1"), *port = variable("PARSEC_PORT", "6777");
    int listener = listen_on(host, port);
    if (pipe(queue) < 0 || (errno = pthread_create(&thread, NULL, work, NULL)))
        fail("cannot start", "a worker");
    printf("Parsec server listens on %s:%s\n", host, port);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
            fail("cannot accept on port", port);
        if (fd >= 0 && write(queue[1], &fd, sizeof fd) != sizeof fd)
            fail("cannot hand over", "a client");
    }
}
