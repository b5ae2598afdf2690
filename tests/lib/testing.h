/* What every test program includes: cmocka with its prerequisites, and a few helpers. */
#ifndef DSE_TESTS_TESTING_H
#define DSE_TESTS_TESTING_H

/* cmocka wants these first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

/* The call must succeed; prints the error text when it does not. */
#define assert_ok(call, err)                                                                \
    do {                                                                                    \
        enum dse_status assert_ok_status_ = (call);                                         \
        if (assert_ok_status_ != DSE_OK)                                                    \
            fail_msg("%s: %s: %s", #call, dse_status_name(assert_ok_status_), (err)->text); \
    } while (0)

/* Ends the program as a skipped test, for the whole program. */
static inline _Noreturn void skip_all(const char *reason) {
    printf("skipped: %s\n", reason);
    exit(77);
}

/* A new empty directory for this test, in $TMPDIR or /tmp; the caller removes it. */
static inline void make_temp_dir(char *out, size_t size) {
    const char *base = getenv("TMPDIR");
    (void)snprintf(out, size, "%s/dse-test-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(out) == NULL) {
        perror(out);
        exit(1);
    }
}

#endif
