#include "policy/retry.h"

RetryVerdict
retry_judge(int code, int64_t age_s, const OutboxSettings *settings)
{
    if (code >= 200 && code < 300)
        return RETRY_SENT;
    if (code >= 500 && code < 600)
        return RETRY_FAILED;
    return age_s < settings->give_up_s ? RETRY_AGAIN : RETRY_FAILED;
}

int64_t
retry_wait(int64_t attempts, const OutboxSettings *settings)
{
    int64_t wait_s = settings->first_retry_s;
    for (int64_t i = 1; i < attempts && wait_s < settings->longest_retry_s; i++)
        wait_s *= 2;
    return wait_s < settings->longest_retry_s ? wait_s
                                              : settings->longest_retry_s;
}
