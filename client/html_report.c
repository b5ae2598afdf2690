/* pareto report: one HTML file about a sweep, which needs nothing else: no network, no other file.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "client/album.h"

enum { LARGEST_PICTURE_BYTES = 64 << 20 };

struct report {
    struct client__album album;
    const struct dse_msg_front *front;
    const struct dse_msg_sweep_workload *workload;
    bool was_looked_at; /* was a member evaluated again? */
    struct dse_buf html;
};

/* ---- text ---- */

static void put_escaped(struct dse_buf *out, const char *text) {
    for (; *text != '\0'; text++) {
        const char *safe = *text == '<'   ? "&lt;"
                           : *text == '>' ? "&gt;"
                           : *text == '&' ? "&amp;"
                           : *text == '"' ? "&quot;"
                                          : NULL;
        if (safe != NULL)
            dse_buf_puts(out, safe);
        else
            dse_buf_append(out, text, 1);
    }
}

static void put_element(struct dse_buf *out, const char *open, const char *text,
                        const char *close) {
    dse_buf_puts(out, open);
    put_escaped(out, text);
    dse_buf_puts(out, close);
}

/* Works on a telephone and on paper; tables scroll on their own. */
static const char STYLE[] =
    "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1rem;color:#222}"
    "h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px "
    "solid #ccc}"
    ".facts{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}.facts dt{color:#666}"
    ".facts dd{margin:0;overflow-wrap:anywhere}"
    ".scroll{overflow:auto;max-height:36rem}@media print{.scroll{max-height:none}}table{border-collapse:collapse;font-size:.9rem}"
    "th,td{padding:.25rem .7rem;text-align:right;white-space:nowrap}"
    "th{white-space:normal;max-width:12rem;overflow-wrap:break-word;vertical-align:bottom;"
    "cursor:pointer;border-bottom:2px solid #888;position:sticky;top:0;background:#fff}"
    "th:focus-visible{outline:2px solid #0072B2}tbody tr:nth-child(even){background:#f5f5f5}"
    "tbody tr:hover{background:#d9ecf7}tr.float32 td{color:#D55E00}"
    ".pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));"
    "gap:1.5rem}"
    "figure{margin:0}figure svg{width:100%;height:auto}figcaption{font-size:.9rem;color:#555}"
    "pre{background:#f5f5f5;padding:1rem;overflow-x:auto;font-size:.85rem}";

/* Sorts by a column; again for the other direction. */
static const char SCRIPT[] =
    "document.querySelectorAll('th').forEach((head,column)=>{const sort=()=>{"
    "const body=head.closest('table').tBodies[0],rows=[...body.rows],up=head.ariaSort!=='ascending';"
    "document.querySelectorAll('th').forEach(h=>h.ariaSort='none');"
    "head.ariaSort=up?'ascending':'descending';"
    "const key=r=>{const v=r.cells[column].dataset.value;return isNaN(v)?v:Number(v)};"
    "rows.sort((a,b)=>(key(a)>key(b)?1:key(a)<key(b)?-1:0)*(up?1:-1)).forEach(r=>body.append(r))};"
    "head.onclick=sort;head.onkeydown=e=>{if(e.key==='Enter')sort()}});";

/* ---- parts ---- */

static void put_fact(struct report *r, const char *name, const char *value) {
    put_element(&r->html, "<dt>", name, "</dt>");
    put_element(&r->html, "<dd>", value, "</dd>\n");
}

static void put_summary(struct report *r) {
    const struct dse_msg_sweep *s = r->album.sweep;
    struct dse_arena *arena = &r->album.c->arena;
    const char *counts = dse_console_printf(
        arena, "%s individuals, %s evaluations, %s answered from the store, %s failed",
        dse_console_count_text(arena, s->individuals),
        dse_console_count_text(arena, s->evaluations), dse_console_count_text(arena, s->cache_hits),
        dse_console_count_text(arena, s->failures));
    const char *state =
        s->reason[0] == '\0' ? s->state : dse_console_printf(arena, "%s: %s", s->state, s->reason);
    dse_buf_puts(&r->html, "<h2 id=summary>Summary</h2>\n<dl class=facts>\n");
    put_fact(r, "state", state);
    put_fact(r, "generations",
             dse_console_printf(arena, "%" PRId64 " of %" PRId64 ", population %" PRId64,
                                s->generation + 1, s->generations, s->population));
    put_fact(r, "evaluated", counts);
    put_fact(r, "front",
             dse_console_printf(arena, "%s members", dse_console_count_text(arena, s->front_size)));
    put_fact(r, "submitted", dse_console_date_text(arena, s->submitted_at_ms));
    if (s->finished_at_ms > 0) {
        put_fact(r, "finished", dse_console_date_text(arena, s->finished_at_ms));
        put_fact(r, "took",
                 dse_console_duration_text(arena, (double)(s->finished_at_ms - s->submitted_at_ms) /
                                                      1000.0));
    }
    put_fact(r, "seed", dse_console_printf(arena, "%" PRId64, s->seed));
    put_fact(r, "content", s->content_hash);
    put_fact(r, "written by", "paretod " DSE_VERSION);
    dse_buf_puts(&r->html, "</dl>\n");
}

