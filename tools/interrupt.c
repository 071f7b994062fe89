#include "tools/interrupt.h"

#include "runtime/threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const double SECONDS_OF_ONE_REQUEST = 0.5;

static sigset_t watched(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

static void end_by(int number, const sigset_t *set)
{
    signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, set, NULL);
    raise(number);
}

static void *watch(void *context)
{
    lg_interrupt *interrupt = context;
    sigset_t set = watched();
    double first = 0;
    for (;;) {
        int number;
        if (sigwait(&set, &number) != 0)
            continue;
        if (!atomic_load(&interrupt->graceful))
            end_by(number, &set);
        if (!atomic_load(&interrupt->asked)) {
            first = lg_now();
            atomic_store(&interrupt->asked, number);
            fputs(interrupt->reply, stderr);
        } else if (lg_now() - first > SECONDS_OF_ONE_REQUEST) {
            end_by(number, &set);
        }
    }
    return NULL;
}

bool lg_interrupt_start(lg_interrupt *interrupt, const char *reply)
{
    pthread_t thread;
    sigset_t set = watched(), before;
    *interrupt = (lg_interrupt){.reply = reply};
    pthread_sigmask(SIG_BLOCK, &set, &before);
    if (pthread_create(&thread, NULL, watch, interrupt) == 0) {
        pthread_detach(thread);
        return true;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return false;
}

void lg_interrupt_be_graceful(lg_interrupt *interrupt)
{
    atomic_store(&interrupt->graceful, true);
}

int lg_interrupt_asked(lg_interrupt *interrupt)
{
    return atomic_load(&interrupt->asked);
}
