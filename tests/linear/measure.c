#include "measure.h"

#include <string.h>
#include <time.h>

static double
cpu_s(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* A line end in a field is followed by a blank, or the field would end. */
static void
append_piece(GString *to, const LinearPiece *piece, bool is_field)
{
    for (size_t i = 0; i < piece->length; i++) {
        g_string_append_c(to, piece->bytes[i]);
        if (is_field && piece->bytes[i] == '\n')
            g_string_append_c(to, ' ');
    }
}

/* What some readers look at is a line of a certain length. */
static void
end_line(const LinearReader *reader, GString *input, size_t *start)
{
    if (reader->line_bytes == 0 || input->len - *start < reader->line_bytes)
        return;
    g_string_append(input, reader->line_end);
    *start = input->len;
    g_string_append(input, reader->line_begin);
}

static GString *
make_input(const LinearReader *reader, const LinearPiece *piece, size_t bytes)
{
    GString *input = g_string_sized_new(bytes + 1024);
    g_string_append(input, reader->before);
    size_t start = input->len, end = start + bytes;
    if (reader->line_bytes > 0)
        g_string_append(input, reader->line_begin);
    while (input->len < end) {
        append_piece(input, piece, reader->is_field);
        end_line(reader, input, &start);
    }
    /* Some readers look at whether a length is odd. */
    g_string_truncate(input, end);
    g_string_append(input, reader->after);
    return input;
}

static double
best_s(const LinearReader *reader, const GString *input, unsigned runs,
       size_t *ret_made)
{
    double best = G_MAXDOUBLE;
    for (unsigned i = 0; i < runs; i++) {
        double start = cpu_s();
        *ret_made = reader->work(input->str, input->len);
        best = MIN(best, cpu_s() - start);
    }
    return best;
}

LinearCost
linear_measure(const LinearReader *reader, const LinearPiece *piece,
               size_t bytes, unsigned runs)
{
    g_autoptr(GString) input = make_input(reader, piece, bytes);
    LinearCost cost = {.bytes = input->len};
    cost.large_s = best_s(reader, input, runs, &cost.made);
    return cost;
}

void
linear_measure_growth(const LinearReader *reader, const LinearPiece *piece,
                      size_t bytes, unsigned runs, LinearCost *cost)
{
    LinearCost small =
        linear_measure(reader, piece, bytes / LINEAR_TIMES, runs);
    if (cost->small_s == 0) {
        cost->small_s = small.large_s;
        return;
    }
    LinearCost large = linear_measure(reader, piece, bytes, runs);
    cost->small_s = MIN(cost->small_s, small.large_s);
    cost->large_s = MIN(cost->large_s, large.large_s);
}

double
linear_growth(const LinearCost *cost)
{
    return cost->small_s > 0 ? cost->large_s / cost->small_s : 0;
}

double
linear_ms_per_mib(const LinearCost *cost)
{
    return cost->large_s * 1000 / ((double)cost->bytes / (1024 * 1024));
}

char *
linear_show(const LinearPiece *piece)
{
    GString *shown = g_string_new("\"");
    for (size_t i = 0; i < piece->length; i++) {
        unsigned char c = (unsigned char)piece->bytes[i];
        if (c == '\n')
            g_string_append(shown, "\\n");
        else if (c < ' ' || c == 0x7F || c == '"' || c == '\\')
            g_string_append_printf(shown, "\\x%02X", c);
        else
            g_string_append_c(shown, (char)c);
    }
    g_string_append_c(shown, '"');
    if (!g_utf8_validate(shown->str, (gssize)shown->len, NULL)) {
        g_string_truncate(shown, 1);
        for (size_t i = 0; i < piece->length; i++)
            g_string_append_printf(shown, "\\x%02X",
                                   (unsigned char)piece->bytes[i]);
        g_string_append_c(shown, '"');
    }
    return g_string_free(shown, FALSE);
}
