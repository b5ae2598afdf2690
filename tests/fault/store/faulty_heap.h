/* SQLite's heap, in which the n-th allocation fails. */
#ifndef DSE_TESTS_FAULTY_HEAP_H
#define DSE_TESTS_FAULTY_HEAP_H

#include <stdbool.h>

/* Before anything else is asked of SQLite. */
void faulty_heap_install(void);
/* for_good: so do all later ones. */
void faulty_heap_fail_at(long n, bool for_good);
/* No more failures; was there one since fail_at? */
bool faulty_heap_mend(void);
long faulty_heap_live(void);

#endif
