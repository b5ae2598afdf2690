/* SQLite's own file layer with faults on request. Nothing is really synced: that takes most of the
 * time, and power is only ever cut here, where the difference is kept in a list. */
#ifndef DSE_TESTS_FAULTY_VFS_H
#define DSE_TESTS_FAULTY_VFS_H

#include "base/base.h"

/* Kinds of calls, to be combined. */
enum {
    FAULT_READ = 1,
    FAULT_WRITE = 2,
    FAULT_SYNC = 4,
    FAULT_TRUNCATE = 8,
    FAULT_OPEN = 16,
    FAULT_DELETE = 32,
    FAULT_SHM = 64, /* shared memory of the write-ahead log */
};

/* Becomes the default of all connections opened later. Once a program. */
void faulty_vfs_install(void);

/* The n-th call from now of those kinds (n from 0) fails with that SQLite code and errno;
 * sticky: and all later ones of those kinds, too. */
void faulty_vfs_fail_at(unsigned kinds, long n, int code, int error_number, bool sticky);
/* At the n-th write, sync or truncation the power goes: every later call fails. */
void faulty_vfs_cut_power_at(long n);
/* Did the fault, or the cut, happen? */
bool faulty_vfs_happened(void);
/* Ends all faults. After a cut, writes that were not synced are kept, lost or torn by lot. All
 * files must be closed. */
void faulty_vfs_mend(struct dse_rng *rng);

#endif
