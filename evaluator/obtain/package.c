/* A package on disk, and fetching one: the folder .obtain inside of the data set's folder, which is
 * locked meanwhile, so that what is found there is left of a process that was killed. */
#include "evaluator/obtain/obtain_internal.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evaluator/datasets/datasets.h"
#include "evaluator/program/program.h"

/* Folders inside of packages that the files may be in. */
static const char *const inside[] = {"", "package/", "data/", "package/data/"};
enum { INSIDE = sizeof inside / sizeof inside[0] };
static const size_t LARGEST_FILE = (size_t)256 << 20; /* of a package, unpacked */

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum dse_status read_in_folder(const char *folder, const char *name, struct dse_buf *out,
                                      struct dse_err *err) {
    struct dse_buf path = {0};
    size_t length = strlen(name);
    int bare = length > 3 && strcmp(name + length - 3, ".gz") == 0 ? (int)length - 3 : (int)length;
    bool found = false;
    for (int i = 0; i < 2 * INSIDE && !found; i++) { /* packed or not, whatever its name says */
        dse_buf_reset(&path);
        dse_buf_printf(&path, "%s/%s%.*s%s", folder, inside[i / 2], bare, name,
                       i % 2 == 0 ? "" : ".gz");
        found = !path.failed && access(path.data, F_OK) == 0;
    }
    enum dse_status status = dse_buf_status(&path, err);
    if (status == DSE_OK && !found)
        status = dse_err_set(err, DSE_NOT_FOUND, "%s: no file %s in it", folder, name);
    if (status == DSE_OK)
        status = dse_dataset_unpack(path.data, NULL, LARGEST_FILE, out, err);
    dse_buf_fini(&path);
    return status;
}

enum dse_status obtain__read(const char *package, const char *name, struct dse_buf *out,
                             struct dse_err *err) {
    if (is_folder(package))
        return read_in_folder(package, name, out, err);
    return dse_dataset_unpack(package, name, LARGEST_FILE, out, err);
}

static enum dse_status name_folder(const struct dse_obtain_request *request, struct dse_buf *path,
                                   struct dse_err *err) {
    dse_buf_printf(path, "%s/.obtain", request->dir);
    return dse_buf_status(path, err);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk) {
    (void)st;
    (void)kind;
    (void)walk;
    return remove(path);
}

void obtain__forget(const struct dse_obtain_request *request) {
    enum { DESCRIPTORS = 16 };
    struct dse_buf path = {0};
    if (name_folder(request, &path, NULL) == DSE_OK)
        (void)nftw(path.data, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    dse_buf_fini(&path);
}

static void show_waiting(void *context) {
    const struct dse_obtain_request *request = context;
    if (request->progress != NULL)
        request->progress(request->context, request->set->package, 0, 0);
}

static enum dse_status run_script(const struct dse_obtain_request *request, const char *folder,
                                  struct dse_err *err) {
    const double HOURS = 6.0, HOUR_S = 3600.0; /* for the slowest of networks */
    const char *command[] = {"sh", "-c", request->set->script};
    struct dse_obtain_request copy = *request;
    struct dse_program_options options = {.command = command,
                                          .n_command = 3,
                                          .directory = folder,
                                          .timeout_s = HOURS * HOUR_S,
                                          .waiting = show_waiting,
                                          .context = &copy};
    struct dse_program *program = NULL;
    struct dse_buf nothing = {0}, answer = {0};
    enum dse_status status = dse_program_new(&options, &program, err);
    if (status == DSE_OK)
        status = dse_program_ask(program, &nothing, &answer, err);
    dse_program_free(program);
    dse_buf_fini(&answer);
    return status;
}

static enum dse_status fetch_into(const struct dse_obtain_request *request, const char *folder,
                                  struct dse_err *err) {
    struct dse_err why = {0};
    obtain__forget(request);
    DSE_TRY(dse_dir_create(folder, err));
    enum dse_status status = run_script(request, folder, &why);
    if (status != DSE_OK)
        DSE_FAIL(err, status, "the %s could not be fetched (%s); %s", request->set->package,
                 why.text, request->set->advice);
    return DSE_OK;
}

enum dse_status obtain__fetch(const struct dse_obtain_request *request, struct dse_buf *path,
                              struct dse_err *err) {
    struct dse_buf folder = {0};
    enum dse_status status = name_folder(request, &folder, err);
    if (status == DSE_OK)
        status = fetch_into(request, folder.data, err);
    if (status == DSE_OK) {
        dse_buf_printf(path, "%s/%s", folder.data, request->set->fetched);
        status = dse_buf_status(path, err);
    }
    dse_buf_fini(&folder);
    return status;
}
