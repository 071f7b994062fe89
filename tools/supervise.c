#include "tools/supervise.h"

#include "tools/cli.h"
#include "tools/folder.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// ---- sweeping

// A linker that was killed along may still be writing for a moment.
static void sweep(const char *folder, pid_t child)
{
    char prefix[32];
    snprintf(prefix, sizeof prefix, ".lg-%ld-", (long)child);
    for (int attempt = 0; attempt < 20 && !lg_folder_sweep(folder, prefix, ""); attempt++)
        nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
}

static void sweep_beside(const char *output, pid_t child)
{
    if (!output || strcmp(output, "-") == 0)
        return;
    char *target = realpath(output, NULL); // a link: temporaries lie where it points
    const char *path = target ? target : output, *slash = strrchr(path, '/');
    struct stat about;
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (folder)
        sweep(folder, child);
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        sweep(path, child);
    free(folder);
    free(target);
}

static void sweep_all(const char *const *outputs, int count, pid_t child)
{
    const char *temporary = getenv("TMPDIR");
    sweep(temporary && *temporary ? temporary : "/tmp", child);
    for (int i = 0; i < count; i++)
        sweep_beside(outputs[i], child);
}

// ---- the two processes

// Passes signals on until the child has ended.
static int wait_for(pid_t child, const sigset_t *signals)
{
    for (;;) {
        siginfo_t info;
        int status;
        if (sigwaitinfo(signals, &info) < 0)
            continue;
        if (info.si_signo != SIGCHLD)
            kill(child, info.si_signo);
        else if (waitpid(child, &status, WNOHANG) == child)
            return status;
    }
}

// Ends as the child did, so that a shell sees the signal.
static int die_by(int number)
{
    bool meant = number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGPIPE;
    if (number == SIGKILL)
        fprintf(stderr, "lgpnc: error: killed; if nobody did that, memory ran out\n");
    else if (!meant)
        fprintf(stderr, "lgpnc: error: ended by %s, which is a fault of lgpnc\n",
                strsignal(number));
    if (meant) {
        signal(number, SIG_DFL);
        raise(number);
    }
    return LG_EXIT_INPUT;
}

int lg_supervise(const char *output, int (*work)(void *context), void *context)
{
    return lg_supervise_all(&output, 1, work, context);
}

int lg_supervise_all(const char *const *outputs, int count, int (*work)(void *context),
                     void *context)
{
    sigset_t signals, before;
    sigemptyset(&signals);
    const int passed[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        sigaddset(&signals, passed[i]);
    fflush(NULL);
    sigprocmask(SIG_BLOCK, &signals, &before);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        sigprocmask(SIG_SETMASK, &before, NULL);
        exit(work(context));
    }
    int status = child > 0 ? wait_for(child, &signals) : 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (child < 0) // no second process to be had
        return work(context);
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    sweep_all(outputs, count, child);
    return die_by(WTERMSIG(status));
}
