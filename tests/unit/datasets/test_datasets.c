/* datasets: small hand-made files, good and bad, and what becomes of damaged ones. */
#include "tests/lib/testing.h"

#include <math.h>
#include <sys/stat.h>
#include <zlib.h>

#include "tests/unit/datasets/load_run.h"

enum { RECORD = 3073 };

struct bytes {
    const char *data;
    size_t size;
};
#define BYTES(literal) \
    { literal, sizeof(literal) - 1 }

/* Three images of 2 x 2, labels 1 2 0. */
#define HEAD   "\0\0\x8\x3\0\0\0\x3\0\0\0\x2\0\0\0\x2"
#define PIXELS "ABCDEFGHIJKL"
#define LABELS "\0\0\x8\x1\0\0\0\x3\x1\x2\0"
static const struct bytes good_images = BYTES(HEAD PIXELS);
static const struct bytes good_labels = BYTES(LABELS);
static const char *const idx_files[] = {"images", "labels"};
static const char *const cifar_files[] = {"batch1", "batch2"};

/* ---- helpers: every test runs inside a new folder ---- */

static char folder[256];

static int enter_folder(void **state) {
    (void)state;
    make_temp_dir(folder, sizeof folder);
    return chdir(folder);
}

static int leave_folder(void **state) {
    (void)state;
    static const char *const made[] = {"images", "labels", "batch1", "batch2", "images.gz"};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        (void)unlink(made[i]);
    return chdir("/") == 0 ? rmdir(folder) : -1;
}

static void write_file(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* One gzip member into out; returns its size. level 0 stores, so that sizes do not depend on how
 * well a zlib packs. */
static size_t pack_at(int level, const void *data, size_t size, uint8_t *out, size_t capacity) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)capacity;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&z), Z_OK);
    return capacity - z.avail_out;
}

static size_t pack(const void *data, size_t size, uint8_t *out, size_t capacity) {
    return pack_at(9, data, size, out, capacity);
}

static void write_good_idx(void) {
    write_file("images", good_images.data, good_images.size);
    write_file("labels", good_labels.data, good_labels.size);
}

/* Record r of a CIFAR batch: label r % 10, planes that differ in every pixel and channel. */
static void fill_record(uint8_t *record, int r) {
    record[0] = (uint8_t)(r % 10);
    for (int i = 0; i < RECORD - 1; i++)
        record[1 + i] = (uint8_t)(i % 1024 * 7 + i / 1024 * 50 + r);
}

static uint8_t batch[7 * RECORD];
static uint8_t packed[8 * RECORD];

/* Records 0..2 plain in batch1, 3..6 packed in batch2. */
static void write_good_cifar(void) {
    for (int r = 0; r < 7; r++)
        fill_record(batch + r * RECORD, r);
    write_file("batch1", batch, 3 * RECORD);
    size_t size = pack(batch + 3 * RECORD, 4 * RECORD, packed, sizeof packed);
    write_file("batch2", packed, size);
}

/* ---- good files ---- */

static void assert_three_images(const struct dse_dataset *dataset) {
    assert_int_equal(dataset->n, 3);
    assert_int_equal(dataset->h, 2);
    assert_int_equal(dataset->w, 2);
    assert_int_equal(dataset->c, 1);
    assert_int_equal(dataset->classes, 3);
    assert_memory_equal(dataset->pixels, PIXELS, 12);
    static const uint16_t labels[] = {1, 2, 0};
    assert_memory_equal(dataset->labels, labels, sizeof labels);
}

static void idx_is_read_plain_and_packed_whatever_its_name(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_dataset dataset;
    write_good_idx();
    assert_ok(load_run(DSE_DATASET_IDX, idx_files, 2, 0, 3, &dataset, &err), &err);
    assert_three_images(&dataset);
    dse_dataset_fini(&dataset);
    /* Packed, in two members that part in the middle of the header. */
    size_t size = pack(good_images.data, 5, packed, sizeof packed);
    size += pack(good_images.data + 5, good_images.size - 5, packed + size, sizeof packed - size);
    write_file("images", packed, size);
    assert_ok(load_run(DSE_DATASET_IDX, idx_files, 2, 0, 3, &dataset, &err), &err);
    assert_three_images(&dataset);
    dse_dataset_fini(&dataset);
    /* Named .gz, but plain. */
    write_file("images.gz", good_images.data, good_images.size);
    const char *const paths[] = {"images.gz", "labels"};
    assert_ok(load_run(DSE_DATASET_IDX, paths, 2, 0, 3, &dataset, &err), &err);
    assert_three_images(&dataset);
    dse_dataset_fini(&dataset);
}

