/* SMTP outcome, attempts and age to "again at" or "give up".
 */
#ifndef POLICY_RETRY_H
#define POLICY_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "settings/settings.h"

typedef enum {
    RETRY_SENT,  /* 2xx */
    RETRY_AGAIN, /* 4xx, or no usable answer, and there is time left */
    RETRY_FAILED /* 5xx, or too old */
} RetryVerdict;

/*
 * What a reply code means for a recipient of a mail that is `age_s` old. Codes
 * count by their first digit (RFC 5321 4.2.1); 0, no usable answer, is "again".
 */
RetryVerdict retry_judge(int code, int64_t age_s,
                         const OutboxSettings *settings);

/* Seconds to wait after the attempt number `attempts` (from 1) was refused. */
int64_t retry_wait(int64_t attempts, const OutboxSettings *settings);

#endif
