/* corrupt: a corrupted data set as .npy files in the layout of CIFAR-10-C, as PNG folders in that
 * of ImageNet-C, or one contact sheet to look at. */
#include "evaluator/corrupt/corrupt.h"

#include <stdio.h>
#include <string.h>

#include "evaluator/datasets/datasets.h"
#include "evaluator/images/images.h"
#include "evaluator/model/model_cells.h"
#include "evaluator/model/model_data.h"

enum { PATH_SIZE = 4096, GROUP = 32 /* images made at once */ };

struct job {
    struct model *m;
    struct dse_dataset data;
    struct dse_corrupter *corrupter;
    struct model__cells cells;
    uint64_t seed;
    const char *out;
};

static size_t image_size(const struct job *job) {
    return (size_t)job->data.h * (size_t)job->data.w * (size_t)job->data.c;
}

static enum dse_status corrupt_image(struct job *job, const struct dse_corruption_def *def,
                                     int severity, int image, uint8_t *out, struct dse_err *err) {
    return dse_corrupt_image(job->corrupter, def->corruption, severity, job->seed,
                             (uint32_t)job->data.indices[image],
                             job->data.pixels + (size_t)image * image_size(job), out, err);
}

static void show_progress(struct job *job, const struct dse_corruption_def *def, int severity) {
    int c = 0, done = 0;
    while (job->cells.corruptions[c] != def)
        c++;
    for (int s = 0; s + 1 < severity; s++)
        done += job->cells.severities[s];
    dse_console_progress_step(&job->m->progress, "corrupting images",
                              c * job->cells.n_severities + done,
                              job->cells.n_corruptions * job->cells.n_severities);
}

/* ---- .npy ---- */

/* Version 1 of the format: magic, length, a Python dictionary, filled up to 64 bytes. */
static void write_npy_header(const int64_t *dims, int n_dims, FILE *file) {
    char shape[64] = "", header[160];
    size_t at = 0;
    for (int i = 0; i < n_dims; i++)
        at += (size_t)snprintf(shape + at, sizeof shape - at, "%lld,%s", (long long)dims[i],
                               i + 1 < n_dims ? " " : "");
    if (n_dims > 1)
        shape[at - 1] = '\0';
    (void)snprintf(header, sizeof header,
                   "{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }", shape);
    (void)fprintf(file, "\x93NUMPY%c%c%c%c%-117s\n", 1, 0, 118, 0, header);
}

static enum dse_status open_part(const char *path, char *part, FILE **file, struct dse_err *err) {
    (void)snprintf(part, PATH_SIZE + 8, "%s.part", path);
    *file = fopen(part, "wb");
    return *file == NULL ? dse_err_set_errno(err, part) : DSE_OK;
}

static enum dse_status close_part(FILE *file, const char *part, const char *path,
                                  enum dse_status status, struct dse_err *err) {
    bool failed = ferror(file) != 0;
    failed |= fclose(file) != 0;
    if (status == DSE_OK && (failed || rename(part, path) != 0))
        status = dse_err_set_errno(err, path);
    if (status != DSE_OK)
        (void)remove(part);
    return status;
}

static enum dse_status write_cells(struct job *job, const struct dse_corruption_def *def,
                                   uint8_t *images, FILE *file, struct dse_err *err) {
    const struct dse_dataset *data = &job->data;
    const int64_t dims[] = {(int64_t)job->cells.n_severities * data->n, data->h, data->w, data->c};
    write_npy_header(dims, data->c == 1 ? 3 : 4, file);
    for (int severity = 1; severity <= DSE_SEVERITIES; severity++) {
        show_progress(job, def, severity);
        for (int i = 0; job->cells.severities[severity - 1] && i < data->n; i += GROUP) {
            const struct dse_corrupt_set set = {.corruption = def->corruption,
                                                .severity = severity,
                                                .seed = job->seed,
                                                .n = data->n - i < GROUP ? data->n - i : GROUP,
                                                .indices = data->indices + i,
                                                .src = data->pixels + (size_t)i * image_size(job),
                                                .dst = images};
            DSE_TRY(dse_corrupt_images(job->corrupter, &set, err));
            (void)fwrite(images, image_size(job), (size_t)set.n, file);
        }
    }
    return DSE_OK;
}

