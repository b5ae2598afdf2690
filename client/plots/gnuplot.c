/* The program gnuplot as a child: the script on its standard input, its complaints kept. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/plots/plots_internal.h"

enum { COMPLAINT_BYTES = 1 << 16 };
extern char **environ;

/* A file without a name that holds text, read from its start; -1 with errno. */
static int file_of(const char *name, const struct dse_buf *text) {
    int fd = memfd_create(name, MFD_CLOEXEC);
    size_t size = text == NULL ? 0 : text->size;
    for (size_t done = 0; fd >= 0 && done < size;) {
        ssize_t n = write(fd, text->data + done, size - done);
        if (n < 0 && errno != EINTR) {
            (void)close(fd);
            return -1;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0)
        (void)lseek(fd, 0, SEEK_SET);
    return fd;
}

static enum dse_status start(int in, int complaints, pid_t *pid, struct dse_err *err) {
    char program[] = "gnuplot";
    char *const arguments[] = {program, NULL};
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, complaints, STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
    int failed = posix_spawnp(pid, program, &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed == ENOENT)
        DSE_FAIL(err, DSE_UNSUPPORTED,
                 "gnuplot is not installed (Debian's package gnuplot-nox); --format csv works "
                 "without it");
    if (failed != 0)
        DSE_FAIL(err, DSE_IO, "gnuplot: %s", strerror(failed));
    return DSE_OK;
}

/* The first line that is not empty, from the program or about it. */
static enum dse_status tell(int complaints, int wait_status, struct dse_err *err) {
    struct dse_buf text = {0};
    (void)lseek(complaints, 0, SEEK_SET);
    enum dse_status status =
        dse_file_read_fd(complaints, "gnuplot's messages", COMPLAINT_BYTES, &text, NULL);
    const char *last = "no message";
    char *rest = NULL;
    for (char *line = status == DSE_OK && text.size > 0 ? strtok_r(text.data, "\n", &rest) : NULL;
         line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (line[strspn(line, " \t^")] != '\0')
            last = line;
    status = dse_err_set(err, DSE_FAILED, "gnuplot ended with status %d: %.200s",
                         WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1, last);
    dse_buf_fini(&text);
    return status;
}

enum dse_status plots__run_gnuplot(const struct dse_buf *script, struct dse_err *err) {
    int in = file_of("script", script), complaints = file_of("messages", NULL);
    pid_t pid = 0;
    int wait_status = 0;
    enum dse_status status;
    if (in < 0 || complaints < 0)
        status = dse_err_set_errno(err, "a script for gnuplot");
    else
        status = start(in, complaints, &pid, err);
    if (status == DSE_OK) {
        while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
            continue;
        if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0)
            status = tell(complaints, wait_status, err);
    }
    if (in >= 0)
        (void)close(in);
    if (complaints >= 0)
        (void)close(complaints);
    return status;
}
