/* The files of a data set, one after the other: there already, or made, checked and written. */
#include "evaluator/obtain/obtain_internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_FILES = 16 };

/* Is the file there with its MD5? A file that cannot be read is not. */
static bool is_there(const char *path, const char *md5) {
    const size_t LARGEST = (size_t)256 << 20;
    struct dse_buf content = {0};
    char sum[DSE_MD5_HEX] = "";
    bool there =
        access(path, F_OK) == 0 && dse_file_read(path, LARGEST, &content, NULL) == DSE_OK &&
        dse_md5_bytes(content.data, content.size, sum, NULL) == DSE_OK && strcmp(sum, md5) == 0;
    dse_buf_fini(&content);
    return there;
}

static enum dse_status make_content(const struct dse_obtain_request *request, const char *package,
                                    int index, struct dse_buf *out, struct dse_err *err) {
    const struct dse_obtain_file *file = &request->set->files[index];
    if (request->set->is_pictures)
        return obtain__make_batch(package, file, index, out, err);
    return obtain__read(package, file->source, out, err);
}

static enum dse_status check_sum(const struct dse_obtain_request *request, const char *package,
                                 const struct dse_obtain_file *file, const struct dse_buf *content,
                                 struct dse_err *err) {
    char sum[DSE_MD5_HEX];
    DSE_TRY(dse_md5_bytes(content->data, content->size, sum, err));
    if (strcmp(sum, file->md5) != 0)
        DSE_FAIL(err, DSE_INVALID,
                 "%s from %s in %s has the MD5 %s, the official file has %s: the package is "
                 "damaged or another one; expected is the %s",
                 file->name, file->source, package, sum, file->md5, request->set->package);
    return DSE_OK;
}

static enum dse_status write_file(const struct dse_obtain_request *request, const char *package,
                                  int index, const char *path, struct dse_err *err) {
    const struct dse_obtain_file *file = &request->set->files[index];
    struct dse_buf content = {0};
    enum dse_status status = make_content(request, package, index, &content, err);
    if (status == DSE_OK)
        status = check_sum(request, package, file, &content, err);
    if (status == DSE_OK)
        status = dse_file_replace(path, content.data, content.size, err);
    dse_buf_fini(&content);
    return status;
}

static enum dse_status write_files(const struct dse_obtain_request *request, const char *package,
                                   const bool *there, struct dse_err *err) {
    struct dse_buf path = {0};
    enum dse_status status = DSE_OK;
    for (int i = 0; status == DSE_OK && i < request->set->n_files; i++) {
        if (request->progress != NULL)
            request->progress(request->context, "writing files", i, request->set->n_files);
        if (there[i])
            continue;
        dse_buf_reset(&path);
        dse_buf_printf(&path, "%s/%s", request->dir, request->set->files[i].name);
        status = dse_buf_status(&path, err);
        if (status == DSE_OK)
            status = write_file(request, package, i, path.data, err);
    }
    dse_buf_fini(&path);
    return status;
}

static enum dse_status look(const struct dse_obtain_request *request, bool *there, int *missing,
                            struct dse_err *err) {
    struct dse_buf path = {0};
    enum dse_status status = DSE_OK;
    *missing = 0;
    for (int i = 0; status == DSE_OK && i < request->set->n_files; i++) {
        if (request->progress != NULL)
            request->progress(request->context, "looking what is there", i, request->set->n_files);
        dse_buf_reset(&path);
        dse_buf_printf(&path, "%s/%s", request->dir, request->set->files[i].name);
        status = dse_buf_status(&path, err);
        there[i] = status == DSE_OK && is_there(path.data, request->set->files[i].md5);
        *missing += !there[i];
    }
    dse_buf_fini(&path);
    return status;
}

static enum dse_status find_package(const struct dse_obtain_request *request, struct dse_buf *path,
                                    struct dse_err *err) {
    const char *folder = request->set->folder;
    const char *known = request->from != NULL                          ? request->from
                        : *folder != '\0' && access(folder, F_OK) == 0 ? folder
                                                                       : NULL;
    if (known == NULL)
        return obtain__fetch(request, path, err);
    if (access(known, R_OK) != 0)
        return dse_err_set_errno(err, known);
    dse_buf_puts(path, known);
    return dse_buf_status(path, err);
}

static enum dse_status run_locked(const struct dse_obtain_request *request, int *written,
                                  struct dse_err *err) {
    bool there[MOST_FILES] = {false};
    int missing = 0;
    dse_assert(request->set->n_files <= MOST_FILES);
    DSE_TRY(look(request, there, &missing, err));
    struct dse_buf package = {0};
    enum dse_status status = DSE_OK;
    if (missing > 0)
        status = find_package(request, &package, err);
    if (missing > 0 && status == DSE_OK)
        status = write_files(request, package.data, there, err);
    obtain__forget(request);
    dse_buf_fini(&package);
    if (status == DSE_OK)
        *written = missing;
    return status;
}

enum dse_status dse_obtain_run(const struct dse_obtain_request *request, int *written,
                               struct dse_err *err) {
    DSE_TRY(dse_dir_create(request->dir, err));
    int fd = open(request->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return dse_err_set_errno(err, request->dir);
    enum dse_status status =
        flock(fd, LOCK_EX | LOCK_NB) == 0
            ? run_locked(request, written, err)
            : dse_err_set(err, DSE_CONFLICT, "%s: another process writes a data set there",
                          request->dir);
    (void)close(fd);
    return status;
}
