/* What is known of the terminal. */
#include "client/client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool client__is_terminal(int fd) {
    return isatty(fd) == 1;
}

int client__terminal_width(int fd) {
    enum { DEFAULT = 80, LEAST = 20, MOST = 1000 };
    const char *columns = getenv("COLUMNS");
    struct winsize size = {0};
    long width = columns != NULL ? strtol(columns, NULL, 10) : 0;
    if (width <= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    if (width <= 0)
        width = DEFAULT;
    return width < LEAST ? LEAST : width > MOST ? MOST : (int)width;
}

struct client__style client__style_of(int fd, bool no_color) {
    const char *term = getenv("TERM");
    const char *no_color_wish = getenv("NO_COLOR");
    bool plain = no_color || !client__is_terminal(fd) || term == NULL ||
                 strcmp(term, "dumb") == 0 || (no_color_wish != NULL && no_color_wish[0] != '\0');
    if (plain)
        return (struct client__style){"", "", "", ""};
    return (struct client__style){"\033[1m", "\033[2m", "\033[31m", "\033[0m"};
}
