/* What the files of this room share. */
#ifndef DSE_EVALUATOR_IMAGES_INTERNAL_H
#define DSE_EVALUATOR_IMAGES_INTERNAL_H

#include "evaluator/images/images.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

/* libjpeg's errors come back to setjmp(back), warnings are dropped. */
struct images__jpeg_trap {
    struct jpeg_error_mgr manager;
    jmp_buf back;
    char text[JMSG_LENGTH_MAX];
};
/* Readies the trap; returns what goes into `err` of libjpeg's structs. */
struct jpeg_error_mgr *images__jpeg_trap_set(struct images__jpeg_trap *trap);

/* An image as libjpeg decodes it: luma [h], chroma (Cb, Cr) [h / 2], each line as long as its
 * stride; and working memory. */
struct images__jpeg_planes {
    uint8_t *luma, *chroma[2];
    size_t luma_stride, chroma_stride;
    int16_t *lines[2], *sums; /* 2 * chroma_stride values each */
};
/* h even, w any; rgb [h][w][3]. */
void images__jpeg_planes_to_rgb(const struct images__jpeg_planes *planes, int h, int w,
                                uint8_t *rgb);

#endif
