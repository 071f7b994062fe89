// The header of an .npy file is a Python dictionary literal. NumPy writes it with three fixed
// keys, so a cursor that knows strings, True/False and tuples of integers reads all of them; the
// cursor keeps its offset, and every complaint tells it.
#include "runtime/npy.h"

#include "runtime/atomic_file.h"
#include "runtime/read_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC_SIZE = 6, MAX_HEADER = 1 << 20 };
static const char magic[] = "\x93NUMPY";
static const size_t max_file = (size_t)1 << 36;

typedef struct npy_header {
    char descr[16];
    bool has_descr, has_order, has_shape;
    bool fortran_order;
    int rank;
    int64_t shape[LG_ABI_MAX_RANK];
} npy_header;

typedef struct cursor {
    const char *begin, *at, *end;
    const char *name;
    lg_error *e;
} cursor;

// File types that are taken; `file_size` differs from the element's for those that are converted.
static const struct npy_type {
    const char *descr;
    enum lg_abi_dtype dtype;
    size_t file_size;
} npy_types[] = {
    {"<f4", LG_ABI_F32, 4}, {"<f2", LG_ABI_F16, 2},  {"<i4", LG_ABI_I32, 4}, {"<i8", LG_ABI_I64, 8},
    {"|u1", LG_ABI_U8, 1},  {"|b1", LG_ABI_BOOL, 1}, {"<f8", LG_ABI_F32, 8},
};

static bool fail_at(cursor *c, const char *what)
{
    return lg_fail(c->e, "%s: byte %td: damaged .npy header: %s; write the file again with np.save",
                   c->name, c->at - c->begin, what);
}

static void skip_space(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n'))
        c->at++;
}

static bool take(cursor *c, char wanted)
{
    skip_space(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool take_string(cursor *c, char *text, size_t capacity)
{
    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"'))
        return fail_at(c, "a quoted string is expected here");
    char quote = *c->at;
    const char *start = c->at + 1;
    const char *stop = memchr(start, quote, (size_t)(c->end - start));
    if (!stop)
        return fail_at(c, "this string does not end");
    if ((size_t)(stop - start) >= capacity || memchr(start, '\0', (size_t)(stop - start)))
        return fail_at(c, "this string is not one that NumPy writes");
    memcpy(text, start, (size_t)(stop - start));
    text[stop - start] = '\0';
    c->at = stop + 1;
    return true;
}

static bool take_word(cursor *c, const char *word)
{
    skip_space(c);
    size_t length = strlen(word);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0)
        return false;
    c->at += length;
    return true;
}

static bool take_extent(cursor *c, int64_t *extent)
{
    int64_t value = 0;
    skip_space(c);
    if (c->at == c->end || *c->at < '0' || *c->at > '9')
        return fail_at(c, "the shape needs non-negative integers");
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *c->at - '0', &value))
            return fail_at(c, "this extent is too large");
    }
    *extent = value;
    return true;
}

static bool take_shape(cursor *c, npy_header *h)
{
    if (!take(c, '('))
        return fail_at(c, "the shape is a tuple, like (1, 256, 256, 3)");
    while (!take(c, ')')) {
        if (h->rank == LG_ABI_MAX_RANK)
            return fail_at(c, "more than 8 axes are not supported");
        if (!take_extent(c, &h->shape[h->rank++]))
            return false;
        if (!take(c, ',')) {
            if (h->rank == 1 || !take(c, ')'))
                return fail_at(c, "a comma or ) is expected in the shape");
            break;
        }
    }
    return true;
}

static bool take_entry(cursor *c, npy_header *h)
{
    char key[16];
    if (!take_string(c, key, sizeof key))
        return false;
    if (!take(c, ':'))
        return fail_at(c, "a colon is expected here");
    if (strcmp(key, "descr") == 0 && !h->has_descr) {
        h->has_descr = true;
        skip_space(c);
        if (c->at < c->end && *c->at == '[')
            return lg_fail(c->e, "%s: a structured array; save one field of it: np.save(f, a['x'])",
                           c->name);
        return take_string(c, h->descr, sizeof h->descr);
    }
    if (strcmp(key, "fortran_order") == 0 && !h->has_order) {
        h->has_order = true;
        h->fortran_order = take_word(c, "True");
        return h->fortran_order || take_word(c, "False") || fail_at(c, "True or False is expected");
    }
    if (strcmp(key, "shape") == 0 && !h->has_shape) {
        h->has_shape = true;
        return take_shape(c, h);
    }
    return fail_at(c, "unknown or repeated key");
}

