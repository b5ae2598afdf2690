/* An image through libjpeg and back. Both sides are kept open, so that what does not change from
 * image to image is not made again; the tables are sent over only when the quality changes. */
#include "evaluator/images/images_internal.h"

struct dse_jpeg_codec {
    struct jpeg_compress_struct in;
    struct jpeg_decompress_struct out;
    struct images__jpeg_trap trap;
    int h, w, c, quality; /* quality 0: none set */
    uint8_t *file;
    unsigned long file_room;
    JSAMPROW *rows; /* [h] */
};

/* libjpeg's worst case is below 3 bytes a value; markers and tables need below 4 KiB. */
static size_t room_for(int h, int w, int c) {
    return ((size_t)h + 16) * ((size_t)w + 16) * (size_t)c * 4 + 4096;
}

/* libjpeg jumps out of its functions on errors; nothing of ours lives on the stack between. */
static bool open_both(struct dse_jpeg_codec *codec) {
    codec->in.err = codec->out.err = images__jpeg_trap_set(&codec->trap);
    if (setjmp(codec->trap.back) != 0)
        return false;
    jpeg_create_compress(&codec->in);
    jpeg_create_decompress(&codec->out);
    codec->in.image_width = (JDIMENSION)codec->w;
    codec->in.image_height = (JDIMENSION)codec->h;
    codec->in.input_components = codec->c;
    codec->in.in_color_space = codec->c == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&codec->in);
    codec->in.dct_method = JDCT_ISLOW;
    return true;
}

enum dse_status dse_jpeg_codec_new(int h, int w, int c, struct dse_jpeg_codec **codec,
                                   struct dse_err *err) {
    struct dse_jpeg_codec *made = dse_alloc(1, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the JPEG codec");
    made->h = h;
    made->w = w;
    made->c = c;
    made->file_room = room_for(h, w, c);
    made->file = dse_alloc(made->file_room, 1);
    made->rows = dse_alloc((size_t)h, sizeof *made->rows);
    if (made->file == NULL || made->rows == NULL || !open_both(made)) {
        dse_jpeg_codec_free(made);
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the JPEG codec");
    }
    *codec = made;
    return DSE_OK;
}

void dse_jpeg_codec_free(struct dse_jpeg_codec *codec) {
    if (codec == NULL)
        return;
    jpeg_destroy_compress(&codec->in);
    jpeg_destroy_decompress(&codec->out);
    dse_free(codec->rows);
    dse_free(codec->file);
    dse_free(codec);
}

/* Tables of a quality, to the reading side too. */
static void send_tables(struct dse_jpeg_codec *codec, int quality) {
    unsigned char *file = codec->file;
    unsigned long size = codec->file_room;
    jpeg_set_quality(&codec->in, quality, TRUE);
    jpeg_mem_dest(&codec->in, &file, &size);
    jpeg_write_tables(&codec->in);
    dse_assert(file == codec->file);
    jpeg_mem_src(&codec->out, codec->file, size);
    (void)jpeg_read_header(&codec->out, FALSE);
    codec->quality = quality;
}

static unsigned long compress(struct dse_jpeg_codec *codec, const uint8_t *src) {
    unsigned char *file = codec->file;
    unsigned long size = codec->file_room;
    for (int y = 0; y < codec->h; y++)
        codec->rows[y] = (JSAMPROW)(uintptr_t)src + (size_t)y * (size_t)(codec->w * codec->c);
    jpeg_mem_dest(&codec->in, &file, &size);
    jpeg_start_compress(&codec->in, FALSE);
    while (codec->in.next_scanline < codec->in.image_height)
        (void)jpeg_write_scanlines(&codec->in, codec->rows + codec->in.next_scanline,
                                   codec->in.image_height - codec->in.next_scanline);
    jpeg_finish_compress(&codec->in);
    dse_assert(file == codec->file);
    return size;
}

static void decompress(struct dse_jpeg_codec *codec, unsigned long size, uint8_t *dst) {
    for (int y = 0; y < codec->h; y++)
        codec->rows[y] = dst + (size_t)y * (size_t)(codec->w * codec->c);
    jpeg_mem_src(&codec->out, codec->file, size);
    (void)jpeg_read_header(&codec->out, TRUE);
    codec->out.dct_method = JDCT_ISLOW;
    codec->out.do_fancy_upsampling = TRUE;
    (void)jpeg_start_decompress(&codec->out);
    while (codec->out.output_scanline < codec->out.output_height)
        (void)jpeg_read_scanlines(&codec->out, codec->rows + codec->out.output_scanline,
                                  codec->out.output_height - codec->out.output_scanline);
    (void)jpeg_finish_decompress(&codec->out);
}

enum dse_status dse_jpeg_codec_apply(struct dse_jpeg_codec *codec, int quality, const uint8_t *src,
                                     uint8_t *dst, struct dse_err *err) {
    if (setjmp(codec->trap.back) != 0) {
        jpeg_abort_compress(&codec->in);
        jpeg_abort_decompress(&codec->out);
        codec->quality = 0;
        DSE_FAIL(err, DSE_FAILED, "JPEG: %s", codec->trap.text);
    }
    if (codec->quality != quality)
        send_tables(codec, quality);
    decompress(codec, compress(codec, src), dst);
    return DSE_OK;
}
