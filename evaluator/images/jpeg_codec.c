/* Images through libjpeg and back. Both sides are kept open, so that what does not change from
 * image to image is not made again; the tables are sent over only when the quality changes.
 *
 * Small images cost libjpeg more to begin and end than to code. Several of them are therefore put
 * one below the other into one stream: transform and quantisation work on blocks of an image, and
 * the entropy coding between is exact. Only the enlarging of chroma would look across the seams, so
 * the planes are taken from libjpeg before it, and jpeg_planes.c does it. */
#include "evaluator/images/images_internal.h"

enum {
    STACK_PIXELS = 32 * 1024, /* of a stream: more is no faster */
    LINES = 2 * DCTSIZE,      /* of luma in a row of blocks with chroma of half the height */
};

struct dse_jpeg_codec {
    struct jpeg_compress_struct in;
    struct jpeg_decompress_struct out;
    struct images__jpeg_trap trap;
    int h, w, c, quality; /* quality 0: none set */
    int coded_h;          /* of an image in a stream, with what fills its last blocks */
    int stack;            /* images in a stream at most */
    uint8_t *file;
    unsigned long file_room;
    JSAMPROW *rows;         /* [stack * coded_h] */
    uint8_t *filling;       /* a decoded line that nobody needs, [w * c] */
    uint8_t *planes_memory; /* NULL where they are not needed */
    struct images__jpeg_planes planes;
};

/* libjpeg's worst case is below 3 bytes a value; markers and tables need below 4 KiB. */
static size_t room_for(int h, int w, int c) {
    return ((size_t)h + 16) * ((size_t)w + 16) * (size_t)c * 4 + 4096;
}

/* libjpeg fills the last blocks of an image with its last line. Of grey images that is done here;
 * of RGB ones libjpeg does it after halving chroma, so theirs must be full. Chroma of less than
 * three columns it enlarges in another way. */
static void plan_stack(struct dse_jpeg_codec *codec) {
    enum { NARROWEST = 5 };
    int h = codec->h, w = codec->w;
    bool is_grey = codec->c == 1, stacks = is_grey || (h % LINES == 0 && w >= NARROWEST);
    codec->coded_h = is_grey ? (h + DCTSIZE - 1) / DCTSIZE * DCTSIZE : h;
    codec->stack = stacks ? STACK_PIXELS / codec->coded_h / w : 1;
    codec->stack = codec->stack < 1 ? 1 : codec->stack;
}

/* Planes of one image, in whole blocks: libjpeg writes all of them. */
static bool make_planes(struct dse_jpeg_codec *codec) {
    struct images__jpeg_planes *planes = &codec->planes;
    size_t h = (size_t)codec->coded_h, w = ((size_t)codec->w + LINES - 1) / LINES * LINES;
    size_t luma = h * w, chroma = luma / 4, line = w * sizeof(int16_t);
    codec->planes_memory = dse_alloc(luma + 2 * chroma + 3 * line, 1);
    if (codec->planes_memory == NULL)
        return false;
    planes->luma = codec->planes_memory;
    planes->luma_stride = w;
    planes->chroma_stride = w / 2;
    planes->chroma[0] = planes->luma + luma;
    planes->chroma[1] = planes->chroma[0] + chroma;
    uint8_t *lines = planes->chroma[1] + chroma; /* all sizes are even */
    planes->lines[0] = (int16_t *)(void *)lines;
    planes->lines[1] = (int16_t *)(void *)(lines + line);
    planes->sums = (int16_t *)(void *)(lines + 2 * line);
    return true;
}