/* Members may part anywhere in the file; here the first is 65,535 bytes long, so that a reader of
 * 64 KiB blocks gets one byte of the second. */
static void packed_members_may_part_at_any_byte(void **state) {
    (void)state;
    enum { HEADER = 10, HAS_NAME = 8, FIRST_MEMBER = 65535 };
    static uint8_t file[FIRST_MEMBER + 256];
    uint8_t first[256];
    size_t first_size = pack(good_images.data, 5, first, sizeof first);
    /* The member is made longer by a file name, behind the header. */
    memcpy(file, first, HEADER);
    file[3] |= HAS_NAME;
    memset(file + HEADER, 'n', FIRST_MEMBER - first_size - 1);
    memcpy(file + FIRST_MEMBER - (first_size - HEADER), first + HEADER, first_size - HEADER);
    size_t size = FIRST_MEMBER + pack(good_images.data + 5, good_images.size - 5,
                                      file + FIRST_MEMBER, sizeof file - FIRST_MEMBER);
    write_good_idx();
    write_file("images", file, size);
    struct dse_err err = {0};
    struct dse_dataset dataset;
    assert_ok(load_run(DSE_DATASET_IDX, idx_files, 2, 0, 3, &dataset, &err), &err);
    assert_three_images(&dataset);
    dse_dataset_fini(&dataset);
}

static void a_run_of_images_knows_the_classes_of_the_whole_file(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_dataset dataset;
    write_good_idx();
    assert_ok(load_run(DSE_DATASET_IDX, idx_files, 2, 2, 1, &dataset, &err), &err);
    assert_int_equal(dataset.n, 1);
    assert_int_equal(dataset.classes, 3);
    assert_memory_equal(dataset.pixels, "IJKL", 4);
    assert_int_equal(dataset.labels[0], 0);
    dse_dataset_fini(&dataset);
}

static void cifar_planes_become_pixels_across_files(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_dataset dataset;
    write_good_cifar();
    assert_ok(load_run(DSE_DATASET_CIFAR10, cifar_files, 2, 2, 3, &dataset, &err), &err);
    assert_int_equal(dataset.n, 3);
    assert_int_equal(dataset.h, 32);
    assert_int_equal(dataset.w, 32);
    assert_int_equal(dataset.c, 3);
    assert_int_equal(dataset.classes, 7);
    for (int n = 0; n < 3; n++) {
        assert_int_equal(dataset.labels[n], n + 2);
        for (int y = 0; y < 32; y++)
            for (int x = 0; x < 32; x++)
                for (int c = 0; c < 3; c++)
                    assert_int_equal(dataset.pixels[((n * 32 + y) * 32 + x) * 3 + c],
                                     batch[(n + 2) * RECORD + 1 + c * 1024 + y * 32 + x]);
    }
    dse_dataset_fini(&dataset);
}

static void formats_are_found_by_name(void **state) {
    (void)state;
    enum dse_dataset_format format;
    assert_true(dse_dataset_format_find("cifar10", &format));
    assert_int_equal(format, DSE_DATASET_CIFAR10);
    assert_true(dse_dataset_format_find("idx", &format));
    assert_int_equal(format, DSE_DATASET_IDX);
    assert_false(dse_dataset_format_find("cifar", &format));
}

/* ---- bad files, each with its message ---- */

#define ADVICE "; fetch the file again"

struct bad_idx {
    struct bytes images, labels;
    const char *message;
};

