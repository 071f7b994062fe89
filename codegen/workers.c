#include "codegen/workers.h"

#include <pthread.h>
#include <unistd.h>

enum { MOST_OTHERS = 64 };

void lg_work_together(int threads, int pieces, void *(*work)(void *), void *context)
{
    long most = threads > 0 ? threads : sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t others[MOST_OTHERS];
    int started = 0;
    for (; started + 1 < most && started + 1 < pieces && started < MOST_OTHERS; started++)
        if (pthread_create(&others[started], NULL, work, context) != 0)
            break;
    work(context);
    for (int i = 0; i < started; i++)
        pthread_join(others[i], NULL);
}