static bool parse_dictionary(cursor *c, npy_header *h)
{
    if (!take(c, '{'))
        return fail_at(c, "a dictionary is expected here");
    while (!take(c, '}')) {
        if (!take_entry(c, h))
            return false;
        if (!take(c, ',')) {
            if (!take(c, '}'))
                return fail_at(c, "a comma or } is expected here");
            break;
        }
    }
    skip_space(c);
    if (c->at != c->end)
        return fail_at(c, "text after the dictionary");
    if (!h->has_descr || !h->has_order || !h->has_shape)
        return fail_at(c, "it needs descr, fortran_order and shape");
    return true;
}

static const struct npy_type *find_type(const npy_header *h, const char *name, lg_error *e)
{
    for (size_t i = 0; i < sizeof npy_types / sizeof *npy_types; i++)
        if (strcmp(h->descr, npy_types[i].descr) == 0)
            return &npy_types[i];
    lg_fail(e,
            "%s: element type %s is not supported; convert it: a.astype(np.float32) (or float16, "
            "int32, int64, uint8, bool, all little-endian)",
            name, h->descr);
    return NULL;
}

// Finds the dictionary by the length field, whose width depends on the version.
static bool read_header(cursor *c, size_t size, npy_header *h, const unsigned char **payload)
{
    const unsigned char *bytes = (const unsigned char *)c->begin;
    if (size == 0)
        return lg_fail(c->e, "%s: the file is empty", c->name);
    size_t compared = size < MAGIC_SIZE ? size : MAGIC_SIZE;
    if (memcmp(bytes, magic, compared) != 0)
        return lg_fail(c->e, "%s: not an .npy file; write one with np.save", c->name);
    size_t start = size > MAGIC_SIZE && bytes[6] == 1 ? 10 : 12;
    if (size >= 8 && (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0))
        return lg_fail(c->e, "%s: .npy version %d.%d is not known; 1.0, 2.0 and 3.0 are", c->name,
                       bytes[6], bytes[7]);
    if (size < start)
        return lg_fail(c->e, "%s: truncated in the .npy header, after %zu bytes", c->name, size);
    size_t length = bytes[8] | (size_t)bytes[9] << 8;
    if (start == 12)
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > MAX_HEADER)
        return lg_fail(c->e, "%s: byte 8: a header of %zu bytes is not plausible", c->name, length);
    if (length > size - start)
        return lg_fail(c->e, "%s: truncated: the header has %zu bytes, %zu are there", c->name,
                       length, size - start);
    c->at = c->begin + start;
    c->end = c->at + length;
    *payload = bytes + start + length;
    return parse_dictionary(c, h);
}

static void convert(lg_tensor *tensor, const struct npy_type *type, const unsigned char *payload)
{
    size_t count = lg_tensor_count(tensor);
    if (type->file_size != lg_abi_dtype_size(type->dtype)) {
        float *out = tensor->data;
        for (size_t i = 0; i < count; i++) {
            double value;
            memcpy(&value, payload + i * sizeof value, sizeof value);
            out[i] = (float)value;
        }
    } else if (type->dtype == LG_ABI_BOOL) {
        unsigned char *out = tensor->data;
        for (size_t i = 0; i < count; i++)
            out[i] = payload[i] != 0;
    } else if (count) {
        memcpy(tensor->data, payload, tensor->bytes);
    }
}

