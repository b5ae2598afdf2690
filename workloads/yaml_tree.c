/* libyaml's events as a tree. Aliases are refused, so a tree is never larger than its text. */
#include "workloads/workloads_internal.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { DEEPEST = 16 };

struct builder {
    yaml_parser_t parser;
    const char *text;
    size_t length;
    const char *file;
    struct dse_arena *arena;
    struct dse_workload_errors *errors;
    struct tree_node *root;
    struct tree_node *open[DEEPEST]; /* lists and maps around the place being read */
    int depth;
    int documents;
    bool stopped; /* the rest of the text is not looked at */
    bool whole;   /* the document was read to its end */
    bool no_memory;
};

bool workloads__tree_is_null(const struct tree_node *node) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    if (node->kind != TREE_SCALAR || !node->plain)
        return false;
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++)
        if (strcmp(node->text, nulls[i]) == 0)
            return true;
    return false;
}

static struct dse_mark mark_of(yaml_mark_t mark) {
    return (struct dse_mark){.line = (int)mark.line + 1, .column = (int)mark.column + 1};
}

/* ---- before libyaml: characters ---- */

/* Counts lines and columns (in characters) as libyaml does. */
static void advance(struct dse_mark *mark, const char *text, size_t length, uint32_t code) {
    bool ends_line = code == '\n' || (code == '\r' && !(length > 1 && text[1] == '\n'));
    if (ends_line)
        *mark = (struct dse_mark){.line = mark->line + 1, .column = 1};
    else
        mark->column++;
}

/* Is every character one that YAML allows? Complains about the first that is not. */
static bool characters_are_fine(const struct builder *b) {
    struct dse_mark mark = {1, 1};
    for (size_t i = 0; i < b->length;) {
        uint32_t code = 0;
        size_t n = dse_utf8_next(b->text + i, b->length - i, &code);
        if (n == 0) {
            dse_workload_add_error(b->errors, b->file, mark,
                                   "byte 0x%02x is not UTF-8; save the file as UTF-8 text",
                                   (unsigned char)b->text[i]);
            return false;
        }
        if (!workloads__yaml_printable(code)) {
            dse_workload_add_error(b->errors, b->file, mark,
                                   "character U+%04X is not allowed in YAML text", (unsigned)code);
            return false;
        }
        advance(&mark, b->text + i, b->length - i, code);
        i += n;
    }
    return true;
}

static char byte_at(const struct builder *b, struct dse_mark place) {
    struct dse_mark mark = {1, 1};
    for (size_t i = 0; i < b->length;) {
        if (mark.line == place.line && mark.column == place.column)
            return b->text[i];
        uint32_t code = 0;
        size_t n = dse_utf8_next(b->text + i, b->length - i, &code);
        advance(&mark, b->text + i, b->length - i, code);
        i += n > 0 ? n : 1;
    }
    return '\0';
}

/* ---- syntax errors ---- */

/* What to do about libyaml's commoner findings. */
static const struct {
    const char *problem, *hint;
} hints[] = {
    {"mapping values are not allowed in this context",
     "a colon followed by a space makes a key: check the indentation, or quote the text"},
    {"did not find expected key",
     "check the indentation and the quotes of this line and the one above"},
    {"could not find expected ':'", "a key needs a colon and a space after it"},
    {"found unexpected end of stream", "a quote is not closed"},
    {"did not find expected ',' or ']'", "a list that begins with [ ends with ]"},
    {"did not find expected ',' or '}'", "a mapping that begins with { ends with }"},
    {"did not find expected '-' indicator",
     "items of a list stand below each other, each after a dash"},
    {"found character that cannot start any token", "quote texts that begin with @, ` or %"},
};

static const char *hint_for(const char *problem) {
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (strcmp(hints[i].problem, problem) == 0)
            return hints[i].hint;
    return NULL;
}

static void complain_about_syntax(struct builder *b) {
    const yaml_parser_t *parser = &b->parser;
    struct dse_mark mark = mark_of(parser->problem_mark);
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
    if (byte_at(b, mark) == '\t') {
        dse_workload_add_error(b->errors, b->file, mark,
                               "a tab stands where YAML wants spaces; indent with spaces");
        return;
    }
    char context[160] = "";
    if (parser->context != NULL && parser->context_mark.line != parser->problem_mark.line)
        (void)snprintf(context, sizeof context, ", %s that begins on line %d", parser->context,
                       mark_of(parser->context_mark).line);
    const char *hint = hint_for(problem);
    dse_workload_add_error(b->errors, b->file, mark, "not YAML: %s%s%s%s", problem, context,
                           hint == NULL ? "" : "; ", hint == NULL ? "" : hint);
}

static void stop_at_parser_error(struct builder *b) {
    b->stopped = true;
    b->whole = false;
    if (b->parser.error == YAML_MEMORY_ERROR)
        b->no_memory = true;
    else
        complain_about_syntax(b);
}

