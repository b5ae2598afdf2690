/* Pictures in files: PNG by libpng's simple interface, JPEG by libjpeg. */
#include "evaluator/images/images_internal.h"

#include <string.h>

#include <png.h>

static const size_t LARGEST_FILE_BYTES = (size_t)1 << 30;

/* ---- errors of libjpeg ---- */

static void jump_back(j_common_ptr jpeg) {
    struct images__jpeg_trap *trap = (struct images__jpeg_trap *)(void *)jpeg->err;
    trap->manager.format_message(jpeg, trap->text);
    longjmp(trap->back, 1);
}

static void stay_silent(j_common_ptr jpeg) {
    (void)jpeg;
}

struct jpeg_error_mgr *images__jpeg_trap_set(struct images__jpeg_trap *trap) {
    struct jpeg_error_mgr *manager = jpeg_std_error(&trap->manager);
    manager->error_exit = jump_back;
    manager->output_message = stay_silent;
    return manager;
}

/* ---- reading ---- */

static enum dse_status allocate_image(const char *path, size_t w, size_t h, struct dse_image *image,
                                      struct dse_err *err) {
    if (w < 1 || h < 1 || w > DSE_IMAGE_LARGEST_SIDE || h > DSE_IMAGE_LARGEST_SIDE)
        DSE_FAIL(err, DSE_INVALID, "%s: %zu x %zu pixels; at most %d a side are read", path, w, h,
                 (int)DSE_IMAGE_LARGEST_SIDE);
    *image = (struct dse_image){.h = (int)h, .w = (int)w, .c = 3};
    image->pixels = dse_alloc(w * h, 3);
    if (image->pixels == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "%s: no memory for %zu x %zu pixels", path, w, h);
    return DSE_OK;
}

/* Channels RGBA are read, and A dropped: libpng would blend it with a background. */
static enum dse_status read_png(const char *path, const struct dse_buf *file,
                                struct dse_image *image, struct dse_err *err) {
    png_image png = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(&png, file->data, file->size))
        DSE_FAIL(err, DSE_INVALID, "%s: %s", path, png.message);
    png.format = PNG_FORMAT_RGBA;
    struct dse_image made = {0};
    uint8_t *rgba = NULL;
    enum dse_status status;
    DSE_TRY_GOTO(status, allocate_image(path, png.width, png.height, &made, err), fail);
    rgba = dse_alloc((size_t)png.width * png.height, 4);
    if (rgba == NULL) {
        status = dse_err_set(err, DSE_NO_MEMORY, "%s: no memory for the picture", path);
        goto fail;
    }
    if (!png_image_finish_read(&png, NULL, rgba, 0, NULL)) {
        status = dse_err_set(err, DSE_INVALID, "%s: %s", path, png.message);
        goto fail;
    }
    for (size_t i = 0; i < (size_t)png.width * png.height; i++)
        memcpy(made.pixels + 3 * i, rgba + 4 * i, 3);
    dse_free(rgba);
    png_image_free(&png);
    *image = made;
    return DSE_OK;
fail:
    dse_free(rgba);
    dse_free(made.pixels);
    png_image_free(&png);
    return status;
}

/* The picture being read lives outside of the function that errors jump back into. */
struct jpeg_reading {
    struct jpeg_decompress_struct jpeg;
    struct images__jpeg_trap trap;
    struct dse_image made;
};

static enum dse_status read_jpeg_rows(struct jpeg_reading *r, const char *path,
                                      const struct dse_buf *file, struct dse_err *err) {
    r->jpeg.err = images__jpeg_trap_set(&r->trap);
    if (setjmp(r->trap.back) != 0)
        DSE_FAIL(err, DSE_INVALID, "%s: %s", path, r->trap.text);
    jpeg_create_decompress(&r->jpeg);
    jpeg_mem_src(&r->jpeg, (const unsigned char *)file->data, file->size);
    (void)jpeg_read_header(&r->jpeg, TRUE);
    r->jpeg.out_color_space = JCS_RGB;
    r->jpeg.dct_method = JDCT_ISLOW;
    (void)jpeg_start_decompress(&r->jpeg);
    DSE_TRY(allocate_image(path, r->jpeg.output_width, r->jpeg.output_height, &r->made, err));
    while (r->jpeg.output_scanline < r->jpeg.output_height) {
        JSAMPROW row = r->made.pixels + (size_t)r->jpeg.output_scanline * (size_t)r->made.w * 3;
        (void)jpeg_read_scanlines(&r->jpeg, &row, 1);
    }
    return DSE_OK;
}

static enum dse_status read_jpeg(const char *path, const struct dse_buf *file,
                                 struct dse_image *image, struct dse_err *err) {
    struct jpeg_reading *reading = dse_alloc(1, sizeof *reading);
    if (reading == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "%s: no memory for the picture", path);
    enum dse_status status = read_jpeg_rows(reading, path, file, err);
    jpeg_destroy_decompress(&reading->jpeg);
    if (status == DSE_OK)
        *image = reading->made;
    else
        dse_free(reading->made.pixels);
    dse_free(reading);
    return status;
}

enum dse_status dse_image_read(const char *name, const struct dse_buf *file,
                               struct dse_image *image, struct dse_err *err) {
    if (file->size > 8 && memcmp(file->data, "\x89PNG\r\n\x1a\n", 8) == 0)
        return read_png(name, file, image, err);
    if (file->size > 3 && memcmp(file->data, "\xFF\xD8\xFF", 3) == 0)
        return read_jpeg(name, file, image, err);
    DSE_FAIL(err, DSE_INVALID, "%s: neither a PNG nor a JPEG file", name);
}

enum dse_status dse_image_load(const char *path, struct dse_image *image, struct dse_err *err) {
    struct dse_buf file = {0};
    enum dse_status status = dse_file_read(path, LARGEST_FILE_BYTES, &file, err);
    if (status == DSE_OK)
        status = dse_image_read(path, &file, image, err);
    dse_buf_fini(&file);
    return status;
}

/* ---- writing ---- */

enum dse_status dse_image_save_png(const char *path, const uint8_t *pixels, int h, int w, int c,
                                   struct dse_err *err) {
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)w,
                     .height = (png_uint_32)h,
                     .format = c == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
    uint8_t *file = dse_alloc(size, 1);
    if (file == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "%s: no memory for the picture", path);
    enum dse_status status;
    if (!png_image_write_to_memory(&png, file, &size, 0, pixels, 0, NULL))
        status = dse_err_set(err, DSE_FAILED, "%s: %s", path, png.message);
    else
        status = dse_file_replace(path, file, size, err);
    dse_free(file);
    return status;
}
