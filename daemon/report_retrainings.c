/* Retrainings of individuals: texts in the store, records to clients. */
#include <limits.h>
#include <string.h>

#include "daemon/report_internal.h"

enum dse_status dse_report_take_retraining(struct dse_store *store,
                                           const struct dse_msg_retraining *retraining,
                                           struct dse_err *err) {
    struct dse_buf text = {0};
    if (retraining->generation < -1 || retraining->generation > INT_MAX || retraining->slot < 0 ||
        retraining->slot > INT_MAX)
        DSE_FAIL(err, DSE_NOT_FOUND, "no individual %lld.%lld", (long long)retraining->generation,
                 (long long)retraining->slot);
    enum dse_status status = dse_record_encode(DSE_RECORD_retraining, retraining, &text, err);
    if (status == DSE_OK)
        status = dse_store_put_retraining(store, retraining->sweep, (int)retraining->generation,
                                          (int)retraining->slot, retraining->settings,
                                          dse_buf_text(&text), err);
    dse_buf_fini(&text);
    return status;
}

enum dse_status dse_report_retrainings(struct dse_store *store,
                                       const struct dse_msg_sweep_id *which,
                                       struct dse_arena *arena,
                                       struct dse_msg_retraining_list *list, struct dse_err *err) {
    const char **texts = NULL;
    struct dse_sweep_row row;
    int n = 0;
    DSE_TRY(dse_store_load_sweep(store, which->sweep, arena, &row, err));
    DSE_TRY(dse_store_list_retrainings(store, which->sweep, arena, &texts, &n, err));
    struct dse_msg_retraining *made = dse_arena_alloc(arena, (size_t)n, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d retrainings", n);
    for (int i = 0; i < n; i++)
        DSE_TRY(dse_record_decode(DSE_RECORD_retraining, texts[i], strlen(texts[i]), arena,
                                  &made[i], err));
    *list = (struct dse_msg_retraining_list){.retrainings = made, .retrainings_n = n};
    return DSE_OK;
}
