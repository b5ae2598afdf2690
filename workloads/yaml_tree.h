/* YAML text as a tree of nodes with their places. The only file that knows libyaml is
 * yaml_tree.c. */
#ifndef DSE_WORKLOADS_YAML_TREE_H
#define DSE_WORKLOADS_YAML_TREE_H

#include "workloads/workloads.h"

enum tree_kind {
    TREE_SCALAR,
    TREE_LIST,
    TREE_MAP,
    TREE_REFUSED, /* an alias: already complained about */
};

/* Belongs to the arena it was read into. */
struct tree_node {
    enum tree_kind kind;
    bool open;    /* a list or map whose end was not reached */
    bool plain;   /* a scalar without quotes */
    bool has_nul; /* a scalar with a character 0 in it; text ends there */
    struct dse_mark mark;
    const char *text;        /* of a scalar */
    struct tree_node *first; /* children in order; of a map: key, value, key, value ... */
    struct tree_node *last;
    struct tree_node *next;
};

/* Reads one document. Syntax errors, aliases, anchors, tags, a second document, text that is not
 * UTF-8 are added to errors. *root is NULL when there is nothing; *whole is false when the document
 * was not read to its end, and *root then holds what stands before that place. Fails only with
 * NO_MEMORY. */
DSE_MUST_USE enum dse_status workloads__tree_read(const char *text, size_t length, const char *file,
                                                  struct dse_arena *arena, struct tree_node **root,
                                                  bool *whole, struct dse_workload_errors *errors,
                                                  struct dse_err *err);
/* No value: nothing after the colon, "~" or "null". */
bool workloads__tree_is_null(const struct tree_node *node);

#endif