/* ---- the tree ---- */

static struct tree_node *append_node(struct builder *b, enum tree_kind kind, yaml_mark_t mark) {
    struct tree_node *node = dse_arena_alloc(b->arena, 1, sizeof *node);
    if (node == NULL) {
        b->no_memory = b->stopped = true;
        return NULL;
    }
    node->kind = kind;
    node->mark = mark_of(mark);
    if (b->depth == 0) {
        b->root = node;
        return node;
    }
    struct tree_node *parent = b->open[b->depth - 1];
    if (parent->last == NULL)
        parent->first = node;
    else
        parent->last->next = node;
    parent->last = node;
    return node;
}

static void refuse_decoration(struct builder *b, yaml_mark_t mark, const yaml_char_t *anchor,
                              const yaml_char_t *tag) {
    char shown[WORKLOADS_QUOTE_SIZE];
    if (anchor != NULL)
        dse_workload_add_error(b->errors, b->file, mark_of(mark),
                               "anchor %s: anchors and aliases (& and *) are not allowed",
                               workloads__quote((const char *)anchor, shown, sizeof shown));
    if (tag != NULL)
        dse_workload_add_error(b->errors, b->file, mark_of(mark),
                               "tag %s: tags (!) are not allowed; every key has its own kind",
                               workloads__quote((const char *)tag, shown, sizeof shown));
}

static void add_alias(struct builder *b, const yaml_event_t *event) {
    char shown[WORKLOADS_QUOTE_SIZE];
    dse_workload_add_error(
        b->errors, b->file, mark_of(event->start_mark),
        "alias %s: anchors and aliases (& and *) are not allowed; write the value again",
        workloads__quote((const char *)event->data.alias.anchor, shown, sizeof shown));
    (void)append_node(b, TREE_REFUSED, event->start_mark);
}

static void add_scalar(struct builder *b, const yaml_event_t *event) {
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    refuse_decoration(b, event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
    struct tree_node *node = append_node(b, TREE_SCALAR, event->start_mark);
    if (node == NULL)
        return;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->has_nul = memchr(value, '\0', length) != NULL;
    node->text = dse_arena_strndup(b->arena, value, length);
    if (node->text == NULL)
        b->no_memory = b->stopped = true;
}

static void open_node(struct builder *b, enum tree_kind kind, const yaml_event_t *event) {
    if (b->depth == DEEPEST) {
        dse_workload_add_error(b->errors, b->file, mark_of(event->start_mark),
                               "lists and mappings are nested more than %d deep", DEEPEST);
        b->stopped = true;
        return;
    }
    struct tree_node *node = append_node(b, kind, event->start_mark);
    if (node == NULL)
        return;
    node->open = true;
    b->open[b->depth++] = node;
}

static void close_node(struct builder *b) {
    dse_assert(b->depth > 0);
    b->open[--b->depth]->open = false;
}

static void begin_document(struct builder *b, const yaml_event_t *event) {
    if (b->documents++ == 0)
        return;
    dse_workload_add_error(b->errors, b->file, mark_of(event->start_mark),
                           "a second document begins here; a workload file holds one");
    b->stopped = true;
}

static void take_event(struct builder *b, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        begin_document(b, event);
        break;
    case YAML_ALIAS_EVENT:
        add_alias(b, event);
        break;
    case YAML_SCALAR_EVENT:
        add_scalar(b, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_decoration(b, event->start_mark, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
        open_node(b, TREE_LIST, event);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_decoration(b, event->start_mark, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
        open_node(b, TREE_MAP, event);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_node(b);
        break;
    case YAML_DOCUMENT_END_EVENT:
        b->whole = true;
        break;
    default: /* start and end of the stream */
        break;
    }
}

static void build(struct builder *b) {
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)b->text, b->length);
    for (bool ended = false; !ended && !b->stopped;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&b->parser, &event)) {
            stop_at_parser_error(b);
            break;
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        take_event(b, &event);
        yaml_event_delete(&event);
    }
}

enum dse_status workloads__tree_read(const char *text, size_t length, const char *file,
                                     struct dse_arena *arena, struct tree_node **root, bool *whole,
                                     struct dse_workload_errors *errors, struct dse_err *err) {
    static const char byte_order_mark[] = {'\xef', '\xbb', '\xbf'};
    if (length >= sizeof byte_order_mark &&
        memcmp(text, byte_order_mark, sizeof byte_order_mark) == 0) {
        text += sizeof byte_order_mark;
        length -= sizeof byte_order_mark;
    }
    struct builder b = {
        .text = text, .length = length, .file = file, .arena = arena, .errors = errors};
    if (characters_are_fine(&b)) {
        if (!yaml_parser_initialize(&b.parser))
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for the YAML parser");
        build(&b);
        yaml_parser_delete(&b.parser);
    }
    if (b.no_memory)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a YAML text of %zu bytes", length);
    *root = b.root;
    *whole = b.whole;
    return DSE_OK;
}
