/* images: pictures in files (PNG, JPEG) by the system's libraries, and an image through the JPEG
 * codec and back. Pixels are uint8 [h][w][c], c 1 (grey) or 3 (RGB). */
#ifndef DSE_EVALUATOR_IMAGES_H
#define DSE_EVALUATOR_IMAGES_H

#include "base/base.h"

/* Larger files are refused: INVALID. */
enum { DSE_IMAGE_LARGEST_SIDE = 32768 };

struct dse_image {
    uint8_t *pixels; /* [h][w][c], owned; release with dse_free */
    int h, w, c;
};

/* Reads a PNG or JPEG file, told by its first bytes, as RGB (transparency is dropped, palettes and
 * 16 bits are resolved). NOT_FOUND, IO, INVALID for what is neither. */
DSE_MUST_USE enum dse_status dse_image_load(const char *path, struct dse_image *image,
                                            struct dse_err *err);
/* The same of a file's bytes; name is used in messages. */
DSE_MUST_USE enum dse_status dse_image_read(const char *name, const struct dse_buf *file,
                                            struct dse_image *image, struct dse_err *err);
/* Writes a PNG file, replacing what is there. */
DSE_MUST_USE enum dse_status dse_image_save_png(const char *path, const uint8_t *pixels, int h,
                                                int w, int c, struct dse_err *err);

/* To h x w pixels: Pillow's bilinear filter with its fixed-point numbers, bit for bit. The image is
 * left as it is, or with one side done, on NO_MEMORY. */
DSE_MUST_USE enum dse_status dse_image_resize(struct dse_image *image, int h, int w,
                                              struct dse_err *err);
/* The shorter side to so many pixels and the other in proportion, as torchvision's Resize does.
 * INVALID: the other would be longer than DSE_IMAGE_LARGEST_SIDE. */
DSE_MUST_USE enum dse_status dse_image_resize_shorter(struct dse_image *image, int side,
                                                      struct dse_err *err);
/* The square in the middle, as torchvision's CenterCrop. INVALID: the image is smaller. */
DSE_MUST_USE enum dse_status dse_image_crop_middle(struct dse_image *image, int side,
                                                   struct dse_err *err);
/* RGB to its luminance (.299 .587 .114), as Pillow's mode L; grey stays. */
void dse_image_make_grey(struct dse_image *image);

/* Images of one size through libjpeg: baseline, the standard tables scaled by a quality of 1..100,
 * 4:2:0, and the slow integer transform both ways (JDCT_ISLOW), whose result is the same with every
 * processor's instructions. */
struct dse_jpeg_codec;
DSE_MUST_USE enum dse_status dse_jpeg_codec_new(int h, int w, int c, struct dse_jpeg_codec **codec,
                                                struct dse_err *err);
void dse_jpeg_codec_free(struct dse_jpeg_codec *codec);
/* n images compressed and read again, src and dst [n][h][w][c], which must not overlap. What an
 * image becomes does not depend on the others; small ones are faster many at once. */
DSE_MUST_USE enum dse_status dse_jpeg_codec_apply(struct dse_jpeg_codec *codec, int quality, int n,
                                                  const uint8_t *src, uint8_t *dst,
                                                  struct dse_err *err);

#endif