static const struct bad_idx bad_plain[] = {
    {BYTES(""), BYTES(LABELS),
     "images: only 0 bytes; the header of IDX images alone has 16" ADVICE},
    {BYTES("\0\0\x8\x3\0\0\0\x3\0\0"), BYTES(LABELS),
     "images: only 10 bytes; the header of IDX images alone has 16" ADVICE},
    {BYTES("\x89PNG\r\n\x1a\n"), BYTES(LABELS),
     "images: not an IDX file: it starts with bytes 89 50 4e 47, IDX images start with "
     "00 00 08 03"},
    {BYTES("\0\0\xd\x3" PIXELS PIXELS), BYTES(LABELS),
     "images: IDX element type 0x0d; only unsigned bytes (0x08) are supported"},
    {BYTES(LABELS), BYTES(LABELS),
     "images: an IDX file of labels where images are expected; files are given as images, labels"},
    {BYTES(HEAD PIXELS), BYTES(HEAD PIXELS),
     "labels: an IDX file of images where labels are expected; files are given as images, labels"},
    {BYTES("\0\0\x8\x4" PIXELS PIXELS), BYTES(LABELS),
     "images: IDX data of 4 dimensions; images have 3 (number, height and width)"},
    {BYTES("\0\0\x8\x3\0\0\0\0\0\0\0\x2\0\0\0\x2"), BYTES(LABELS),
     "images: declares 0 images; 1..100000000 are possible"},
    {BYTES("\0\0\x8\x3\xff\xff\xff\xff\0\0\0\x2\0\0\0\x2"), BYTES(LABELS),
     "images: declares 4294967295 images; 1..100000000 are possible"},
    {BYTES("\0\0\x8\x3\0\0\0\x3\0\0\0\x2\0\0\0\0"), BYTES(LABELS),
     "images: declares images of 2 x 0; sides of 1..4096 are possible"},
    {BYTES("\0\0\x8\x3\0\0\0\x3\0\0\x10\x1\0\0\0\x2"), BYTES(LABELS),
     "images: declares images of 4097 x 2; sides of 1..4096 are possible"},
    {BYTES("\0\0\x8\x3\x5\xf5\xe1\0\0\0\x10\0\0\0\x10\0"), BYTES(LABELS),
     "images: declares 100000000 images (1677721600000016 bytes with the header) but has 16 bytes: "
     "1677721600000000 too few" ADVICE},
    {BYTES(HEAD "ABCDEFGHIJK"), BYTES(LABELS),
     "images: declares 3 images (28 bytes with the header) but has 27 bytes: 1 too few" ADVICE},
    {BYTES(HEAD PIXELS "\n"), BYTES(LABELS),
     "images: declares 3 images (28 bytes with the header) but has 29 bytes: 1 too many" ADVICE},
    {BYTES(HEAD PIXELS), BYTES("\0\0\x8\x1\0\0\0\x3\x1\x2"),
     "labels: declares 3 labels (11 bytes with the header) but has 10 bytes: 1 too few" ADVICE},
    {BYTES(HEAD PIXELS), BYTES("\0\0\x8\x1\0\0\0\x2\x1\x2\0\0"),
     "labels: declares 2 labels (10 bytes with the header) but has 12 bytes: 2 too many" ADVICE},
    {BYTES(HEAD PIXELS), BYTES("\0\0\x8\x1\0\0\0\x2\x1\x2"),
     "labels: 2 labels, but images has 3 images; give the two files of one set"},
};

/* Fails with INVALID (or `code`) and exactly this message; the output is untouched. */
static void assert_refused(enum dse_dataset_format format, const char *const *paths, int n_paths,
                           int first, int count, enum dse_status code, const char *message) {
    struct dse_err err = {0};
    struct dse_dataset dataset = {.n = -77};
    assert_int_equal(load_run(format, paths, n_paths, first, count, &dataset, &err), code);
    assert_string_equal(err.text, message);
    assert_int_equal(dataset.n, -77);
    assert_int_equal(dse_alloc_live(), 0);
}

static void bad_idx_files_are_refused_with_reasons(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_plain / sizeof bad_plain[0]; i++) {
        const struct bad_idx *bad = &bad_plain[i];
        write_file("images", bad->images.data, bad->images.size);
        write_file("labels", bad->labels.data, bad->labels.size);
        assert_refused(DSE_DATASET_IDX, idx_files, 2, 0, 3, DSE_INVALID, bad->message);
    }
}

static void refuse_packed(const struct bytes *content, int cut, const char *behind, int flipped,
                          const char *message) {
    size_t size = pack_at(0, content->data, content->size, packed, sizeof packed) - (size_t)cut;
    if (flipped > 0)
        packed[size - (size_t)flipped] ^= 1;
    memcpy(packed + size, behind, strlen(behind));
    write_file("images", packed, size + strlen(behind));
    assert_refused(DSE_DATASET_IDX, idx_files, 2, 0, 3, DSE_INVALID, message);
}

