#include "gateway/template_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"

enum { FILE_MAX_BYTES = 64 * 1024 };

/* Where the files of one language of one set are. */
typedef struct {
    const char *directory;
    const char *set; /* "" = the common one */
    const char *language;
    GPtrArray *partials; /* char *: texts that were handed out */
} Folder;

static bool
refuse(GError **error, const char *path, const char *fault)
{
    failure_set(error, FAILURE_CONFIG, "%s: %s", path, fault);
    return false;
}

/* The bytes of an open file; NULL if it is too large, binary or unreadable. */
static char *
read_text(int fd, const char *path, GError **error)
{
    g_autofree char *text = g_malloc0(FILE_MAX_BYTES + 2);
    size_t length = 0;
    while (length <= FILE_MAX_BYTES) {
        ssize_t n = read(fd, text + length, FILE_MAX_BYTES + 1 - length);
        if (n == 0)
            break;
        if (n > 0)
            length += (size_t)n;
        else if (errno != EINTR)
            return refuse(error, path, g_strerror(errno)), NULL;
    }
    if (length > FILE_MAX_BYTES)
        return refuse(error, path, "is larger than 64 KiB"), NULL;
    if (strlen(text) != length)
        return refuse(error, path, "holds a NUL byte; it is no text"), NULL;
    return g_steal_pointer(&text);
}

/* ret_text is NULL, and that is success, if there is no such file. */
static bool
read_file(const char *path, char **ret_text, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno != ENOENT)
        return refuse(error, path, g_strerror(errno));
    *ret_text = NULL;
    if (fd < 0)
        return true;
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return refuse(error, path, "is not a regular file");
    }
    *ret_text = read_text(fd, path, error);
    close(fd);
    return *ret_text != NULL;
}

static char *
path_of(const Folder *folder, const char *set, const char *name)
{
    g_autofree char *file = g_strconcat(name, ".txt", NULL);
    return g_build_filename(folder->directory, set, folder->language, file,
                            NULL);
}

static bool
is_name(const char *name)
{
    return name[0] != '\0' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
               strlen(name);
}

/* For template_parse(): a partial of this set, else the common one. */
static const char *
find_partial(void *context, const char *name)
{
    const Folder *folder = context;
    const char *const places[] = {folder->set, ""};
    for (size_t i = 0; i < G_N_ELEMENTS(places) && is_name(name); i++) {
        g_autofree char *path = path_of(folder, places[i], name);
        char *text = NULL;
        if (read_file(path, &text, NULL) && text != NULL) {
            g_ptr_array_add(folder->partials, text);
            return text;
        }
    }
    return NULL;
}

static bool
load_file(TemplateSet *templates, Folder *folder, TemplateName name,
          GError **error)
{
    g_autofree char *path = path_of(folder, folder->set, template_name(name));
    g_autofree char *text = NULL;
    if (!read_file(path, &text, error))
        return false;
    if (text == NULL)
        return true;
    g_autoptr(Template) parsed =
        template_parse(path, text, find_partial, folder, error);
    if (parsed == NULL || !template_suits(parsed, name, error))
        return false;
    template_set_add(templates, folder->set, folder->language, name,
                     g_steal_pointer(&parsed));
    return true;
}

static bool
load_language(TemplateSet *templates, const char *directory, const char *set,
              const char *language, GError **error)
{
    g_autoptr(GPtrArray) partials = g_ptr_array_new_with_free_func(g_free);
    Folder folder = {directory, set, language, partials};
    for (int name = 0; name < TEMPLATE_COUNT; name++)
        if (!load_file(templates, &folder, (TemplateName)name, error))
            return false;
    return true;
}

static bool
load_set(TemplateSet *templates, const char *directory, const char *set,
         GError **error)
{
    g_autofree char *path = g_build_filename(directory, set, NULL);
    g_autoptr(GError) cause = NULL;
    g_autoptr(GDir) folders = g_dir_open(path, 0, &cause);
    if (folders == NULL)
        return refuse(error, path, cause->message);
    const char *language = NULL;
    while ((language = g_dir_read_name(folders)) != NULL) {
        g_autofree char *folder = g_build_filename(path, language, NULL);
        if (is_name(language) && g_file_test(folder, G_FILE_TEST_IS_DIR) &&
            !load_language(templates, directory, set, language, error))
            return false;
    }
    return true;
}

TemplateSet *
template_files_load(const char *directory, const char *const *sets,
                    GError **error)
{
    g_autoptr(TemplateSet) templates = template_set_new();
    if (!load_set(templates, directory, "", error))
        return NULL;
    for (size_t i = 0; sets != NULL && sets[i] != NULL; i++)
        if (sets[i][0] != '\0' &&
            !load_set(templates, directory, sets[i], error))
            return NULL;
    if (!template_set_check(templates, error)) {
        g_prefix_error(error, "%s: ", directory);
        return NULL;
    }
    return g_steal_pointer(&templates);
}
