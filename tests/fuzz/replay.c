/* Runs a fuzz target over files, without libFuzzer: every corpus is a test with any compiler.
 * Arguments are files and folders of files. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int files_run;

static bool run_file(const char *path) {
    struct dse_buf content = {0};
    struct dse_err err = {0};
    if (dse_file_read(path, (size_t)64 << 20, &content, &err) != DSE_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        dse_buf_fini(&content);
        return false;
    }
    /* A block of exactly this size, so that a sanitizer sees a read beyond its end; and the room's
     * memory must be back when the target returns, so this block is not of dse_alloc. */
    size_t size = content.size;
    uint8_t *bytes = malloc(size == 0 ? 1 : size);
    if (bytes != NULL && size > 0)
        memcpy(bytes, content.data, size);
    dse_buf_fini(&content);
    if (bytes == NULL)
        return false;
    (void)LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    files_run++;
    return true;
}

static bool run_path(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        perror(path);
        return false;
    }
    if (!S_ISDIR(info.st_mode))
        return run_file(path);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        perror(path);
        return false;
    }
    bool fine = true;
    for (struct dirent *entry; fine && (entry = readdir(folder)) != NULL;) {
        char file[4096];
        (void)snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && stat(file, &info) == 0 && S_ISREG(info.st_mode))
            fine = run_file(file);
    }
    (void)closedir(folder);
    return fine;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (!run_path(argv[i]))
            return 1;
    printf("%d files\n", files_run);
    return files_run > 0 ? 0 : 1;
}
