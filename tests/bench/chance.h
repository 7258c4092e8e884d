/*
 * Numbers that look random and are the same on every machine: splitmix64, all
 * in integers. A chance belongs to one mail and one purpose, so that any mail
 * can be made without those before it.
 */
#ifndef BENCH_CHANCE_H
#define BENCH_CHANCE_H

#include <stdint.h>

typedef struct {
    uint64_t state;
} Chance;

/* What is asked about a mail; answers to different questions are unrelated. */
typedef enum {
    CHANCE_IDENTITY,
    CHANCE_PARENT,
    CHANCE_PERSON,
    CHANCE_CONTENT
} ChanceOf;

Chance chance_for(uint64_t seed, uint64_t index, ChanceOf of);
uint64_t chance_next(Chance *chance);
/* 0 <= result < limit; limit > 0. */
uint64_t chance_below(Chance *chance, uint64_t limit);

#endif