static void bad_packed_files_are_refused_with_reasons(void **state) {
    (void)state;
    static const struct bytes shorter = BYTES(HEAD "ABCDEFGHIJK"), longer = BYTES(HEAD PIXELS "\n");
    static const struct bytes monstrous = BYTES("\0\0\x8\x3\0\0\xff\xff\0\0\x10\0\0\0\x10\0");
    write_good_idx();
    refuse_packed(&good_images, 1, "", 0,
                  "images: the gzip data is cut off after 28 unpacked bytes" ADVICE);
    refuse_packed(&good_images, 12, "", 0,
                  "images: the gzip data is cut off after 24 unpacked bytes" ADVICE);
    /* The last 8 bytes are check sum and length. */
    refuse_packed(&good_images, 0, "", 8,
                  "images: damaged gzip data (incorrect data check)" ADVICE);
    refuse_packed(&good_images, 0, "", 4,
                  "images: damaged gzip data (incorrect length check)" ADVICE);
    refuse_packed(&good_images, 0, "rubbish", 0,
                  "images: something that is not gzip follows the compressed data" ADVICE);
    refuse_packed(&good_images, 0, "\x1f", 0,
                  "images: something that is not gzip follows the compressed data" ADVICE);
    refuse_packed(&shorter, 0, "", 0,
                  "images: ends after 11 of the 12 bytes of images it declares" ADVICE);
    refuse_packed(&longer, 0, "", 0,
                  "images: holds more than the 12 bytes of images it declares" ADVICE);
    refuse_packed(&monstrous, 0, "", 0,
                  "images: declares 65535 images (1099494850576 bytes with the header), more than "
                  "its 39 compressed bytes can hold" ADVICE);
}

static void missing_and_odd_files_are_refused_with_reasons(void **state) {
    (void)state;
    write_good_idx();
    const char *const missing[] = {"images", "no-such-file"}, *const odd[] = {".", "labels"};
    assert_refused(DSE_DATASET_IDX, missing, 2, 0, 3, DSE_NOT_FOUND,
                   "no-such-file: No such file or directory");
    assert_refused(DSE_DATASET_IDX, odd, 2, 0, 3, DSE_INVALID, ".: not a regular file");
    /* A pipe nobody writes to must not make us wait. */
    (void)unlink("images");
    assert_int_equal(mkfifo("images", 0600), 0);
    assert_refused(DSE_DATASET_IDX, idx_files, 2, 0, 3, DSE_INVALID, "images: not a regular file");
    (void)unlink("images");
}

static void bad_ranges_are_refused_with_reasons(void **state) {
    (void)state;
    write_good_idx();
    write_good_cifar();
    assert_refused(DSE_DATASET_IDX, idx_files, 2, 2, 2, DSE_INVALID,
                   "images: 3 images, but 2 from number 2 (from 0) are asked for: take fewer, or "
                   "begin earlier");
    assert_refused(DSE_DATASET_IDX, idx_files, 2, 2147483647, 2147483647, DSE_INVALID,
                   "images: 3 images, but 2147483647 from number 2147483647 (from 0) are asked "
                   "for: take fewer, or begin earlier");
    assert_refused(DSE_DATASET_CIFAR10, cifar_files, 2, 0, 8, DSE_INVALID,
                   "batch1 and the files after it: 7 images, but 8 from number 0 (from 0) are "
                   "asked for: take fewer, or begin earlier");
    assert_refused(DSE_DATASET_IDX, idx_files, 2, -1, 2, DSE_INVALID,
                   "first image -1: must be 0 or more");
    assert_refused(DSE_DATASET_IDX, idx_files, 2, 0, 0, DSE_INVALID, "0 images: must be 1 or more");
    assert_refused(DSE_DATASET_IDX, idx_files, 1, 0, 3, DSE_INVALID,
                   "idx data are two files, images and labels; 1 given");
    assert_refused(DSE_DATASET_CIFAR10, cifar_files, 0, 0, 3, DSE_INVALID,
                   "cifar10 data are one or more binary batches; no file given");
}

