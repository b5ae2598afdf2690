/* The files of corruptions.folder: NAME.npy for every corruption, and labels.npy. */
#include "workloads/workloads_internal.h"

#include <string.h>

static void add_file(struct workloads__reading *reading, struct dse_text_list *files,
                     const char *name, struct dse_buf *missing) {
    const char *path =
        dse_arena_printf(reading->arena, "%s/%s.npy", reading->workload.corruptions_folder, name);
    if (path == NULL) {
        reading->no_memory = true;
        return;
    }
    files->items[files->n++] = path;
    if (!reading->stored && workloads__trouble_with_path(path, false) != NULL)
        dse_buf_printf(missing, "%s%s.npy", missing->size > 0 ? ", " : "", name);
}

static void complain_about_overlays(struct workloads__reading *reading) {
    const enum workloads__key key = KEY_corruptions_frost_files;
    if (!reading->wrong[key] && reading->workload.corruptions_frost_files.n > 0)
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, -1),
                           "corruptions.frost_files: the images of corruptions.folder are used as "
                           "they are; leave one of the two out");
}

void workloads__name_corrupted_files(struct workloads__reading *reading) {
    const enum workloads__key key = KEY_corruptions_folder;
    struct dse_workload *w = &reading->workload;
    char shown[WORKLOADS_QUOTE_PATH_SIZE];
    struct dse_buf missing = {0};
    if (reading->wrong[key] || reading->wrong[KEY_corruptions_names] ||
        w->corruptions_folder[0] == '\0' || w->corruptions_names.n == 0)
        return;
    complain_about_overlays(reading);
    dse_assert(w->corruptions_names.n < DSE_WORKLOAD_LIST_MAX); /* fewer corruptions exist */
    for (int i = 0; i < w->corruptions_names.n; i++)
        add_file(reading, &w->corrupted_files, w->corruptions_names.items[i], &missing);
    add_file(reading, &w->corrupted_files, "labels", &missing);
    if (missing.size > 0)
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, -1),
                           "corruptions.folder: %s has no %s that can be read; it needs a file for "
                           "each of corruptions.names, and labels.npy",
                           workloads__quote(w->corruptions_folder, shown, sizeof shown),
                           dse_buf_text(&missing));
    reading->no_memory = reading->no_memory || missing.failed;
    dse_buf_fini(&missing);
}