static void put_bits(struct dse_buf *out, const char *name, const int64_t *bits, int n) {
    dse_buf_printf(out, "%s", name);
    for (int i = 0; i < n; i++)
        dse_buf_printf(out, " %" PRId64, bits[i]);
}

/* What was found when it was evaluated again, last; empty fields where it was not. */
static void put_look(struct report *r, const struct dse_msg_individual *one,
                     const struct client__measure *measures) {
    const struct dse_msg_second_look *look =
        one->again_n > 0 ? &one->again[one->again_n - 1] : NULL;
    for (int i = 0; i < one->objectives_n; i++) {
        bool known = look != NULL && i < look->estimates_n;
        double value = known ? look->estimates[i].value : NAN;
        dse_buf_printf(&r->html, known ? "<td data-value=\"%.17g\">" : "<td data-value=\"\">",
                       value);
        put_element(&r->html, "",
                    known ? client__estimate_text(r->album.c, &measures[i], &look->estimates[i])
                          : "",
                    "</td>");
    }
}

/* What a row is: bits, exits and dropout of a network, else genes. */
static void put_traits(struct report *r, const struct dse_msg_individual *one,
                       struct dse_buf *out) {
    static const struct {
        int trait;
        const char *words;
    } others[] = {{CLIENT__THRESHOLDS, "; exits at entropies below "},
                  {CLIENT__DROPOUT, "; dropout, % x passes: "}};
    if (one->input_bits_n == 0) {
        dse_buf_puts(out, one->genome);
        return;
    }
    put_bits(out, "inputs", one->input_bits, one->input_bits_n);
    put_bits(out, "; weights", one->weight_bits, one->weight_bits_n);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const char *text = client__trait_text(r->album.c, others[i].trait, one);
        if (text[0] != '\0')
            dse_buf_printf(out, "%s%s", others[i].words, text);
    }
}

/* One row; what hovers over it says the genome. */
static void put_row(struct report *r, const struct dse_msg_individual *one, bool baseline,
                    const struct client__measure *measures) {
    struct dse_buf title = {0};
    struct dse_arena *arena = &r->album.c->arena;
    put_traits(r, one, &title);
    dse_buf_puts(&r->html, baseline ? "<tr class=float32" : "<tr");
    put_element(&r->html, " title=\"", dse_buf_text(&title), "\">");
    dse_buf_fini(&title);
    dse_buf_printf(&r->html, "<td data-value=\"%.9f\">%s</td>",
                   (double)one->generation + (double)one->slot / 1e7,
                   client__individual_name(arena, one->generation, one->slot));
    for (int i = 0; i < one->objectives_n; i++) {
        dse_buf_printf(&r->html, "<td data-value=\"%.17g\">", one->objectives[i]);
        put_element(&r->html, "", client__measure_text(arena, &measures[i], one->objectives[i]),
                    "</td>");
    }
    if (r->was_looked_at)
        put_look(r, one, measures);
    dse_buf_puts(&r->html, "</tr>\n");
}

static void put_front(struct report *r) {
    enum { MOST_OBJECTIVES = 16 };
    const struct dse_msg_front *front = r->front;
    struct client__measure measures[MOST_OBJECTIVES];
    int n = front->objectives_n < MOST_OBJECTIVES ? front->objectives_n : MOST_OBJECTIVES;
    dse_buf_puts(
        &r->html,
        "<h2 id=front>Front</h2>\n<p>A click on a head sorts; what hovers over a "
        "row says its bits, exits and dropout, or its genes.</p>\n<div class=scroll><table><thead><tr>"
        "<th tabindex=0>individual</th>");
    for (int i = 0; i < n; i++) {
        double largest = 0.0;
        for (int k = 0; k < front->members_n; k++)
            largest = fmax(largest, fabs(front->members[k].objectives[i]));
        measures[i] = client__measure_of(&r->album.c->arena, &front->objectives[i], largest);
        put_element(&r->html, "<th tabindex=0>", measures[i].label, "</th>");
    }
    for (int i = 0; r->was_looked_at && i < n; i++)
        put_element(&r->html, "<th tabindex=0>again: ", measures[i].label, "</th>");
    dse_buf_puts(&r->html, "</tr></thead><tbody>\n");
    if (front->baseline != NULL && front->baseline->objectives_n == n)
        put_row(r, front->baseline, true, measures);
    for (int k = 0; k < front->members_n; k++)
        put_row(r, &front->members[k], false, measures);
    dse_buf_puts(&r->html, "</tbody></table></div>\n");
}

