/* Pictures in folders: a folder for each class, sorted by the bytes of their names, as
 * torchvision's ImageFolder does; in each, PNG and JPEG files. Only the pictures wanted are read;
 * what is wrong with any of them is said together. */
#include "evaluator/datasets/datasets_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "evaluator/images/images.h"

struct pictures {
    struct dse_arena arena;
    const char *root;
    const char **paths; /* [n], heap; names live in the arena */
    uint16_t *classes;  /* [n], heap */
    int64_t n, room;
};

static void pictures_fini(struct pictures *pictures) {
    dse_free(pictures->paths);
    dse_free(pictures->classes);
    dse_arena_fini(&pictures->arena);
}

/* ---- finding them ---- */

static bool is_picture(const char *name) {
    static const char *const endings[] = {".png", ".jpg", ".jpeg"};
    const char *end = strrchr(name, '.');
    for (size_t i = 0; end != NULL && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(end, endings[i]) == 0)
            return true;
    return false;
}

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum dse_status grow(struct pictures *pictures, struct dse_err *err) {
    enum { FIRST_ROOM = 1024 };
    int64_t room = pictures->room == 0 ? FIRST_ROOM : 2 * pictures->room;
    if (room > DATASETS__MOST_IMAGES)
        DSE_FAIL(err, DSE_INVALID, "%s: more than %d pictures", pictures->root,
                 DATASETS__MOST_IMAGES / 2);
    void *paths = dse_realloc(pictures->paths, (size_t)room, sizeof *pictures->paths);
    if (paths != NULL)
        pictures->paths = paths;
    void *classes = dse_realloc(pictures->classes, (size_t)room, sizeof *pictures->classes);
    if (classes != NULL)
        pictures->classes = classes;
    if (paths == NULL || classes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a list of pictures");
    pictures->room = room;
    return DSE_OK;
}

static enum dse_status list_class(struct pictures *pictures, const char *folder, int class,
                                  struct dse_err *err) {
    const char *const *names;
    int n;
    int64_t before = pictures->n;
    DSE_TRY(dse_dir_list(folder, &pictures->arena, &names, &n, err));
    for (int i = 0; i < n; i++) {
        if (!is_picture(names[i]))
            continue;
        if (pictures->n == pictures->room)
            DSE_TRY(grow(pictures, err));
        const char *path = dse_arena_printf(&pictures->arena, "%s/%s", folder, names[i]);
        if (path == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a list of pictures");
        pictures->classes[pictures->n] = (uint16_t) class;
        pictures->paths[pictures->n++] = path;
    }
    if (pictures->n == before)
        DSE_FAIL(err, DSE_INVALID, "%s: no PNG or JPEG file in this folder of a class", folder);
    return DSE_OK;
}

static enum dse_status list_pictures(const struct dse_dataset_request *request,
                                     struct pictures *pictures, struct dse_err *err) {
    const char *const *names;
    int n, class = 0;
    if (request->n_paths != 1)
        DSE_FAIL(err, DSE_INVALID, "pictures are in one folder; %d given", request->n_paths);
    pictures->root = request->paths[0];
    DSE_TRY(dse_dir_list(pictures->root, &pictures->arena, &names, &n, err));
    for (int i = 0; i < n; i++) {
        const char *folder = dse_arena_printf(&pictures->arena, "%s/%s", pictures->root, names[i]);
        if (folder == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a list of pictures");
        if (!is_folder(folder))
            continue;
        if (class == UINT16_MAX)
            DSE_FAIL(err, DSE_INVALID, "%s: more than %d classes", pictures->root, UINT16_MAX);
        DSE_TRY(list_class(pictures, folder, class ++, err));
    }
    if (class == 0)
        DSE_FAIL(err, DSE_INVALID, "%s: no folders in it; expected one for each class",
                 pictures->root);
    return DSE_OK;
}

/* ---- reading ---- */

static enum dse_status read_picture(const struct dse_dataset_request *request, const char *path,
                                    struct dse_image *image, struct dse_err *err) {
    struct dse_image read = {0};
    DSE_TRY(dse_image_load(path, &read, err));
    enum dse_status status = DSE_OK;
    if (request->resize > 0)
        status = dse_image_resize_shorter(&read, request->resize, err);
    if (status == DSE_OK && request->crop > 0)
        status = dse_image_crop_middle(&read, request->crop, err);
    if (status != DSE_OK) {
        dse_free(read.pixels);
        return dse_err_prefix(err, "%s", path);
    }
    if (request->grey)
        dse_image_make_grey(&read);
    *image = read;
    return DSE_OK;
}

/* Pictures that cannot be used, and why. */
struct complaints {
    struct dse_buf text;
    int n, unsaid;
};

static void complain(struct complaints *complaints, const char *why) {
    enum { SAID_BYTES = 700 }; /* of the room in an error */
    if (complaints->text.size + strlen(why) > SAID_BYTES && complaints->n > 0)
        complaints->unsaid++;
    else
        dse_buf_printf(&complaints->text, "%s%s", complaints->n > 0 ? "; " : "", why);
    complaints->n++;
}

static enum dse_status say(const struct complaints *complaints, int total, struct dse_err *err) {
    if (complaints->n == 0)
        return DSE_OK;
    DSE_TRY(dse_buf_status(&complaints->text, err));
    char rest[48] = "";
    if (complaints->unsaid > 0)
        (void)snprintf(rest, sizeof rest, "; and %d more", complaints->unsaid);
    DSE_FAIL(err, DSE_INVALID, "%d of %d pictures cannot be used: %s%s", complaints->n, total,
             dse_buf_text(&complaints->text), rest);
}

/* Its place in the taker's memory; a picture that cannot be used is noted, and is no failure yet.
 */
static enum dse_status take_picture(const struct dse_dataset_request *request, const char *path,
                                    size_t image_bytes, uint8_t *to, struct complaints *complaints,
                                    struct dse_err *err) {
    struct dse_image image = {0};
    struct dse_err why = {0};
    enum dse_status status = read_picture(request, path, &image, &why);
    if (status != DSE_OK && !dse_status_is_user(status) && status != DSE_IO)
        DSE_FAIL(err, status, "%s", why.text);
    size_t bytes = (size_t)image.h * (size_t)image.w * (size_t)image.c;
    if (status == DSE_OK && bytes != image_bytes)
        (void)dse_err_set(&why, DSE_INVALID,
                          "%s: %d x %d pixels, another size than the first; set dataset.resize and "
                          "dataset.crop",
                          path, image.w, image.h);
    if (status == DSE_OK && bytes == image_bytes)
        memcpy(to, image.pixels, bytes);
    else
        complain(complaints, why.text);
    dse_free(image.pixels);
    return DSE_OK;
}

static enum dse_status take_all(const struct dse_dataset_request *request,
                                const struct pictures *pictures, struct datasets__taker *taker,
                                struct dse_err *err) {
    struct complaints complaints = {0};
    enum dse_status status = DSE_OK;
    for (int64_t i = 0; status == DSE_OK && i < pictures->n; i++) {
        uint8_t *to = datasets__take(taker, i);
        if (to == NULL)
            continue;
        status =
            take_picture(request, pictures->paths[i], taker->image_bytes, to, &complaints, err);
        if (request->progress != NULL)
            request->progress(request->progress_context, taker->next, taker->n);
    }
    if (status == DSE_OK)
        status = say(&complaints, taker->n, err);
    dse_buf_fini(&complaints.text);
    return status;
}

/* ---- the format ---- */

/* Without a crop, the size is that of the first picture wanted that can be read. */
static enum dse_status find_size(const struct dse_dataset_request *request,
                                 const struct pictures *pictures, struct datasets__content *content,
                                 struct dse_err *err) {
    content->h = content->w = request->crop;
    content->c = request->grey ? 1 : 3;
    if (request->crop > 0 || request->first >= pictures->n)
        return DSE_OK;
    struct dse_image image = {0};
    DSE_TRY(read_picture(request, pictures->paths[request->first], &image, err));
    content->h = image.h;
    content->w = image.w;
    dse_free(image.pixels);
    if (image.h > DATASETS__LARGEST_SIDE || image.w > DATASETS__LARGEST_SIDE)
        DSE_FAIL(err, DSE_INVALID, "%s: more than %d pixels a side; set dataset.resize",
                 pictures->paths[request->first], (int)DATASETS__LARGEST_SIDE);
    return DSE_OK;
}

enum dse_status datasets__scan_pictures(const struct dse_dataset_request *request,
                                        struct datasets__content *content, struct dse_err *err) {
    struct pictures pictures = {0};
    int64_t capacity = 0;
    enum dse_status status = list_pictures(request, &pictures, err);
    for (int64_t i = 0; status == DSE_OK && i < pictures.n; i++)
        status = datasets__add_label(content, &capacity, pictures.classes[i], err);
    if (status == DSE_OK)
        status = find_size(request, &pictures, content, err);
    pictures_fini(&pictures);
    return status;
}

enum dse_status datasets__fetch_pictures(const struct dse_dataset_request *request,
                                         struct datasets__taker *taker, struct dse_err *err) {
    struct pictures pictures = {0};
    enum dse_status status = list_pictures(request, &pictures, err);
    if (status == DSE_OK)
        status = take_all(request, &pictures, taker, err);
    pictures_fini(&pictures);
    return status;
}