static enum dse_status write_labels(struct job *job, struct dse_err *err) {
    char path[PATH_SIZE], part[PATH_SIZE + 8];
    const int64_t n = (int64_t)job->cells.n_severities * job->data.n;
    FILE *file;
    if (job->data.classes > 256)
        DSE_FAIL(err, DSE_UNSUPPORTED, "labels of more than 256 classes do not fit labels.npy");
    (void)snprintf(path, sizeof path, "%s/labels.npy", job->out);
    DSE_TRY(open_part(path, part, &file, err));
    write_npy_header(&n, 1, file);
    for (int64_t i = 0; i < n; i++)
        (void)fputc(job->data.labels[i % job->data.n], file);
    return close_part(file, part, path, DSE_OK, err);
}

static enum dse_status write_npy(struct job *job, uint8_t *images, struct dse_err *err) {
    DSE_TRY(dse_dir_create(job->out, err));
    for (int c = 0; c < job->cells.n_corruptions; c++) {
        char path[PATH_SIZE], part[PATH_SIZE + 8];
        FILE *file;
        (void)snprintf(path, sizeof path, "%s/%s.npy", job->out, job->cells.corruptions[c]->name);
        DSE_TRY(open_part(path, part, &file, err));
        enum dse_status status = write_cells(job, job->cells.corruptions[c], images, file, err);
        DSE_TRY(close_part(file, part, path, status, err));
    }
    return write_labels(job, err);
}

/* ---- PNG folders ---- */

static enum dse_status write_picture(struct job *job, const struct dse_corruption_def *def,
                                     int severity, int i, uint8_t *image, struct dse_err *err) {
    char dir[PATH_SIZE], path[PATH_SIZE + 32];
    char digits[16]; /* as many for all classes: sorted by name, they are sorted by number */
    int width = snprintf(digits, sizeof digits, "%d", job->data.classes - 1);
    (void)snprintf(dir, sizeof dir, "%s/%s/%d/%0*d", job->out, def->name, severity, width,
                   job->data.labels[i]);
    (void)snprintf(path, sizeof path, "%s/%06d.png", dir, job->data.indices[i]);
    DSE_TRY(corrupt_image(job, def, severity, i, image, err));
    DSE_TRY(dse_dir_create(dir, err));
    return dse_image_save_png(path, image, job->data.h, job->data.w, job->data.c, err);
}

static enum dse_status write_folders(struct job *job, uint8_t *image, struct dse_err *err) {
    for (int c = 0; c < job->cells.n_corruptions; c++)
        for (int severity = 1; severity <= DSE_SEVERITIES; severity++) {
            show_progress(job, job->cells.corruptions[c], severity);
            for (int i = 0; job->cells.severities[severity - 1] && i < job->data.n; i++)
                DSE_TRY(write_picture(job, job->cells.corruptions[c], severity, i, image, err));
        }
    return DSE_OK;
}

/* ---- contact sheet ---- */

/* Rows: corruptions; columns: the image as it is, then the severities. Small images are enlarged to
 * about this side. */
enum { SHOWN_SIDE = 96, GAP = 4 };

struct sheet {
    uint8_t *pixels;
    size_t stride;
    int zoom;
};

static void paste(const struct job *job, const struct sheet *sheet, const uint8_t *image, int row,
                  int column) {
    int c = job->data.c, zoom = sheet->zoom;
    int top = GAP + row * (job->data.h * zoom + GAP);
    int left = GAP + column * (job->data.w * zoom + GAP);
    for (int y = 0; y < job->data.h * zoom; y++)
        for (int x = 0; x < job->data.w * zoom; x++)
            memcpy(sheet->pixels + (size_t)(top + y) * sheet->stride + (size_t)((left + x) * c),
                   image +
                       ((size_t)(y / zoom) * (size_t)job->data.w + (size_t)(x / zoom)) * (size_t)c,
                   (size_t)c);
}

static enum dse_status fill_sheet(struct job *job, const struct sheet *sheet, uint8_t *image,
                                  struct dse_err *err) {
    for (int row = 0; row < job->cells.n_corruptions; row++) {
        int column = 0;
        paste(job, sheet, job->data.pixels, row, column++);
        for (int severity = 1; severity <= DSE_SEVERITIES; severity++) {
            show_progress(job, job->cells.corruptions[row], severity);
            if (!job->cells.severities[severity - 1])
                continue;
            DSE_TRY(corrupt_image(job, job->cells.corruptions[row], severity, 0, image, err));
            paste(job, sheet, image, row, column++);
        }
    }
    return DSE_OK;
}

