/* upkeep: the program pareto-db, which looks after the database of a state directory. This header
 * is for the files of the room and for its tests; no other room uses it. */
#ifndef DSE_STORE_UPKEEP_H
#define DSE_STORE_UPKEEP_H

#include "base/base.h"
#include "console/console.h"

/* Every command: X(name, operands as shown, fewest, most, summary, more for its own help). */
#define UPKEEP_COMMAND_TABLE(X)                                                                 \
    X(check, "", 0, 0, "look for damage in the database",                                       \
      "Structure, foreign keys, schema, every tally, genome and objective, and what rows\n"     \
      "say of each other. A daemon may be at work. Exit status 3 when something is wrong.\n")   \
    X(backup, "FILE", 1, 1, "copy the database as it is now",                                   \
      "A daemon may be at work. FILE appears under its name when it is whole and on disk,\n"    \
      "in the place of an older copy. To restore it, stop the daemon and put the copy in the\n" \
      "place of pareto.db, without pareto.db-wal and pareto.db-shm.\n")                         \
    X(completion, "SHELL", 1, 1, "print the completion script of a shell",                      \
      "SHELL is bash, zsh or fish. Installed programs have theirs installed.\n")                \
    X(vacuum, "", 0, 0, "give the room of deleted rows back to the disk",                       \
      "Writes the database anew, which needs room for a second one. Refused while a daemon\n"   \
      "has the state directory.\n")

enum upkeep__command_id {
#define X(name, operands, fewest, most, summary, more) UPKEEP_COMMAND_##name,
    UPKEEP_COMMAND_TABLE(X)
#undef X
        UPKEEP_COMMAND_COUNT
};

/* Every option: X(member, kind, text, value as shown, help); each command has all of them. */
#define UPKEEP_OPTION_TABLE(X)                                          \
    X(state, TEXT, "--state", "DIR", "state directory of a daemon")     \
    X(json, FLAG, "--json", "", "print the result as one line of JSON") \
    X(no_color, FLAG, "--no-color", "", "no colours")                   \
    X(help, HELP, "--help", "", "print help and exit")                  \
    X(version, VERSION, "--version", "", "print the version and exit")

#define UPKEEP_OPTION_TYPE_FLAG    bool
#define UPKEEP_OPTION_TYPE_TEXT    const char *
#define UPKEEP_OPTION_TYPE_HELP    bool
#define UPKEEP_OPTION_TYPE_VERSION bool

struct upkeep__options {
#define X(member, kind, text, value, help) UPKEEP_OPTION_TYPE_##kind member;
    UPKEEP_OPTION_TABLE(X)
#undef X
};

/* One in main, given to every command. */
struct upkeep {
    struct upkeep__options options;
    struct dse_console_line line;
    struct dse_arena arena;
    struct dse_console_progress progress;
    char path[4096]; /* of the database */
};

extern const struct dse_console_program upkeep__program;

#define X(name, operands, fewest, most, summary, more) \
    DSE_MUST_USE enum dse_status upkeep__command_##name(struct upkeep *u, struct dse_err *err);
UPKEEP_COMMAND_TABLE(X)
#undef X

#endif
