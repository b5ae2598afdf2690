/* cache: what is kept on disk, and cleaning it. */
#include "evaluator/cache/cache.h"

#include <inttypes.h>

#include "evaluator/model/model.h"

static const int64_t MIB = 1 << 20;

static double days_since(int64_t ms) {
    const double DAY_MS = 24.0 * 3600.0 * 1000.0;
    return ms == 0 ? 0.0 : (double)(dse_clock_wall_ms() - ms) / DAY_MS;
}

static enum dse_status print_usage(struct model *m, const char *dir, int64_t limit,
                                   const struct dse_cache_usage *kept,
                                   const struct dse_cache_usage *removed, struct dse_err *err) {
    struct dse_buf out = {0};
    if (m->options.json) {
        dse_buf_puts(&out, "{\"dir\":");
        dse_console_json_string(&out, dir);
        dse_buf_printf(&out,
                       ",\"blocks\":%" PRId64 ",\"bytes\":%" PRId64 ",\"limit_bytes\":%" PRId64
                       ",\"removed_blocks\":%" PRId64 ",\"removed_bytes\":%" PRId64 "}\n",
                       kept->blocks, kept->bytes, limit, removed->blocks, removed->bytes);
    } else {
        dse_buf_printf(&out, "%s: %" PRId64 " blocks, %.1f MiB of at most %.0f\n",
                       dse_console_clean(&m->arena, dir), kept->blocks,
                       (double)kept->bytes / (double)MIB, (double)limit / (double)MIB);
        if (kept->blocks > 0)
            dse_buf_printf(&out, "last used %.1f to %.1f days ago\n", days_since(kept->youngest_ms),
                           days_since(kept->oldest_ms));
        if (m->options.clean || model__given(m, MODEL_OPTION_keep))
            dse_buf_printf(&out, "removed %" PRId64 " blocks, %.1f MiB\n", removed->blocks,
                           (double)removed->bytes / (double)MIB);
    }
    return dse_console_put(&out, err);
}

enum dse_status model__command_cache(struct model *m, struct dse_err *err) {
    char dir[4096];
    int64_t limit;
    struct dse_cache_usage kept, removed = {0};
    dse_cache_default_dir(dir, sizeof dir);
    if (dir[0] == '\0')
        DSE_FAIL(err, DSE_CONFLICT, "there is no cache: PARETO_CACHE is off, or HOME is not set");
    DSE_TRY(dse_cache_default_limit(&limit, err));
    if (model__given(m, MODEL_OPTION_keep))
        DSE_TRY(dse_cache_clean(dir, m->options.keep * MIB, &removed, err));
    else if (m->options.clean)
        DSE_TRY(dse_cache_clean(dir, 0, &removed, err));
    DSE_TRY(dse_cache_measure(dir, &kept, err));
    return print_usage(m, dir, limit, &kept, &removed, err);
}
