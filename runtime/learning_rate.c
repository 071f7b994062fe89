#include "runtime/learning_rate.h"

#include <math.h>
#include <string.h>

enum { RELEASED_EPOCHS = 20, PLATEAU_PATIENCE = 5 };

static const double RELEASED_FACTOR = 0.8;
static const double PLATEAU_FACTOR = 0.1, PLATEAU_THRESHOLD = 1e-4, PLATEAU_LOWEST = 1e-6,
                    PLATEAU_SMALLEST_CHANGE = 1e-8;

static const char *const names[LG_SCHEDULES] = {
    [LG_SCHEDULE_RELEASED] = "released",
    [LG_SCHEDULE_PLATEAU] = "plateau",
    [LG_SCHEDULE_CONSTANT] = "constant",
};

const char *lg_schedule_name(lg_schedule schedule)
{
    return names[schedule];
}

lg_schedule lg_schedule_find(const char *name)
{
    int i = 0;
    while (i < LG_SCHEDULES && strcmp(names[i], name) != 0)
        i++;
    return (lg_schedule)i;
}

lg_learning_rate lg_learning_rate_new(lg_schedule schedule, double base)
{
    return (lg_learning_rate){
        .schedule = schedule, .base = base, .rate = base, .best = (double)INFINITY};
}

bool lg_learning_rate_begin_epoch(lg_learning_rate *rate, int64_t epoch)
{
    if (rate->schedule != LG_SCHEDULE_RELEASED)
        return false;
    rate->rate = epoch < RELEASED_EPOCHS ? rate->base : RELEASED_FACTOR * rate->base;
    return epoch > 0 && epoch % RELEASED_EPOCHS == 0;
}

void lg_learning_rate_validated(lg_learning_rate *rate, double loss)
{
    if (rate->schedule != LG_SCHEDULE_PLATEAU)
        return;
    if (loss < rate->best * (1 - PLATEAU_THRESHOLD)) {
        rate->best = loss;
        rate->bad_epochs = 0;
    } else {
        rate->bad_epochs++;
    }
    if (rate->bad_epochs <= PLATEAU_PATIENCE)
        return;
    double lower = fmax(rate->rate * PLATEAU_FACTOR, PLATEAU_LOWEST);
    if (rate->rate - lower > PLATEAU_SMALLEST_CHANGE)
        rate->rate = lower;
    rate->bad_epochs = 0;
}