static bool make_room(struct dse_jpeg_codec *codec) {
    codec->file_room = room_for(codec->stack * codec->coded_h, codec->w, codec->c);
    codec->file = dse_alloc(codec->file_room, 1);
    codec->rows = dse_alloc((size_t)(codec->stack * codec->coded_h), sizeof *codec->rows);
    codec->filling = dse_alloc((size_t)(codec->w * codec->c), 1);
    return codec->file != NULL && codec->rows != NULL && codec->filling != NULL &&
           (codec->c == 1 || codec->stack == 1 || make_planes(codec));
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
    plan_stack(made);
    if (!make_room(made) || !open_both(made)) {
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
    dse_free(codec->planes_memory);
    dse_free(codec->filling);
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

/* Lines of n images, and what fills their last blocks: `filling`, or each image's last line. */
static void point_to_lines(struct dse_jpeg_codec *codec, int n, const uint8_t *images,
                           uint8_t *filling) {
    size_t line = (size_t)(codec->w * codec->c);
    JSAMPROW *row = codec->rows;
    for (int i = 0; i < n; i++) {
        JSAMPROW image = (JSAMPROW)(uintptr_t)images + (size_t)i * (size_t)codec->h * line;
        JSAMPROW last = image + (size_t)(codec->h - 1) * line;
        for (int y = 0; y < codec->coded_h; y++)
            *row++ = y < codec->h ? image + (size_t)y * line : filling == NULL ? last : filling;
    }
}

static unsigned long compress(struct dse_jpeg_codec *codec, int n, const uint8_t *src) {
    unsigned char *file = codec->file;
    unsigned long size = codec->file_room;
    codec->in.image_height = (JDIMENSION)(n * codec->coded_h);
    point_to_lines(codec, n, src, NULL);
    jpeg_mem_dest(&codec->in, &file, &size);
    jpeg_start_compress(&codec->in, FALSE);
    while (codec->in.next_scanline < codec->in.image_height)
        (void)jpeg_write_scanlines(&codec->in, codec->rows + codec->in.next_scanline,
                                   codec->in.image_height - codec->in.next_scanline);
    jpeg_finish_compress(&codec->in);
    dse_assert(file == codec->file);
    return size;
}

static void read_lines(struct dse_jpeg_codec *codec, int n, uint8_t *dst) {
    point_to_lines(codec, n, dst, codec->filling);
    while (codec->out.output_scanline < codec->out.output_height)
        (void)jpeg_read_scanlines(&codec->out, codec->rows + codec->out.output_scanline,
                                  codec->out.output_height - codec->out.output_scanline);
}

/* Planes of the next image of a stream. */
static void read_planes(struct dse_jpeg_codec *codec) {
    const struct images__jpeg_planes *planes = &codec->planes;
    for (int y = 0; y < codec->h; y += LINES) {
        JSAMPROW luma[LINES], chroma[2][DCTSIZE];
        JSAMPARRAY all[] = {luma, chroma[0], chroma[1]};
        for (int i = 0; i < LINES; i++)
            luma[i] = planes->luma + (size_t)(y + i) * planes->luma_stride;
        for (int i = 0; i < LINES; i++)
            chroma[i / DCTSIZE][i % DCTSIZE] =
                planes->chroma[i / DCTSIZE] + (size_t)(y / 2 + i % DCTSIZE) * planes->chroma_stride;
        (void)jpeg_read_raw_data(&codec->out, all, LINES);
    }
}

static void decompress(struct dse_jpeg_codec *codec, unsigned long size, int n, uint8_t *dst) {
    bool by_planes = n > 1 && codec->c == 3;
    jpeg_mem_src(&codec->out, codec->file, size);
    (void)jpeg_read_header(&codec->out, TRUE);
    codec->out.dct_method = JDCT_ISLOW;
    codec->out.do_fancy_upsampling = TRUE;
    codec->out.raw_data_out = by_planes ? TRUE : FALSE;
    (void)jpeg_start_decompress(&codec->out);
    for (int i = 0; by_planes && i < n; i++) {
        read_planes(codec);
        images__jpeg_planes_to_rgb(&codec->planes, codec->h, codec->w,
                                   dst + (size_t)i * (size_t)(codec->h * codec->w * codec->c));
    }
    if (!by_planes)
        read_lines(codec, n, dst);
    (void)jpeg_finish_decompress(&codec->out);
}

enum dse_status dse_jpeg_codec_apply(struct dse_jpeg_codec *codec, int quality, int n,
                                     const uint8_t *src, uint8_t *dst, struct dse_err *err) {
    size_t size = (size_t)codec->h * (size_t)codec->w * (size_t)codec->c;
    if (setjmp(codec->trap.back) != 0) {
        jpeg_abort_compress(&codec->in);
        jpeg_abort_decompress(&codec->out);
        codec->quality = 0;
        DSE_FAIL(err, DSE_FAILED, "JPEG: %s", codec->trap.text);
    }
    if (codec->quality != quality)
        send_tables(codec, quality);
    for (int first = 0; first < n; first += codec->stack) {
        int images = n - first < codec->stack ? n - first : codec->stack;
        size_t at = (size_t)first * size;
        decompress(codec, compress(codec, images, src + at), images, dst + at);
    }
    return DSE_OK;
}
