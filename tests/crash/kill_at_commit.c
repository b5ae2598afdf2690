/* Stands between the store and SQLite in a paretod made for tests (linked with
 * --wrap=sqlite3_step): at the end of the transaction whose number, counted from the start of the
 * process, is in PARETO_TEST_KILL_COMMIT the process kills itself with -9, before it is on disk
 * where PARETO_TEST_KILL_WHEN is "before", else after. */
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The names that the linker makes. */
int __real_sqlite3_step(sqlite3_stmt *stmt);
int __wrap_sqlite3_step(sqlite3_stmt *stmt);

static bool ends_transaction(sqlite3_stmt *stmt) {
    const char *sql = sqlite3_sql(stmt);
    if (strcmp(sql, "COMMIT") == 0)
        return true;
    return sqlite3_get_autocommit(sqlite3_db_handle(stmt)) && !sqlite3_stmt_readonly(stmt) &&
           strncmp(sql, "BEGIN", 5) != 0 && strncmp(sql, "PRAGMA", 6) != 0;
}

int __wrap_sqlite3_step(sqlite3_stmt *stmt) {
    static long commits, wanted = -1;
    static bool before;
    if (wanted < 0) {
        const char *number = getenv("PARETO_TEST_KILL_COMMIT");
        const char *when = getenv("PARETO_TEST_KILL_WHEN");
        wanted = number != NULL ? atol(number) : 0;
        before = when != NULL && strcmp(when, "before") == 0;
    }
    bool is_end = wanted > 0 && ends_transaction(stmt) && ++commits == wanted;
    if (is_end && before)
        (void)kill(getpid(), SIGKILL);
    int code = __real_sqlite3_step(stmt);
    if (is_end)
        (void)kill(getpid(), SIGKILL);
    return code;
}
