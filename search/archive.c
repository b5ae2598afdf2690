/* The non-dominated points of a growing set.
 *
 * A k-d tree (Bentley 1975) whose subtrees are rebuilt when one side grows too heavy or half of
 * the tree is dead (scapegoat trees, Galperin and Rivest 1993), with the box around every subtree,
 * so that whole subtrees are accepted or passed over (as the ND-tree of Jaszkiewicz and Lust 2018
 * does). Along a front in the plane the boxes overlap nowhere: an offer costs O(log n), amortised.
 * A node is one point; everybody who stands on it is in its list of tags. */
#include "search/search.h"

#include <string.h>

enum { NONE = -1, CAPACITY_MIN = 16 };

/* A subtree with more than this share of its parent's nodes is too heavy. */
static const double HEAVY = 0.7;

struct node {
    int left, right; /* NONE: nothing there */
    int axis;        /* left comes before the point in this coordinate, then in the next ones */
    int size, live;  /* nodes of the subtree; those that have tags */
    int tags;        /* first of its list; NONE: dominated since, only good for the way down */
};

struct tag {
    int64_t value;
    int next;
};

struct dse_archive {
    int m;
    double sign[DSE_MAX_OBJECTIVES]; /* -1: maximised */
    dse_archive_same *same;
    const void *context;
    struct node *nodes;
    double *points; /* [capacity][m], minimised */
    double *boxes;  /* [capacity][2][m]: least and greatest of the subtree */
    int *scratch;   /* [capacity] */
    int n_nodes, node_capacity, free_node, root;
    struct tag *tags;
    int64_t *gone; /* [tag_capacity] */
    int n_tags, tag_capacity, free_tag, n_members;
};

