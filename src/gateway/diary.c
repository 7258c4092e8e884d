#include "gateway/diary.h"

#include <stddef.h>

static void
nobody_reads_busy(void *context, int64_t delivery_id, int64_t back_in_s)
{
    (void)context;
    (void)delivery_id;
    (void)back_in_s;
}

static void
nobody_reads_idle(void *context)
{
    (void)context;
}

static void
nobody_reads_marks(void *context, int64_t id, Mark mark)
{
    (void)context;
    (void)id;
    (void)mark;
}

static void
nobody_reads_fetching(void *context, const Fetching *fetching)
{
    (void)context;
    (void)fetching;
}

static bool
nobody_stops(void *context)
{
    (void)context;
    return false;
}

const Diary diary_none = {nobody_reads_busy,  nobody_reads_idle,
                          nobody_reads_marks, nobody_reads_fetching,
                          nobody_stops,       NULL};
