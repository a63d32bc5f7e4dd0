/* Stand-in for ScarletDME's `qm`: the same footprint, no database.
 *
 *   qm -start | -stop | -N [-Q] | -a
 *
 * What it shares with the real program, because hardening can break it:
 *   - -start and -stop need geteuid() == 0; -start forks the daemon and leaves PIDFILE= behind; an unknown
 *     key in its configuration stops it from starting;
 *   - daemon and sessions meet in SysV shared memory and a semaphore of fixed keys and mode 0666;
 *   - -stop signals daemon and sessions, which by then have other uids (CAP_KILL);
 *   - -N, for QMClient with -Q, is a session on an accepted socket: the peer is read as IPv4 whatever it is, the
 *     password is checked against /etc/shadow without PAM, then setgid and setuid, never setgroups;
 *   - `sh` forks and ignores a refused execv: the child goes on as a second copy of the session.
 *
 * -a says who is attached, from a shell. A session takes user name and password, a line each, then the
 * commands `id`, `sh COMMAND`, `write NAME` (a file below the database's folder) and `quit`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SHM_KEY = 0x716d0101, SEM_KEY = 0x716d0102, SESSIONS = 32 };

struct table {
    pid_t daemon;
    pid_t sessions[SESSIONS];
};

static const char *const known_keys[] = {
    "CMDSTACK", "CODEPAGE", "DEADLOCK", "DEBUG", "DUMPDIR", "ERRLOG", "EXCLREM", "FDS", "FILERULE", "FIXUSERS",
    "FLTDIFF", "GDI", "GRPSIZE", "INTPREC", "JNLDIR", "JNLMODE", "LPTRHIGH", "LPTRWIDE", "MAXCALL", "MAXIDLEN",
    "MUSTLOCK", "NETFILES", "NETWAIT", "NUMFILES", "NUMLOCKS", "NUMUSERS", "OBJECTS", "OBJMEM", "PDUMP", "PIDFILE",
    "PORTMAP", "PWDELAY", "QMCLIENT", "QMSYS", "RECCACHE", "RINGWAIT", "SAFEDIR", "SH", "SH1", "SORTMEM", "SORTMRG",
    "SORTWORK", "SPOOLER", "STARTUP", "TEMPDIR", "TERMINFO", "TXCHAR", "YEARBASE",
};
static char pid_file[256] = "/var/run/scarletdme.pid", folder[256] = "/usr/qmsys", shell[256] = "/bin/sh";

static int fail(const char *what)
{
    fprintf(stderr, "qm: %s: %s\n", what, strerror(errno));
    return 1;
}

static int configure(void)
{
    const char *path = getenv("SCARLET_CONFIG");
    char line[512], key[64], value[256];
    FILE *file = fopen(path ? path : "/etc/scarlet.conf", "re");
    if (!file)
        return fail("cannot read configuration"), 0;
    while (fgets(line, sizeof line, file)) {
        size_t known = 0, keys = sizeof known_keys / sizeof *known_keys;
        if (sscanf(line, "%63[^=#[\n]=%255[^ \n]", key, value) != 2)
            continue;
        while (known < keys && strcmp(known_keys[known], key))
            known++;
        if (known == keys)
            return fprintf(stderr, "Unrecognised configuration parameter %s\n", key), 0;
        char *into = !strcmp(key, "PIDFILE") ? pid_file : !strcmp(key, "QMSYS") ? folder : !strcmp(key, "SH") ? shell : NULL;
        if (into)
            strcpy(into, value);
    }
    return fclose(file), 1;
}

static struct table *attach(void)
{
    int shm = shmget(SHM_KEY, sizeof(struct table), 0);
    void *memory = shm < 0 ? (void *)-1 : shmat(shm, NULL, 0);
    return memory == (void *)-1 ? NULL : memory;
}

static int lock(short change)
{
    struct sembuf operation = { .sem_op = change, .sem_flg = SEM_UNDO };
    int sem = semget(SEM_KEY, 1, 0);
    return sem < 0 ? -1 : semop(sem, &operation, 1);
}

static volatile sig_atomic_t stop_wanted;

static void on_stop(int number)
{
    stop_wanted = number;
}

static void serve_as_daemon(int shm, int sem)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_BLOCK, &all, NULL);
    sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_stop }, NULL);
    setsid();
    while (!stop_wanted)
        sigsuspend(&none);
    shmctl(shm, IPC_RMID, NULL);
    semctl(sem, 0, IPC_RMID);
    unlink(pid_file);
}

static int start(void)
{
    int shm = shmget(SHM_KEY, sizeof(struct table), IPC_CREAT | IPC_EXCL | 0666);
    int sem = shm < 0 ? -1 : semget(SEM_KEY, 1, IPC_CREAT | 0666);
    if (sem < 0 || semctl(sem, 0, SETVAL, 1) < 0)
        return fail("cannot make shared memory and semaphore");
    struct table *table = attach();
    FILE *file = table ? fopen(pid_file, "we") : NULL;
    pid_t daemon = file ? fork() : -1;
    if (daemon == 0) {
        serve_as_daemon(shm, sem);
        return 0;
    }
    if (daemon < 0) {
        fail(pid_file);
        shmctl(shm, IPC_RMID, NULL);
        semctl(sem, 0, IPC_RMID);
        return 1;
    }
    table->daemon = daemon;
    fprintf(file, "%d\n", daemon);
    fclose(file);
    puts("ScarletDME has been started");
    return 0;
}

static int stop(void)
{
    int failed = 0;
    struct table *table = attach();
    if (!table)
        return fail("ScarletDME is not active");
    for (int i = 0; i < SESSIONS; i++)
        if (table->sessions[i] && kill(table->sessions[i], SIGTERM) < 0 && errno != ESRCH)
            failed = fail("cannot stop a session");
    if (kill(table->daemon, SIGTERM) < 0)
        failed = fail("cannot stop the daemon");
    return failed;
}

static int log_in(const char *user, const char *password)
{
    char line[512];
    struct passwd *account = getpwnam(user);
    FILE *file = fopen("/etc/shadow", "re");
    if (!file || !account)
        return fail(file ? "no such user" : "cannot read /etc/shadow"), 0;
    while (fgets(line, sizeof line, file)) {
        char *rest = line, *name = strsep(&rest, ":"), *hash = strsep(&rest, ":");
        if (strcmp(name, user) || !hash)
            continue;
        int usable = !strncmp(hash, "$1$", 3) || !strncmp(hash, "$6$", 3) || !strncmp(hash, "$y$", 3);
        const char *computed = usable ? crypt(password, hash) : NULL;
        fclose(file);
        if (!computed || strcmp(computed, hash))
            return 0;
        return setgid(account->pw_gid) == 0 && setuid(account->pw_uid) == 0 ? 1 : (fail("cannot become the user"), 0);
    }
    return fclose(file), 0;
}

static int ask(const char *prompt, char *line, int size)
{
    printf("%s", prompt);
    fflush(stdout);
    if (!fgets(line, size, stdin))
        return 0;
    line[strcspn(line, "\r\n")] = 0;
    return 1;
}

static void print_identity(void)
{
    gid_t groups[64];
    int count = getgroups(64, groups);
    printf("uid %u gid %u groups", getuid(), getgid());
    for (int i = 0; i < count; i++)
        printf(" %u", groups[i]);
    putchar('\n');
}

static void run_shell(char *command)
{
    char *args[] = { shell, "-c", command, NULL };
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execv(shell, args);
        return;
    }
    waitpid(child, NULL, 0);
}

static void write_file(const char *name)
{
    FILE *file = strchr(name, '/') ? NULL : fopen(name, "we");
    int failed = !file || fprintf(file, "written by %u\n", getuid()) < 0 || fclose(file);
    printf("write %s: %s\n", name, failed ? strerror(errno) : "done");
}

static int session(void)
{
    struct sockaddr_in peer = { 0 };
    socklen_t length = sizeof peer;
    char address[INET_ADDRSTRLEN], user[64], password[128], line[256];
    int slot = 0;
    getpeername(STDIN_FILENO, (struct sockaddr *)&peer, &length);
    fprintf(stderr, "session from %s\n", inet_ntop(AF_INET, &peer.sin_addr, address, sizeof address));
    struct table *table = attach();
    if (!table || lock(-1) < 0)
        return fail("ScarletDME has not been started");
    while (slot < SESSIONS && table->sessions[slot])
        slot++;
    if (slot < SESSIONS)
        table->sessions[slot] = getpid();
    lock(1);
    if (slot == SESSIONS || chdir(folder) < 0)
        return fail("no room for a session");
    if (!ask("login: ", user, sizeof user) || !ask("password: ", password, sizeof password) || !log_in(user, password)) {
        puts("Invalid login");
    } else {
        while (ask(": ", line, sizeof line) && strcmp(line, "quit")) {
            if (!strcmp(line, "id"))
                print_identity();
            else if (!strncmp(line, "sh ", 3))
                run_shell(line + 3);
            else if (!strncmp(line, "write ", 6))
                write_file(line + 6);
            else
                printf("%s: unknown command\n", line);
        }
    }
    table->sessions[slot] = 0;
    return 0;
}

int main(int count, char **args)
{
    int for_client = count == 3 && !strcmp(args[2], "-Q");
    const char *verb = count == 2 || for_client ? args[1] : "";
    int administers = !strcmp(verb, "-start") || !strcmp(verb, "-stop");
    if (!configure())
        return 1;
    if (administers && geteuid())
        return fprintf(stderr, "qm: only root may do that\n"), 1;
    if (administers)
        return !strcmp(verb, "-start") ? start() : stop();
    if (!strcmp(verb, "-N"))
        return session();
    if (strcmp(verb, "-a"))
        return fprintf(stderr, "usage: qm -start|-stop|-N [-Q]|-a\n"), 2;
    struct table *table = attach();
    return table ? printf("1 QMSYS, daemon %d\n", table->daemon) < 0 : fail("ScarletDME has not been started");
}