enum dse_status dse_archive_new(const struct dse_space *space, dse_archive_same *same,
                                const void *context, struct dse_archive **archive,
                                struct dse_err *err) {
    struct dse_archive *a = dse_alloc(1, sizeof *a);
    if (a == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a front");
    *a = (struct dse_archive){.m = space->n_objectives,
                              .same = same,
                              .context = context,
                              .root = NONE,
                              .free_node = NONE,
                              .free_tag = NONE};
    for (int k = 0; k < a->m; k++)
        a->sign[k] = space->objectives[k].sense == DSE_MAXIMIZE ? -1 : 1;
    *archive = a;
    return DSE_OK;
}

void dse_archive_free(struct dse_archive *a) {
    if (a == NULL)
        return;
    dse_free(a->nodes);
    dse_free(a->points);
    dse_free(a->boxes);
    dse_free(a->scratch);
    dse_free(a->tags);
    dse_free(a->gone);
    dse_free(a);
}

int dse_archive_size(const struct dse_archive *a) {
    return a->n_members;
}

/* ---- points and boxes ---- */

static double *point_of(const struct dse_archive *a, int at) {
    return a->points + (size_t)at * (size_t)a->m;
}

static double *least_of(const struct dse_archive *a, int at) {
    return a->boxes + (size_t)at * 2 * (size_t)a->m;
}

static double *greatest_of(const struct dse_archive *a, int at) {
    return least_of(a, at) + a->m;
}

/* Is x nowhere greater than y? *differs: somewhere less. */
static bool is_at_most(const double *x, const double *y, int m, bool *differs) {
    *differs = false;
    for (int k = 0; k < m; k++) {
        if (x[k] > y[k])
            return false;
        *differs = *differs || x[k] < y[k];
    }
    return true;
}

/* By the coordinate of the axis, then by the next ones in a circle; 0: the same point. */
static int compare_from(const double *x, const double *y, int m, int axis) {
    for (int i = 0, k = axis; i < m; i++, k = k + 1 == m ? 0 : k + 1)
        if (x[k] != y[k])
            return x[k] < y[k] ? -1 : 1;
    return 0;
}

static void widen_box(struct dse_archive *a, int at, const double *least, const double *greatest) {
    double *low = least_of(a, at), *high = greatest_of(a, at);
    for (int k = 0; k < a->m; k++) {
        if (least[k] < low[k])
            low[k] = least[k];
        if (greatest[k] > high[k])
            high[k] = greatest[k];
    }
}

static void count_again(struct dse_archive *a, int at) {
    struct node *node = &a->nodes[at];
    node->size = 1;
    node->live = node->tags != NONE;
    for (int side = 0; side < 2; side++) {
        int child = side == 0 ? node->left : node->right;
        if (child != NONE) {
            node->size += a->nodes[child].size;
            node->live += a->nodes[child].live;
        }
    }
}

/* ---- memory ---- */

static void *grown(void *old, int capacity, size_t size, bool *failed) {
    void *array = *failed ? NULL : dse_realloc(old, (size_t)capacity, size);
    *failed = *failed || array == NULL;
    return array != NULL ? array : old;
}

/* Room for one node and one tag more; everything that may fail is done here. */
static enum dse_status reserve(struct dse_archive *a, struct dse_err *err) {
    size_t row = (size_t)a->m * sizeof *a->points;
    bool failed = false;
    if (a->free_node == NONE && a->n_nodes == a->node_capacity) {
        int larger = a->node_capacity == 0 ? CAPACITY_MIN : 2 * a->node_capacity;
        a->nodes = grown(a->nodes, larger, sizeof *a->nodes, &failed);
        a->points = grown(a->points, larger, row, &failed);
        a->boxes = grown(a->boxes, larger, 2 * row, &failed);
        a->scratch = grown(a->scratch, larger, sizeof *a->scratch, &failed);
        if (!failed)
            a->node_capacity = larger;
    }
    if (a->free_tag == NONE && a->n_tags == a->tag_capacity) {
        int larger = a->tag_capacity == 0 ? CAPACITY_MIN : 2 * a->tag_capacity;
        a->tags = grown(a->tags, larger, sizeof *a->tags, &failed);
        a->gone = grown(a->gone, larger, sizeof *a->gone, &failed);
        if (!failed)
            a->tag_capacity = larger;
    }
    if (failed)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a front of %d", a->n_members);
    return DSE_OK;
}

static int take_node(struct dse_archive *a, const double *point) {
    int at = a->free_node;
    if (at != NONE)
        a->free_node = a->nodes[at].left;
    else
        at = a->n_nodes++;
    size_t row = (size_t)a->m * sizeof *point;
    memcpy(point_of(a, at), point, row);
    memcpy(least_of(a, at), point, row);
    memcpy(greatest_of(a, at), point, row);
    a->nodes[at] = (struct node){.left = NONE, .right = NONE, .tags = NONE};
    return at;
}

static void add_tag(struct dse_archive *a, int at, int64_t value) {
    int tag = a->free_tag;
    if (tag != NONE)
        a->free_tag = a->tags[tag].next;
    else
        tag = a->n_tags++;
    a->tags[tag] = (struct tag){.value = value, .next = a->nodes[at].tags};
    a->nodes[at].tags = tag;
    a->n_members++;
}

static void take_tags_off(struct dse_archive *a, int at, int *n_gone) {
    int last = NONE;
    for (int tag = a->nodes[at].tags; tag != NONE; tag = a->tags[tag].next) {
        a->gone[(*n_gone)++] = a->tags[tag].value;
        a->n_members--;
        last = tag;
    }
    a->tags[last].next = a->free_tag;
    a->free_tag = a->nodes[at].tags;
    a->nodes[at].tags = NONE;
}

/* ---- keeping the tree in balance ---- */

static int next_axis(const struct dse_archive *a, int axis) {
    return axis + 1 == a->m ? 0 : axis + 1;
}

static void swap_nodes(int *nodes, int i, int k) {
    int kept = nodes[i];
    nodes[i] = nodes[k];
    nodes[k] = kept;
}

/* Puts the node that belongs there to the middle, those before it to its left (Hoare's Find). */
static void select_middle(const struct dse_archive *a, int *nodes, int n, int axis) {
    int first = 0, last = n - 1, middle = n / 2;
    while (first < last) {
        const double *pivot = point_of(a, nodes[first + (last - first) / 2]);
        int i = first, k = last;
        while (i <= k) {
            while (compare_from(point_of(a, nodes[i]), pivot, a->m, axis) < 0)
                i++;
            while (compare_from(point_of(a, nodes[k]), pivot, a->m, axis) > 0)
                k--;
            if (i <= k)
                swap_nodes(nodes, i++, k--);
        }
        if (middle <= k)
            last = k;
        else if (middle >= i)
            first = i;
        else
            return;
    }
}

static int build(struct dse_archive *a, int *nodes, int n, int axis) {
    if (n == 0)
        return NONE;
    select_middle(a, nodes, n, axis);
    int middle = n / 2, at = nodes[middle], next = next_axis(a, axis);
    struct node *node = &a->nodes[at];
    size_t row = (size_t)a->m * sizeof *a->points;
    node->axis = axis;
    node->left = build(a, nodes, middle, next);
    node->right = build(a, nodes + middle + 1, n - middle - 1, next);
    memcpy(least_of(a, at), point_of(a, at), row);
    memcpy(greatest_of(a, at), point_of(a, at), row);
    if (node->left != NONE)
        widen_box(a, at, least_of(a, node->left), greatest_of(a, node->left));
    if (node->right != NONE)
        widen_box(a, at, least_of(a, node->right), greatest_of(a, node->right));
    count_again(a, at);
    return at;
}

/* Into scratch, those that live; the others become free. */
static void gather(struct dse_archive *a, int at, int *n) {
    if (at == NONE)
        return;
    struct node node = a->nodes[at];
    if (node.tags != NONE) {
        a->scratch[(*n)++] = at;
    } else {
        a->nodes[at].left = a->free_node;
        a->free_node = at;
    }
    gather(a, node.left, n);
    gather(a, node.right, n);
}

static int rebuild(struct dse_archive *a, int at) {
    int n = 0, axis = a->nodes[at].axis;
    gather(a, at, &n);
    return build(a, a->scratch, n, axis);
}

static bool is_lopsided(const struct dse_archive *a, int at) {
    const struct node *node = &a->nodes[at];
    double limit = HEAVY * (double)node->size + 1;
    return (node->left != NONE && (double)a->nodes[node->left].size > limit) ||
           (node->right != NONE && (double)a->nodes[node->right].size > limit);
}

/* Puts a node below `at`; returns what stands there then. */
static int put_below(struct dse_archive *a, int at, int fresh, int axis) {
    if (at == NONE) {
        a->nodes[fresh].axis = axis;
        count_again(a, fresh);
        return fresh;
    }
    struct node *node = &a->nodes[at];
    const double *point = point_of(a, fresh);
    int *side =
        compare_from(point, point_of(a, at), a->m, node->axis) < 0 ? &node->left : &node->right;
    *side = put_below(a, *side, fresh, next_axis(a, node->axis));
    widen_box(a, at, point, point);
    count_again(a, at);
    return is_lopsided(a, at) ? rebuild(a, at) : at;
}

/* ---- questions ---- */

static bool is_dominated(const struct dse_archive *a, int at, const double *point) {
    bool differs;
    if (at == NONE || a->nodes[at].live == 0 || !is_at_most(least_of(a, at), point, a->m, &differs))
        return false;
    if (is_at_most(greatest_of(a, at), point, a->m, &differs) && differs)
        return true; /* everyone in the box */
    if (a->nodes[at].tags != NONE && is_at_most(point_of(a, at), point, a->m, &differs) && differs)
        return true;
    return is_dominated(a, a->nodes[at].left, point) || is_dominated(a, a->nodes[at].right, point);
}

static void drop_dominated(struct dse_archive *a, int at, const double *point, int *n_gone) {
    bool differs;
    if (at == NONE || a->nodes[at].live == 0 ||
        !is_at_most(point, greatest_of(a, at), a->m, &differs))
        return;
    if (a->nodes[at].tags != NONE && is_at_most(point, point_of(a, at), a->m, &differs) && differs)
        take_tags_off(a, at, n_gone);
    drop_dominated(a, a->nodes[at].left, point, n_gone);
    drop_dominated(a, a->nodes[at].right, point, n_gone);
    count_again(a, at);
}

static int find_point(const struct dse_archive *a, const double *point) {
    int at = a->root;
    while (at != NONE) {
        int order = compare_from(point, point_of(a, at), a->m, a->nodes[at].axis);
        if (order == 0)
            return at;
        at = order < 0 ? a->nodes[at].left : a->nodes[at].right;
    }
    return NONE;
}

static bool is_known(const struct dse_archive *a, int at, int64_t tag) {
    if (a->same == NULL)
        return a->nodes[at].tags != NONE;
    for (int other = a->nodes[at].tags; other != NONE; other = a->tags[other].next)
        if (a->same(a->context, tag, a->tags[other].value))
            return true;
    return false;
}

enum dse_status dse_archive_offer(struct dse_archive *a, const double *objectives, int64_t tag,
                                  struct dse_archive_change *change, struct dse_err *err) {
    double point[DSE_MAX_OBJECTIVES];
    for (int k = 0; k < a->m; k++)
        point[k] = a->sign[k] * objectives[k];
    *change = (struct dse_archive_change){0};
    int at = find_point(a, point);
    bool stands = at != NONE && a->nodes[at].tags != NONE; /* then nobody dominates it */
    if (stands ? is_known(a, at, tag) : is_dominated(a, a->root, point))
        return DSE_OK;
    DSE_TRY(reserve(a, err));
    change->is_in = true;
    change->gone = a->gone;
    if (stands) {
        add_tag(a, at, tag);
        return DSE_OK;
    }
    dse_assert(at == NONE); /* who dominated a dead point is there, or who dominates him */
    drop_dominated(a, a->root, point, &change->n_gone);
    if (a->root != NONE && a->nodes[a->root].live * 2 < a->nodes[a->root].size)
        a->root = rebuild(a, a->root);
    int fresh = take_node(a, point);
    add_tag(a, fresh, tag);
    a->root = put_below(a, a->root, fresh, 0);
    return DSE_OK;
}

static void list_below(const struct dse_archive *a, int at, double *points, int *n) {
    if (at == NONE)
        return;
    for (int tag = a->nodes[at].tags; tag != NONE; tag = a->tags[tag].next, (*n)++)
        for (int k = 0; k < a->m; k++)
            points[(size_t)*n * (size_t)a->m + (size_t)k] = a->sign[k] * point_of(a, at)[k];
    list_below(a, a->nodes[at].left, points, n);
    list_below(a, a->nodes[at].right, points, n);
}

void dse_archive_points(const struct dse_archive *a, double *points) {
    int n = 0;
    list_below(a, a->root, points, &n);
}