static void bad_cifar_files_are_refused_with_reasons(void **state) {
    (void)state;
    write_good_cifar();
    write_file("batch1", batch, 2 * RECORD + 1);
    assert_refused(DSE_DATASET_CIFAR10, cifar_files, 2, 0, 1, DSE_INVALID,
                   "batch1: 6147 bytes are not a whole number of CIFAR-10 records of 3073 bytes; "
                   "expected a batch of the binary version, such as data_batch_1.bin");
    write_file("batch1", batch, 0);
    assert_refused(DSE_DATASET_CIFAR10, cifar_files, 2, 0, 1, DSE_INVALID,
                   "batch1: 0 bytes are not a whole number of CIFAR-10 records of 3073 bytes; "
                   "expected a batch of the binary version, such as data_batch_1.bin");
    write_file("batch1", packed, pack(batch, 2 * RECORD - 1, packed, sizeof packed));
    assert_refused(DSE_DATASET_CIFAR10, cifar_files, 2, 0, 1, DSE_INVALID,
                   "batch1: 6145 bytes are not a whole number of CIFAR-10 records of 3073 bytes; "
                   "expected a batch of the binary version, such as data_batch_1.bin");
    /* Beyond the images asked for, and still found. */
    batch[2 * RECORD] = 10;
    write_file("batch1", batch, 3 * RECORD);
    assert_refused(DSE_DATASET_CIFAR10, cifar_files, 2, 0, 1, DSE_INVALID,
                   "batch1: record 2 (from 0) has label 10, CIFAR-10 has 0..9; expected a batch of "
                   "the binary version, such as data_batch_1.bin");
}

/* ---- damage of any kind ---- */

/* Read or refused, nothing else. */
static bool survives(enum dse_dataset_format format, const char *const *paths, int n_paths,
                     int count) {
    struct dse_err err = {0};
    struct dse_dataset dataset = {0};
    enum dse_status status = load_run(format, paths, n_paths, 0, count, &dataset, &err);
    if (status == DSE_OK) {
        size_t values = (size_t)dataset.h * (size_t)dataset.w * (size_t)dataset.c;
        unsigned sum = 0; /* touches all that was handed out */
        for (size_t i = 0; i < (size_t)dataset.n * values; i++)
            sum += dataset.pixels[i];
        for (int i = 0; i < dataset.n; i++)
            assert_true(dataset.labels[i] < dataset.classes);
        assert_true(sum <= 255 * (size_t)dataset.n * values);
        dse_dataset_fini(&dataset);
    } else {
        assert_int_equal(status, DSE_INVALID);
        assert_true(strlen(err.text) > 10);
    }
    assert_int_equal(dse_alloc_live(), 0);
    return status == DSE_OK;
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    write_good_idx();
    for (size_t size = 0; size < good_images.size; size++) {
        write_file("images", good_images.data, size);
        assert_false(survives(DSE_DATASET_IDX, idx_files, 2, 3));
    }
    size_t packed_size = pack(good_images.data, good_images.size, packed, sizeof packed);
    for (size_t size = 0; size < packed_size; size++) {
        write_file("images", packed, size);
        assert_false(survives(DSE_DATASET_IDX, idx_files, 2, 3));
    }
    write_good_idx();
    for (size_t size = 0; size < good_labels.size; size++) {
        write_file("labels", good_labels.data, size);
        assert_false(survives(DSE_DATASET_IDX, idx_files, 2, 3));
    }
    write_good_cifar();
    for (size_t size = 0; size < 2 * RECORD; size += 97) {
        write_file("batch1", batch, size);
        assert_false(survives(DSE_DATASET_CIFAR10, cifar_files, 1, 1));
    }
}

/* One to three flipped bits in a copy of a good file. */
static void write_damaged(const char *path, const void *good, size_t size, struct dse_rng *rng) {
    uint8_t copy[2 * RECORD];
    assert_true(size <= sizeof copy);
    memcpy(copy, good, size);
    for (uint32_t flips = 1 + dse_rng_below(rng, 3); flips > 0; flips--)
        copy[dse_rng_below(rng, (uint32_t)size)] ^= (uint8_t)(1u << dse_rng_below(rng, 8));
    write_file(path, copy, size);
}

