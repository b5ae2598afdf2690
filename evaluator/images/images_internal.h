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

#endif