static enum dse_status write_sheet(struct job *job, uint8_t *image, struct dse_err *err) {
    int side = job->data.h > job->data.w ? job->data.h : job->data.w;
    struct sheet sheet = {.zoom = side >= SHOWN_SIDE ? 1 : SHOWN_SIDE / side};
    int w = GAP + (job->cells.n_severities + 1) * (job->data.w * sheet.zoom + GAP);
    int h = GAP + job->cells.n_corruptions * (job->data.h * sheet.zoom + GAP);
    sheet.stride = (size_t)(w * job->data.c);
    sheet.pixels = dse_alloc((size_t)h, sheet.stride);
    if (sheet.pixels == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a sheet of %d x %d pixels", w, h);
    memset(sheet.pixels, 255, (size_t)h * sheet.stride);
    enum dse_status status = fill_sheet(job, &sheet, image, err);
    if (status == DSE_OK)
        status = dse_image_save_png(job->out, sheet.pixels, h, w, job->data.c, err);
    dse_free(sheet.pixels);
    return status;
}

/* ---- the command ---- */

static bool is_sheet(const char *path) {
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".png") == 0;
}

static bool makes_frost(const struct job *job) {
    for (int c = 0; c < job->cells.n_corruptions; c++)
        if (job->cells.corruptions[c]->corruption == DSE_CORRUPTION_FROST)
            return true;
    return false;
}

static enum dse_status say(struct job *job, struct dse_err *err) {
    struct dse_buf out = {0};
    if (job->m->options.json) {
        dse_buf_puts(&out, "{\"out\":");
        dse_console_json_string(&out, job->out);
        dse_buf_printf(&out, ",\"images\":%d,\"severities\":%d,\"corruptions\":[", job->data.n,
                       job->cells.n_severities);
        for (int c = 0; c < job->cells.n_corruptions; c++)
            dse_buf_printf(&out, "%s\"%s\"", c == 0 ? "" : ",", job->cells.corruptions[c]->name);
        dse_buf_puts(&out, "]}\n");
    } else {
        dse_buf_printf(&out, "%s: %d images in %d severities of", job->out, job->data.n,
                       job->cells.n_severities);
        for (int c = 0; c < job->cells.n_corruptions; c++)
            dse_buf_printf(&out, " %s", job->cells.corruptions[c]->name);
        dse_buf_puts(&out, "\n");
        if (job->m->options.frost_dir == NULL && makes_frost(job))
            dse_buf_puts(&out, "frost has textures of its own: not comparable with published "
                               "numbers (--frost-dir)\n");
    }
    return dse_console_put(&out, err);
}

static enum dse_status make_all(struct job *job, struct dse_err *err) {
    uint8_t *images = dse_alloc(GROUP, image_size(job));
    enum dse_status status;
    if (images == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d images", GROUP);
    if (is_sheet(job->out))
        status = write_sheet(job, images, err);
    else if (job->m->options.png)
        status = write_folders(job, images, err);
    else
        status = write_npy(job, images, err);
    dse_free(images);
    dse_console_progress_end(&job->m->progress);
    return status == DSE_OK ? say(job, err) : status;
}

enum dse_status model__command_corrupt(struct model *m, struct dse_err *err) {
    struct job job = {.m = m, .out = m->line.operands[0]};
    const char *paths[MODEL_FILES_MAX];
    struct dse_dataset_request request = {.count = DSE_DATASET_ALL};
    if (m->options.data == NULL)
        DSE_FAIL(err, DSE_USAGE, "--data is needed: FORMAT:FILE,...");
    if (model__given(m, MODEL_OPTION_images))
        request.count = (int)m->options.images;
    if (is_sheet(job.out))
        request.count = 1;
    if (model__given(m, MODEL_OPTION_seed))
        job.seed = (uint64_t)m->options.seed;
    DSE_TRY(model__read_corruptions(
        m, "--corruptions", m->options.corruptions == NULL ? "standard" : m->options.corruptions,
        &job.cells, err));
    DSE_TRY(model__read_severities("--severities", m->options.severities, &job.cells, err));
    DSE_TRY(model__read_request(m, m->options.data, paths, &request, err));
    DSE_TRY(dse_dataset_load(&request, &job.data, err));
    enum dse_status status =
        model__new_corrupter(m, job.data.h, job.data.w, job.data.c, &job.corrupter, err);
    if (status == DSE_OK)
        status = make_all(&job, err);
    dse_corrupter_free(job.corrupter);
    dse_dataset_fini(&job.data);
    return status;
}