static void flipped_bits_are_read_or_refused(void **state) {
    (void)state;
    enum { ROUNDS = 600 };
    struct dse_rng rng;
    dse_rng_init(&rng, 5, DSE_RNG_TEST, 0, 0);
    int read_plain = 0, read_packed = 0, read_cifar = 0;
    write_good_idx();
    write_good_cifar();
    uint8_t idx_packed[256];
    size_t idx_packed_size =
        pack(good_images.data, good_images.size, idx_packed, sizeof idx_packed);
    for (int i = 0; i < ROUNDS; i++) {
        write_damaged("images", good_images.data, good_images.size, &rng);
        read_plain += survives(DSE_DATASET_IDX, idx_files, 2, 3);
        write_damaged("images", idx_packed, idx_packed_size, &rng);
        read_packed += survives(DSE_DATASET_IDX, idx_files, 2, 3);
        write_damaged("batch1", batch, 2 * RECORD, &rng);
        read_cifar += survives(DSE_DATASET_CIFAR10, cifar_files, 1, 2);
    }
    /* A flipped pixel cannot be noticed in a plain file; gzip has a check sum, so only its time
     * stamp, flags and system byte are free. */
    assert_in_range(read_plain, 1, ROUNDS / 2);
    assert_in_range(read_packed, 1, ROUNDS / 4);
    assert_in_range(read_cifar, ROUNDS / 2, ROUNDS);
}

static void every_failed_allocation_is_reported(void **state) {
    (void)state;
    static const enum dse_dataset_format formats[] = {DSE_DATASET_IDX, DSE_DATASET_CIFAR10};
    write_good_idx();
    write_file("images", packed, pack(good_images.data, good_images.size, packed, sizeof packed));
    write_good_cifar();
    for (int f = 0; f < 2; f++) {
        enum dse_status status = DSE_NO_MEMORY;
        long n = 0;
        for (; status == DSE_NO_MEMORY; n++) {
            struct dse_err err = {0};
            struct dse_dataset dataset = {0};
            dse_alloc_fail_at(n);
            status =
                load_run(formats[f], f == 0 ? idx_files : cifar_files, 2, 0, 3, &dataset, &err);
            dse_alloc_fail_at(-1);
            dse_dataset_fini(&dataset);
            assert_int_equal(dse_alloc_live(), 0);
        }
        assert_int_equal(status, DSE_OK);
        assert_true(n > 4);
    }
}

/* ---- normalisation ---- */

static void normalising_equals_numpy(void **state) {
    (void)state;
    static const double mean[] = {0.485, 0.456, 0.406}, std[] = {0.229, 0.224, 0.225};
    static const uint8_t pixels[] = {0, 0, 0, 1, 1, 1, 127, 127, 127, 255, 255, 255};
    /* np.float32((np.float64(x) / 255 - mean) / std) */
    static const float expected[] = {-0x1.0f177ap+1f, -0x1.04924ap+1f, -0x1.cdf012p+0f,
                                     -0x1.0ce656p+1f, -0x1.02549ep+1f, -0x1.c979d4p+0f,
                                     0x1.d2736ep-5f,  0x1.805bcap-3f,  0x1.a2e176p-2f,
                                     0x1.1fdc3ap+1f,  0x1.36db6ep+1f,  0x1.51eb86p+1f};
    float out[12];
    dse_dataset_normalize(pixels, 12, 3, mean, std, out);
    assert_memory_equal(out, expected, sizeof out);
    float grey[12];
    dse_dataset_normalize(pixels, 12, 1, mean, std, grey);
    assert_true(grey[1] == expected[0] && grey[11] == expected[9]);
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(idx_is_read_plain_and_packed_whatever_its_name),
        IN_FOLDER(packed_members_may_part_at_any_byte),
        IN_FOLDER(a_run_of_images_knows_the_classes_of_the_whole_file),
        IN_FOLDER(cifar_planes_become_pixels_across_files),
        cmocka_unit_test(formats_are_found_by_name),
        IN_FOLDER(bad_idx_files_are_refused_with_reasons),
        IN_FOLDER(bad_packed_files_are_refused_with_reasons),
        IN_FOLDER(missing_and_odd_files_are_refused_with_reasons),
        IN_FOLDER(bad_ranges_are_refused_with_reasons),
        IN_FOLDER(bad_cifar_files_are_refused_with_reasons),
        IN_FOLDER(every_truncation_is_refused),
        IN_FOLDER(flipped_bits_are_read_or_refused),
        IN_FOLDER(every_failed_allocation_is_reported),
        cmocka_unit_test(normalising_equals_numpy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