lg_tensor *lg_npy_decode(const void *bytes, size_t size, const char *name, lg_error *e)
{
    cursor c = {
        .begin = bytes, .at = bytes, .end = (const char *)bytes + size, .name = name, .e = e};
    npy_header h = {0};
    const unsigned char *payload = NULL;
    if (!read_header(&c, size, &h, &payload))
        return NULL;
    const struct npy_type *type = find_type(&h, name, e);
    if (!type)
        return NULL;
    if (h.fortran_order && h.rank > 1) {
        lg_fail(e, "%s: the array is in Fortran order; save np.ascontiguousarray(a)", name);
        return NULL;
    }
    // Compared before anything is allocated: a header may claim any size.
    size_t bytes_in_memory, wanted, there = size - (size_t)(payload - (const unsigned char *)bytes);
    bool fits = lg_shape_bytes(type->dtype, h.rank, h.shape, &bytes_in_memory, e);
    if (!fits) {
        lg_fail_prefix(e, "%s: ", name);
        return NULL;
    }
    char text[192];
    size_t count = bytes_in_memory / lg_abi_dtype_size(type->dtype);
    if (__builtin_mul_overflow(count, type->file_size, &wanted) || wanted != there) {
        lg_fail(
            e, "%s: shape %s of %s needs %zu elements, the file holds %zu bytes, not %zu; it is %s",
            name, lg_shape_text(h.rank, h.shape, text), h.descr, count, there, wanted,
            there < wanted ? "truncated" : "damaged: bytes are left over");
        return NULL;
    }
    lg_tensor *tensor = lg_tensor_new(type->dtype, h.rank, h.shape, e);
    if (tensor)
        convert(tensor, type, payload);
    else
        lg_fail_prefix(e, "%s: ", name);
    return tensor;
}

lg_tensor *lg_npy_read(const char *path, lg_error *e)
{
    size_t size;
    unsigned char *bytes = lg_file_read(path, max_file, &size, e);
    if (!bytes)
        return NULL;
    lg_tensor *tensor = lg_npy_decode(bytes, size, path, e);
    free(bytes);
    return tensor;
}

// The dictionary padded with blanks so that the data starts at a multiple of 64, as NumPy does.
static size_t format_header(const lg_tensor *tensor, const char *descr, char text[static 512])
{
    char shape[192], body[320];
    int used = snprintf(shape, sizeof shape, "(");
    for (int i = 0; i < tensor->rank; i++)
        used += snprintf(shape + used, sizeof shape - (size_t)used, "%s%" PRId64, i ? ", " : "",
                         tensor->shape[i]);
    snprintf(shape + used, sizeof shape - (size_t)used, tensor->rank == 1 ? ",)" : ")");
    int length = snprintf(body, sizeof body,
                          "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape);
    size_t total = ((size_t)length + 10 + 1 + 63) / 64 * 64;
    memset(text, ' ', total);
    memcpy(text, magic, MAGIC_SIZE);
    text[6] = 1;
    text[7] = 0;
    text[8] = (char)((total - 10) & 255);
    text[9] = (char)((total - 10) >> 8);
    memcpy(text + 10, body, (size_t)length);
    text[total - 1] = '\n';
    return total;
}

static bool write_bf16_as_f32(lg_atomic_file *out, const lg_tensor *tensor, lg_error *e)
{
    const uint16_t *values = tensor->data;
    for (size_t i = 0, count = lg_tensor_count(tensor); i < count; i++) {
        uint32_t bits = (uint32_t)values[i] << 16;
        if (!lg_atomic_write(out, &bits, sizeof bits, e))
            return false;
    }
    return true;
}

bool lg_npy_write(const char *path, const lg_tensor *tensor, lg_error *e)
{
    const char *descr = "<f4";
    for (size_t i = 0; i < sizeof npy_types / sizeof *npy_types; i++)
        if (npy_types[i].dtype == tensor->dtype &&
            npy_types[i].file_size == lg_abi_dtype_size(tensor->dtype))
            descr = npy_types[i].descr;
    char header[512];
    size_t length = format_header(tensor, descr, header);
    lg_atomic_file out;
    if (!lg_atomic_open(&out, path, 0666, e))
        return false;
    bool ok = lg_atomic_write(&out, header, length, e);
    if (ok && tensor->dtype == LG_ABI_BF16)
        ok = write_bf16_as_f32(&out, tensor, e);
    else if (ok)
        ok = lg_atomic_write(&out, tensor->data, tensor->bytes, e);
    return ok ? lg_atomic_commit(&out, e) : lg_atomic_abort(&out);
}
