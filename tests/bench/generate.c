/*
 * usage: generate [-s SEED] [-f FIRST] -n COUNT (PACK | -d DIRECTORY)
 *
 * Write the mails of mails.h, as one pack or as files NUMBER.eml, and print
 * how many and how large they are: count, median, mean, largest octets.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mails.h"
#include "pack.h"

typedef struct {
    uint64_t seed;
    uint64_t first;
    uint64_t count;
    bool directory;
    const char *path;
} Options;

static void
usage(void)
{
    fputs("usage: generate [-s SEED] [-f FIRST] -n COUNT (PACK | -d "
          "DIRECTORY)\n",
          stderr);
    exit(2);
}

static Options
read_options(int argc, char **argv)
{
    Options options = {.seed = 1};
    for (int c; (c = getopt(argc, argv, "s:f:n:d:")) != -1;) {
        switch (c) {
        case 's':
            options.seed = strtoull(optarg, NULL, 10);
            break;
        case 'f':
            options.first = strtoull(optarg, NULL, 10);
            break;
        case 'n':
            options.count = strtoull(optarg, NULL, 10);
            break;
        case 'd':
            options.directory = true;
            options.path = optarg;
            break;
        default:
            usage();
        }
    }
    if (!options.directory)
        options.path = argv[optind++];
    if (options.count == 0 || options.path == NULL || optind != argc)
        usage();
    return options;
}

static FILE *
open_or_die(const char *path)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    return file;
}

static void
close_or_die(FILE *file, const char *path)
{
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed) {
        perror(path);
        exit(1);
    }
}

static void
write_file(const Options *options, uint64_t index, const BenchMail *mail)
{
    g_autofree char *path =
        g_strdup_printf("%s/%" G_GUINT64_FORMAT ".eml", options->path, index);
    FILE *file = open_or_die(path);
    fwrite(mail->bytes->str, 1, mail->bytes->len, file);
    close_or_die(file, path);
}

static int
compare(gconstpointer a, gconstpointer b)
{
    gsize x = *(const gsize *)a, y = *(const gsize *)b;
    return (x > y) - (x < y);
}

static void
print_sizes(GArray *sizes)
{
    double sum = 0;
    g_array_sort(sizes, compare);
    for (guint i = 0; i < sizes->len; i++)
        sum += (double)g_array_index(sizes, gsize, i);
    printf("%u %" G_GSIZE_FORMAT " %.0f %" G_GSIZE_FORMAT "\n", sizes->len,
           g_array_index(sizes, gsize, sizes->len / 2), sum / sizes->len,
           g_array_index(sizes, gsize, sizes->len - 1));
}

int
main(int argc, char **argv)
{
    Options options = read_options(argc, argv);
    g_autoptr(GArray) sizes = g_array_new(FALSE, FALSE, sizeof(gsize));
    FILE *pack = options.directory ? NULL : open_or_die(options.path);
    for (uint64_t i = 0; i < options.count; i++) {
        g_autoptr(BenchMail) mail =
            bench_mail_new(options.seed, options.first + i);
        g_array_append_val(sizes, mail->bytes->len);
        if (pack != NULL)
            pack_write(pack, mail->sender, mail->bytes);
        else
            write_file(&options, options.first + i, mail);
    }
    if (pack != NULL)
        close_or_die(pack, options.path);
    print_sizes(sizes);
    return 0;
}