/* The drawing itself, without the head of an XML file. */
static enum dse_status put_picture(struct report *r, enum dse_plot plot, const char *path,
                                   struct dse_err *err) {
    struct dse_buf svg = {0};
    struct dse_err why = {0};
    enum dse_status status = dse_plots_draw(plot, DSE_PLOT_FORMAT_svg, &r->album.data, path, &why);
    if (status == DSE_UNSUPPORTED && strstr(why.text, "gnuplot") == NULL)
        return DSE_OK; /* nothing to show */
    if (status == DSE_OK)
        status = dse_file_read(path, LARGEST_PICTURE_BYTES, &svg, &why);
    (void)unlink(path);
    if (status != DSE_OK)
        DSE_FAIL(err, status, "%s", why.text);
    const char *start = strstr(dse_buf_text(&svg), "<svg");
    dse_buf_printf(&r->html, "<figure id=%s>", dse_plot_name(plot));
    dse_buf_puts(&r->html, start != NULL ? start : "");
    put_element(&r->html, "<figcaption>", dse_plot_help(plot), "</figcaption></figure>\n");
    dse_buf_fini(&svg);
    return DSE_OK;
}

/* Names inside of the pictures would be the same in all of them. */
static enum dse_status put_pictures(struct report *r, const char *path, struct dse_err *err) {
    dse_buf_puts(&r->html, "<h2 id=pictures>Pictures</h2>\n<div class=pictures>\n");
    for (int i = 0; i < DSE_PLOT_COUNT; i++)
        DSE_TRY(put_picture(
            r, (enum dse_plot)i,
            dse_console_printf(&r->album.c->arena, "%s.%ld.svg", path, (long)getpid()), err));
    dse_buf_puts(&r->html, "</div>\n");
    return DSE_OK;
}

static void put_workload(struct report *r) {
    put_element(&r->html, "<h2 id=workload>Workload</h2>\n<p>", r->workload->file,
                ", with every default:</p>\n");
    put_element(&r->html, "<pre>", r->workload->canonical, "</pre>\n");
    dse_buf_puts(
        &r->html,
        "<h2 id=again>To get the same again</h2>\n<p>Put the text above into a file, beside "
        "the same data, and run</p>\n<pre>pareto run FILE\npareto dump --sha256</pre>\n"
        "<p>Equal workloads and seeds give equal dumps, on one worker or many.</p>\n");
}

static enum dse_status compose(struct report *r, const char *path, struct dse_err *err) {
    dse_buf_puts(&r->html, "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n"
                           "<meta name=viewport content=\"width=device-width\">\n");
    put_element(&r->html, "<title>", r->album.sweep->name, "</title>\n<style>");
    dse_buf_puts(&r->html, STYLE);
    put_element(&r->html, "</style></head><body>\n<h1>", r->album.sweep->name, "</h1>\n");
    put_summary(r);
    put_front(r);
    DSE_TRY(put_pictures(r, path, err));
    put_workload(r);
    dse_buf_puts(&r->html, "<script>");
    dse_buf_puts(&r->html, SCRIPT);
    dse_buf_puts(&r->html, "</script></body></html>\n");
    return dse_buf_status(&r->html, err);
}

static enum dse_status load(struct report *r, struct dse_err *err) {
    struct client *c = r->album.c;
    struct dse_rpc_reply reply;
    DSE_TRY(client__album_load(&r->album, c->options.operands[0], err));
    struct dse_msg_front_query query = {.sweep = r->album.sweep->sweep, .reevaluated = true};
    struct dse_msg_sweep_id id = {.sweep = r->album.sweep->sweep};
    DSE_TRY(client__load_front(c, query, &r->front, err));
    for (int i = 0; i < r->front->members_n; i++)
        r->was_looked_at = r->was_looked_at || r->front->members[i].again_n > 0;
    DSE_TRY(client__call(c, DSE_METHOD_workload, &id, &reply, err));
    r->workload = reply.result;
    return DSE_OK;
}

/* --output names the file; else results/NAME-SWEEP/report.html. */
static enum dse_status choose_path(struct report *r, const char **path, struct dse_err *err) {
    *path = r->album.c->options.output;
    if (*path != NULL)
        return DSE_OK;
    DSE_TRY(client__album_directory(&r->album, NULL, err));
    *path = dse_console_printf(&r->album.c->arena, "%s/report.html", r->album.directory);
    return DSE_OK;
}

enum dse_status client__command_report(struct client *c, struct dse_err *err) {
    struct report report = {.album.c = c};
    struct dse_buf out = {0};
    const char *path = NULL;
    DSE_TRY(load(&report, err));
    DSE_TRY(choose_path(&report, &path, err));
    enum dse_status status = compose(&report, path, err);
    if (status == DSE_OK)
        status = dse_file_replace(path, report.html.data, report.html.size, err);
    dse_buf_fini(&report.html);
    if (status != DSE_OK)
        return status;
    if (c->options.json) {
        dse_buf_puts(&out, "{\"file\":");
        dse_console_json_string(&out, path);
        dse_buf_puts(&out, "}\n");
    } else {
        dse_buf_printf(&out, "%s\n", dse_console_clean(&c->arena, path));
    }
    return dse_console_put(&out, err);
}
