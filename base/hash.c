/* SHA-256 and MD5, from OpenSSL's libcrypto. */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHA256_BYTES = 32, MD5_BYTES = 16 };

static void write_hex(const unsigned char *digest, int n, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < n; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * n] = '\0';
}

enum dse_status dse_sha256_bytes(const void *bytes, size_t size, char out[DSE_SHA256_HEX],
                                 struct dse_err *err) {
    unsigned char digest[SHA256_BYTES];
    if (EVP_Digest(bytes, size, digest, NULL, EVP_sha256(), NULL) != 1)
        DSE_FAIL(err, DSE_NO_MEMORY, "SHA-256 of %zu bytes failed", size);
    write_hex(digest, SHA256_BYTES, out);
    return DSE_OK;
}

enum dse_status dse_md5_bytes(const void *bytes, size_t size, char out[DSE_MD5_HEX],
                              struct dse_err *err) {
    unsigned char digest[MD5_BYTES];
    if (EVP_Digest(bytes, size, digest, NULL, EVP_md5(), NULL) != 1)
        DSE_FAIL(err, DSE_NO_MEMORY, "MD5 of %zu bytes failed", size);
    write_hex(digest, MD5_BYTES, out);
    return DSE_OK;
}

static enum dse_status hash_descriptor(int fd, const char *path, const atomic_bool *stop,
                                       EVP_MD_CTX *context, struct dse_err *err) {
    unsigned char block[64 * 1024];
    if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        DSE_FAIL(err, DSE_NO_MEMORY, "%s: SHA-256 failed", path);
    for (;;) {
        if (stop != NULL && atomic_load(stop))
            DSE_FAIL(err, DSE_INTERRUPTED, "%s: stopped", path);
        ssize_t got = read(fd, block, sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return dse_err_set_errno(err, path);
        if (got == 0)
            return DSE_OK;
        if (EVP_DigestUpdate(context, block, (size_t)got) != 1)
            DSE_FAIL(err, DSE_NO_MEMORY, "%s: SHA-256 failed", path);
    }
}

static enum dse_status hash_file(const char *path, const atomic_bool *stop,
                                 char out[DSE_SHA256_HEX], struct dse_err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return dse_err_set_errno(err, path);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    enum dse_status status = context == NULL
                                 ? dse_err_set(err, DSE_NO_MEMORY, "%s: out of memory", path)
                                 : hash_descriptor(fd, path, stop, context, err);
    unsigned char digest[SHA256_BYTES];
    if (status == DSE_OK && EVP_DigestFinal_ex(context, digest, NULL) != 1)
        status = dse_err_set(err, DSE_NO_MEMORY, "%s: SHA-256 failed", path);
    if (status == DSE_OK)
        write_hex(digest, SHA256_BYTES, out);
    EVP_MD_CTX_free(context);
    (void)close(fd);
    return status;
}

enum dse_status dse_sha256_file(const char *path, char out[DSE_SHA256_HEX], struct dse_err *err) {
    return hash_file(path, NULL, out, err);
}

/* ---- folders ---- */

enum { DEEPEST = 16 };

/* A path below the one that was asked for. */
struct place {
    const char *path;
    int depth;
    const atomic_bool *stop;
};

static enum dse_status hash_place(const struct place *place, char out[DSE_SHA256_HEX],
                                  struct dse_err *err);

/* The text hashed has a line a name: the hash of what it names, a blank, the name, ended by 0. */
static enum dse_status hash_entries(const struct place *place, struct dse_arena *arena,
                                    struct dse_buf *text, struct dse_err *err) {
    const char *path = place->path;
    const char *const *names;
    int n;
    char hex[DSE_SHA256_HEX];
    DSE_TRY(dse_dir_list(path, arena, &names, &n, err));
    for (int i = 0; i < n; i++) {
        const struct place inner = {dse_arena_printf(arena, "%s/%s", path, names[i]),
                                    place->depth + 1, place->stop};
        if (inner.path == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "%s: out of memory", path);
        DSE_TRY(hash_place(&inner, hex, err));
        dse_buf_printf(text, "%s ", hex);
        dse_buf_append(text, names[i], strlen(names[i]) + 1);
    }
    return dse_buf_status(text, err);
}

static enum dse_status hash_folder(const struct place *place, char out[DSE_SHA256_HEX],
                                   struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_buf text = {0};
    if (place->depth > DEEPEST)
        DSE_FAIL(err, DSE_INVALID, "%s: folders in more than %d others", place->path, (int)DEEPEST);
    dse_buf_puts(&text, "folder\n"); /* no file is likely to be this */
    enum dse_status status = hash_entries(place, &arena, &text, err);
    if (status == DSE_OK)
        status = dse_sha256_bytes(text.data, text.size, out, err);
    dse_buf_fini(&text);
    dse_arena_fini(&arena);
    return status;
}

static enum dse_status hash_place(const struct place *place, char out[DSE_SHA256_HEX],
                                  struct dse_err *err) {
    struct stat st;
    if (stat(place->path, &st) != 0)
        return dse_err_set_errno(err, place->path);
    if (S_ISDIR(st.st_mode))
        return hash_folder(place, out, err);
    if (!S_ISREG(st.st_mode))
        DSE_FAIL(err, DSE_INVALID, "%s: neither a file nor a folder", place->path);
    return hash_file(place->path, place->stop, out, err);
}

enum dse_status dse_sha256_path(const char *path, const atomic_bool *stop, char out[DSE_SHA256_HEX],
                                struct dse_err *err) {
    const struct place place = {path, 0, stop};
    return hash_place(&place, out, err);
}
