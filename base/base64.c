/* Base64 (RFC 4648, section 4): bytes in JSON. */
#include "base/base.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void dse_base64_encode(const void *bytes, size_t size, struct dse_buf *out) {
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i += 3) {
        size_t n = size - i < 3 ? size - i : 3;
        uint32_t word = (uint32_t)at[i] << 16;
        word |= n > 1 ? (uint32_t)at[i + 1] << 8 : 0;
        word |= n > 2 ? (uint32_t)at[i + 2] : 0;
        char four[4] = {digits[word >> 18], digits[word >> 12 & 63],
                        n > 1 ? digits[word >> 6 & 63] : '=', n > 2 ? digits[word & 63] : '='};
        dse_buf_append(out, four, sizeof four);
    }
}

static int digit_of(char c) {
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

enum dse_status dse_base64_decode(const char *text, struct dse_buf *out, struct dse_err *err) {
    size_t length = strlen(text), padding = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    if (length % 4 != 0)
        DSE_FAIL(err, DSE_INVALID, "base64 text of %zu characters", length);
    for (size_t i = 0; i < length; i += 4) {
        uint32_t word = 0;
        size_t last = i + 4 == length ? padding : 0;
        for (size_t k = 0; k < 4; k++) {
            int digit = k >= 4 - last ? 0 : digit_of(text[i + k]);
            if (digit < 0)
                DSE_FAIL(err, DSE_INVALID, "base64 text has a strange character at %zu", i + k);
            word = word << 6 | (uint32_t)digit;
        }
        char three[3] = {(char)(word >> 16), (char)(word >> 8), (char)word};
        dse_buf_append(out, three, 3 - last);
    }
    return dse_buf_status(out, err);
}
