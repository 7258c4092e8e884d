#include "chance.h"

uint64_t
chance_next(Chance *chance)
{
    uint64_t x = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

Chance
chance_for(uint64_t seed, uint64_t index, ChanceOf of)
{
    Chance chance = {seed};
    chance.state = chance_next(&chance) ^ (index * 8 + (uint64_t)of);
    chance.state = chance_next(&chance);
    return chance;
}

/* The bias of the remainder is below 2^-40 for what we ask. */
uint64_t
chance_below(Chance *chance, uint64_t limit)
{
    return chance_next(chance) % limit;
}
