/* Stand-in for the Parsec key service: the same footprint, no cryptography.
 *
 *   parsec --config FILE
 *
 * What it shares with the real program, because hardening can break it:
 *   - Type=notify spoken by hand, SIGHUP reloads, SIGTERM stops;
 *   - refuses to run as root (`allow_root = true` in its configuration lifts that);
 *   - its socket gets mode 0666 by chmod, so that only the folder guards it;
 *   - clients are told apart by SO_PEERCRED, by a name they send, or by a SPIFFE id, as `auth_type` says;
 *   - key material NAME.psa_its goes to the working directory, mappings to a folder named after the
 *     client in URL-safe base64 below `store_path`, both with the modes that the umask leaves;
 *   - it takes an activated socket without making it non-blocking, and takes it again on reload.
 *
 * One request a line: `as CLIENT` (no answer), `ping`, `generate NAME`, `sign NAME`, `list`. Each answer is
 * `status N TEXT`: 0 success, 11 authentication failed, 1138 no such key, 1139 key exists, 1140 storage failed.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 4, OVERFLOW_UID = 65534 };

static char socket_path[108], auth_type[32], store_path[256], endpoint[108], allow_root[8];
static volatile sig_atomic_t stop_wanted, reload_wanted;
static int queue[2];

static void say(const char *level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    flockfile(stdout);
    printf("[%s parsec] ", level);
    vprintf(format, args);
    putchar('\n');
    funlockfile(stdout);
    va_end(args);
}

static _Noreturn void fail(const char *what, const char *which)
{
    say("ERROR", "%s %s: %s", what, which, strerror(errno));
    exit(1);
}

static void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    if (!path || strlen(path) >= sizeof to.sun_path)
        return;
    strcpy(to.sun_path, path);
    if (path[0] == '@')
        to.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (fd < 0 || sendto(fd, state, strlen(state), 0, (struct sockaddr *)&to, length) < 0)
        say("WARN ", "notify: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
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
    strcpy(socket_path, "/run/parsec/parsec.sock");
    strcpy(auth_type, "UnixPeerCredentials");
    strcpy(store_path, "/var/lib/parsec/mappings");
    strcpy(endpoint, "unix:///run/spire/sockets/agent.sock");
    strcpy(allow_root, "false");
    FILE *file = fopen(path, "re");
    if (!file)
        fail("cannot read configuration", path);
    while (fgets(line, sizeof line, file)) {
        setting(line, "socket_path", socket_path, sizeof socket_path);
        setting(line, "auth_type", auth_type, sizeof auth_type);
        setting(line, "store_path", store_path, sizeof store_path);
        setting(line, "workload_endpoint", endpoint, sizeof endpoint);
        setting(line, "allow_root", allow_root, sizeof allow_root);
    }
    fclose(file);
}

static int dial(const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int take_listener(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (pid && count && atoi(pid) == getpid() && atoi(count) == 1) {
        say("INFO ", "listening on the activated socket");
        return 3;
    }
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    snprintf(at.sun_path, sizeof at.sun_path, "%s", socket_path);
    unlink(socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 64) < 0)
        fail("cannot listen on", socket_path);
    if (chmod(socket_path, 0666) < 0)
        fail("cannot open to clients", socket_path);
    say("INFO ", "listening on %s", socket_path);
    return fd;
}

static void encode(const char *text, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = strlen(text);
    for (size_t at = 0; at < length; at += 3) {
        uint32_t bits = 0;
        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (at + i < length ? (unsigned char)text[at + i] : 0);
        for (size_t i = 0; i < 4; i++)
            *out++ = at + i <= length ? digits[bits >> (18 - 6 * i) & 63] : '=';
    }
    *out = 0;
}

static int authenticate(int fd, const char *claimed, char *client, size_t size)
{
    if (!strcmp(auth_type, "UnixPeerCredentials")) {
        struct ucred peer;
        socklen_t length = sizeof peer;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 || peer.uid == OVERFLOW_UID)
            return 0;
        snprintf(client, size, "%u", peer.uid);
        return !*claimed || !strcmp(claimed, client);
    }
    snprintf(client, size, "%s", claimed);
    return !strcmp(auth_type, "Direct") ? *claimed != 0 : !strncmp(claimed, "spiffe://", 9);
}

static int generate(const char *folder, const char *mapping, const char *key)
{
    unsigned char seed[32];
    if (!access(mapping, F_OK))
        return 1139;
    int random = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (random < 0 || read(random, seed, sizeof seed) != sizeof seed)
        return 1140;
    close(random);
    FILE *file = fopen(key, "wxe");
    if (!file)
        return errno == EEXIST ? 1139 : 1140;
    int written = fwrite(seed, sizeof seed, 1, file) == 1;
    if (fclose(file) || !written || (mkdir(folder, 0777) < 0 && errno != EEXIST) || !(file = fopen(mapping, "wxe")))
        return 1140;
    written = fprintf(file, "%s\n", key) > 0;
    return !fclose(file) && written ? 0 : 1140;
}

static int sign(const char *mapping, const char *key, char *signature, size_t size)
{
    uint64_t hash = 1469598103934665603u;
    FILE *file = access(mapping, R_OK) ? NULL : fopen(key, "re");
    if (!file)
        return 1138;
    for (int byte; (byte = getc(file)) != EOF;)
        hash = (hash ^ (uint64_t)byte) * 1099511628211u;
    fclose(file);
    snprintf(signature, size, "%016llx", (unsigned long long)hash);
    return 0;
}

static int list(const char *folder, char *names, size_t size)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (entry->d_name[0] != '.' && strlen(names) + strlen(entry->d_name) + 2 < size)
            strcat(strcat(names, entry->d_name), " ");
    if (entries)
        closedir(entries);
    return 0;
}

static int answer(int fd, const char *verb, const char *name, const char *claimed, char *text, size_t size)
{
    char client[128] = "", encoded[192], folder[512], mapping[640], key[128];
    if (!strcmp(verb, "ping"))
        return snprintf(text, size, "1.0"), 0;
    if (!authenticate(fd, claimed, client, sizeof client))
        return 11;
    encode(client, encoded);
    snprintf(folder, sizeof folder, "%s/%s", store_path, encoded);
    snprintf(mapping, sizeof mapping, "%s/%s", folder, name);
    snprintf(key, sizeof key, "%s.psa_its", name);
    if (!strcmp(verb, "list"))
        return list(folder, text, size);
    if (!*name || strchr(name, '/'))
        return 1138;
    return !strcmp(verb, "generate") ? generate(folder, mapping, key) : sign(mapping, key, text, size);
}

static void *work(void *unused)
{
    int fd;
    while (read(queue[0], &fd, sizeof fd) == sizeof fd) {
        char line[256], claimed[128] = "";
        FILE *in = fdopen(fd, "r");
        while (in && fgets(line, sizeof line, in)) {
            char verb[16] = "", name[101] = "", text[1024] = "";
            if (sscanf(line, "%15s %100s", verb, name) == 2 && !strcmp(verb, "as")) {
                strcpy(claimed, name);
                continue;
            }
            int status = answer(fd, verb, name, claimed, text, sizeof text);
            say("INFO ", "%s: status %d", verb, status);
            dprintf(fd, "status %d %s\n", status, text);
        }
        if (in)
            fclose(in);
    }
    return unused;
}

static void on_signal(int number)
{
    *(number == SIGHUP ? &reload_wanted : &stop_wanted) = 1;
}

int main(int count, char **args)
{
    const char *file = count == 3 && !strcmp(args[1], "--config") ? args[2] : "/etc/parsec/config.toml";
    setvbuf(stdout, NULL, _IOLBF, 0);
    configure(file);
    if (!geteuid() && strcmp(allow_root, "true"))
        return say("ERROR", "refusing to run as root"), 1;
    if (!strcmp(auth_type, "JwtSvid")) {
        const char *path = strncmp(endpoint, "unix://", 7) ? endpoint : endpoint + 7;
        if (dial(path) < 0)
            fail("cannot reach the Workload API at", path);
    }
    if (mkdir(store_path, 0777) < 0 && errno != EEXIST)
        fail("cannot make", store_path);
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (pipe2(queue, O_CLOEXEC) < 0)
        fail("cannot make", "a queue");
    for (int i = 0; i < WORKERS; i++) {
        pthread_t thread;
        if ((errno = pthread_create(&thread, NULL, work, NULL)))
            fail("cannot start", "a worker");
    }
    int listener = take_listener();
    notify("READY=1");
    say("INFO ", "Parsec is ready");
    while (!stop_wanted) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && write(queue[1], &fd, sizeof fd) != sizeof fd)
            fail("cannot hand over", "a client");
        if (fd < 0 && errno != EAGAIN && errno != EINTR)
            fail("cannot accept on", socket_path);
        if (fd < 0)
            nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
        if (reload_wanted) {
            reload_wanted = 0;
            notify("RELOADING=1");
            close(listener);
            configure(file);
            listener = take_listener();
            notify("READY=1");
            say("INFO ", "Parsec configuration reloaded");
        }
    }
    notify("STOPPING=1");
    say("INFO ", "Parsec stops");
    if (!getenv("LISTEN_FDS"))
        unlink(socket_path);
    return 0;
}
