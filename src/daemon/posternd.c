#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include <gmime/gmime.h>

#include "base/failure.h"
#include "sandbox/parser.h"
#include "supervisor.h"
#include "worker.h"

static const char help[] =
    "usage: posternd [-c FILE] [-t]\n"
    "\n"
    "The mail gateway's daemon. It stays in the foreground and logs to "
    "standard\n"
    "error; run it from systemd (contrib/systemd) or any other supervisor.\n"
    "\n"
    "  -c, --settings FILE  settings (default " SETTINGS_FILE ")\n"
    "  -t, --test           check settings, files and templates, start "
    "nothing\n"
    "  -h, --help           this text\n"
    "  -V, --version        the version\n"
    "\n"
    "Signals: TERM ends it within 30 s, HUP reads the settings again, USR1 "
    "opens\n"
    "the log file again.\n"
    "Exit status: 0 ended as asked, 75 try again, 78 the settings are wrong.\n"
    "See posternd(8), postern.conf(5), postern(1).\n";

typedef struct {
    const char *file;
    const char *worker; /* posternd's own use */
    bool test;
} Options;

/* False: all is said, the program ends with *ret_status. */
static bool
read_options(int argc, char **argv, Options *ret_options, int *ret_status)
{
    static const struct option known[] = {
        {"settings", required_argument, NULL, 'c'},
        {"test", no_argument, NULL, 't'},
        {"worker", required_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "c:thV", known, NULL)) != -1) {
        switch (option) {
        case 'c':
            ret_options->file = optarg;
            break;
        case 't':
            ret_options->test = true;
            break;
        case 'w':
            ret_options->worker = optarg;
            break;
        case 'h':
            fputs(help, stdout);
            *ret_status = EX_OK;
            return false;
        case 'V':
            puts("posternd " POSTERN_VERSION);
            *ret_status = EX_OK;
            return false;
        default:
            *ret_status = EX_USAGE;
            return false;
        }
    }
    if (optind == argc)
        return true;
    fprintf(stderr, "posternd: unexpected argument '%s'; see --help\n",
            argv[optind]);
    *ret_status = EX_USAGE;
    return false;
}

/* Descriptors 0 to 2 are always open, so that no socket becomes one of them. */
static void
open_standard_descriptors(void)
{
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = dup(fd);
    if (fd > STDERR_FILENO)
        close(fd);
}

/* Workers and parsers are /proc/self/exe executed: top(1), pgrep(1) and a
 * kernel that runs out of memory would call them "exe". */
static void
name_process(void)
{
    prctl(PR_SET_NAME, "posternd");
}

static int
test_settings(const Settings *settings)
{
    g_autoptr(GError) error = NULL;
    if (!supervisor_check(settings, &error)) {
        fprintf(stderr, "posternd: %s\n", error->message);
        return failure_exit_status(error);
    }
    printf("posternd: %s is good\n", settings->file);
    return EX_OK;
}

int
main(int argc, char **argv)
{
    Options options = {.file = SETTINGS_FILE};
    int status;
    open_standard_descriptors();
    name_process();
    signal(SIGPIPE, SIG_IGN);
    if (argc == 2 && strcmp(argv[1], PARSER_ARGUMENT) == 0) {
        g_mime_init();
        return parser_child_run(mail_parse);
    }
    if (!read_options(argc, argv, &options, &status))
        return status;
    if (options.worker != NULL) {
        g_mime_init();
        return worker_run(options.worker, options.file);
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(Settings) settings = settings_load(options.file, &error);
    if (settings == NULL) {
        fprintf(stderr, "posternd: %s\n", error->message);
        return failure_exit_status(error);
    }
    if (options.test)
        return test_settings(settings);
    log_open("supervisor");
    return supervisor_run(options.file, g_steal_pointer(&settings));
}
