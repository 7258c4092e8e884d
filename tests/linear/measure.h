/*
 * Whether a reader of foreign text takes time in proportion to what it reads:
 * its own processor time on an input and on one of four times its size.
 */
#ifndef TESTS_LINEAR_MEASURE_H
#define TESTS_LINEAR_MEASURE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Reads `length` bytes, and says how many bytes it made of them. */
typedef size_t (*LinearWork)(const char *bytes, size_t length);

typedef struct {
    const char *name;
    const char *before; /* what stands around the repeated piece */
    const char *after;
    LinearWork work;
    bool is_field;     /* line ends in the piece are folds of a header field */
    size_t line_bytes; /* begin a new line behind so many; 0: never, */
    const char *line_begin; /* with this, */
    const char *line_end;   /* and end each one so */
} LinearReader;

/* What is repeated. */
typedef struct {
    char bytes[64];
    size_t length;
} LinearPiece;

typedef struct {
    double large_s; /* the best of all tries */
    double small_s; /* of `bytes` / LINEAR_TIMES; 0: not measured */
    size_t bytes;   /* of the large input */
    size_t made;    /* bytes made of them */
} LinearCost;

/* The large input is so many times the small one. */
enum { LINEAR_TIMES = 4 };

/* A reader's cost on pieces that fill `bytes`, the best of `runs`. */
LinearCost linear_measure(const LinearReader *reader, const LinearPiece *piece,
                          size_t bytes, unsigned runs);

/* Run both again, or the small one for the first time. */
void linear_measure_growth(const LinearReader *reader, const LinearPiece *piece,
                           size_t bytes, unsigned runs, LinearCost *cost);

/* How many times as long the large input took as the small one; 0: unknown. */
double linear_growth(const LinearCost *cost);

/* Milliseconds for a MiB. */
double linear_ms_per_mib(const LinearCost *cost);

/* The piece as C would write it; g_free() it. */
char *linear_show(const LinearPiece *piece);

#endif
