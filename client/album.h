/* What pictures and reports show of a sweep. Inside of client. */
#ifndef DSE_CLIENT_ALBUM_H
#define DSE_CLIENT_ALBUM_H

#include "client/client.h"
#include "client/plots/plots.h"

/* Everything lives in the client's arena. */
struct client__album {
    struct client *c;
    const struct dse_msg_sweep *sweep;
    struct dse_msg_individual *individuals; /* what data.individuals shows */
    struct dse_plots_sweep data;
    char *directory;
};

/* Connects and asks for everything: the sweep (NULL: the newest), its individuals, the float32
 * network, and the chosen individuals with their cells (--individuals, else some of the front). */
DSE_MUST_USE enum dse_status client__album_load(struct client__album *album, const char *sweep,
                                                struct dse_err *err);
/* Makes the directory that is wanted, with its parents; NULL: results/NAME-SWEEP. */
DSE_MUST_USE enum dse_status client__album_directory(struct client__album *album,
                                                     const char *wanted, struct dse_err *err);

#endif
