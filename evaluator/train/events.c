/* TensorBoard's event files. A file is a row of records: length (uint64), masked CRC-32C of the
 * length, the bytes, their masked CRC-32C, all little-endian. The bytes are a protobuf message
 * Event {1 wall_time double, 2 step int64, 3 file_version string, 5 Summary {1 Value {1 tag string,
 * 2 simple_value float}}}, written by hand here: five fields need no library. */
#include "evaluator/train/events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 }; /* wire types */
enum { POLYNOMIAL = 0x82f63b78, MASK_DELTA = 0xa282ead8 };

uint32_t dse_events_crc32c(const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? (uint32_t)POLYNOMIAL : 0);
    }
    return ~crc;
}

static void put_little(struct dse_buf *out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        dse_buf_append(out, &byte, 1);
    }
}

static void put_masked_crc(struct dse_buf *out, const void *bytes, size_t size) {
    uint32_t crc = dse_events_crc32c(bytes, size);
    put_little(out, (uint32_t)((crc >> 15 | crc << 17) + (uint32_t)MASK_DELTA), 4);
}

static void put_record(struct dse_buf *out, const struct dse_buf *message) {
    struct dse_buf length = {0};
    put_little(&length, message->size, 8);
    dse_buf_append(out, length.data, length.size);
    put_masked_crc(out, length.data, length.size);
    dse_buf_append(out, message->data, message->size);
    put_masked_crc(out, message->data, message->size);
    out->failed = out->failed || length.failed || message->failed;
    dse_buf_fini(&length);
}

static void put_varint(struct dse_buf *out, uint64_t value) {
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        dse_buf_append(out, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static void put_tag(struct dse_buf *out, int field, int wire_type) {
    put_varint(out, (uint64_t)(field << 3 | wire_type));
}

static void put_bytes(struct dse_buf *out, int field, const void *bytes, size_t size) {
    put_tag(out, field, LENGTH);
    put_varint(out, size);
    dse_buf_append(out, bytes, size);
}

static void begin_event(struct dse_buf *event, int64_t step) {
    double seconds = (double)dse_clock_wall_ms() / 1000.0;
    uint64_t bits;
    memcpy(&bits, &seconds, sizeof bits);
    put_tag(event, 1, FIXED64);
    put_little(event, bits, 8);
    put_tag(event, 2, VARINT);
    put_varint(event, (uint64_t)step);
}

static void put_value(struct dse_buf *summary, const char *tag, double value) {
    struct dse_buf message = {0};
    float number = (float)value;
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    put_bytes(&message, 1, tag, strlen(tag));
    put_tag(&message, 2, FIXED32);
    put_little(&message, bits, 4);
    put_bytes(summary, 1, message.data, message.size);
    summary->failed = summary->failed || message.failed;
    dse_buf_fini(&message);
}

static void put_version(struct dse_buf *out) {
    static const char version[] = "brain.Event:2";
    struct dse_buf event = {0};
    begin_event(&event, 0);
    put_bytes(&event, 3, version, sizeof version - 1);
    put_record(out, &event);
    dse_buf_fini(&event);
}

static void put_scalars(struct dse_buf *out, int64_t step, const char *const *tags,
                        const double *values, int n) {
    struct dse_buf event = {0}, summary = {0};
    for (int i = 0; i < n; i++)
        put_value(&summary, tags[i], values[i]);
    begin_event(&event, step);
    put_bytes(&event, 5, summary.data, summary.size);
    event.failed = event.failed || summary.failed;
    put_record(out, &event);
    dse_buf_fini(&event);
    dse_buf_fini(&summary);
}

static enum dse_status append_file(const char *path, int fd, const struct dse_buf *bytes,
                                   struct dse_err *err) {
    size_t done = 0;
    while (done < bytes->size) {
        ssize_t n = write(fd, bytes->data + done, bytes->size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dse_err_set_errno(err, path);
        done += (size_t)n;
    }
    return DSE_OK;
}

enum dse_status dse_events_append(const char *directory, const char *name, int64_t step,
                                  const char *const *tags, const double *values, int n,
                                  struct dse_err *err) {
    struct dse_buf path = {0}, bytes = {0};
    off_t begin = -1;
    dse_buf_printf(&path, "%s/events.out.tfevents.%s", directory, name);
    enum dse_status status = dse_buf_status(&path, err);
    int fd =
        status != DSE_OK ? -1 : open(path.data, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (status == DSE_OK && fd < 0)
        status = dse_err_set_errno(err, path.data);
    if (status == DSE_OK) {
        begin = lseek(fd, 0, SEEK_END);
        if (begin == 0)
            put_version(&bytes);
        put_scalars(&bytes, step, tags, values, n);
        status = dse_buf_status(&bytes, err);
    }
    if (status == DSE_OK) {
        status = append_file(path.data, fd, &bytes, err);
        /* Behind a part of a record nothing could be read. */
        if (status != DSE_OK && begin >= 0)
            (void)!ftruncate(fd, begin);
    }
    if (fd >= 0 && close(fd) != 0 && status == DSE_OK)
        status = dse_err_set_errno(err, path.data);
    dse_buf_fini(&path);
    dse_buf_fini(&bytes);
    return status;
}
