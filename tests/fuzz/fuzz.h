/*
 * What every fuzz target has. libFuzzer calls it with bytes of its own making;
 * in builds without it, replay.c calls it with the bytes of files. A target
 * says by g_assert() what must hold whatever the bytes are.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
