// Reading: the file is mapped, the header is read once, and everything in it is checked before
// anybody can see a tensor: types, shapes, and that the byte ranges tile the data without gap or
// overlap, as the format demands. Data whose offset does not suit its element (the format does not
// forbid it) is copied, so that a tensor can always be read through a pointer of its type.
#include "runtime/safetensors.h"

#include "runtime/safetensors_dtypes.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "data is mapped as it is stored");

enum { LENGTH_BYTES = 8, MAX_HEADER = 100000000 };
static const char prefix[] = "module.";

struct lg_safetensors {
    char *path;
    unsigned char *map;
    size_t map_size;
    json_t *header; // keeps names and metadata alive
    lg_safetensor *tensors;
    lg_safetensor **by_name; // sorted
    void **copies;           // of misaligned tensors, NULL for others
    size_t count;
};

// What is being read; the faults gather in `e`.
typedef struct reader {
    lg_safetensors *file;
    const unsigned char *data;
    size_t data_size;
    bool ok;
    lg_error *e;
} reader;

static bool map_file(lg_safetensors *file, lg_error *e)
{
    const char *path = file->path;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return lg_fail(e, "%s: cannot open: %s", path, strerror(errno));
    struct stat info;
    bool ok = fstat(fd, &info) == 0;
    if (!ok)
        lg_fail(e, "%s: cannot read: %s", path, strerror(errno));
    else if (S_ISDIR(info.st_mode))
        ok = lg_fail(e, "%s: is a folder; name the .safetensors file in it", path);
    else if (!S_ISREG(info.st_mode))
        ok = lg_fail(e, "%s: not a regular file; weights are mapped, so save them to one", path);
    else if (info.st_size == 0)
        ok = lg_fail(e, "%s: the file is empty", path);
    if (ok) {
        file->map_size = (size_t)info.st_size;
        file->map = mmap(NULL, file->map_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (file->map == MAP_FAILED) {
            file->map = NULL;
            ok = lg_fail(e, "%s: cannot map: %s", path, strerror(errno));
        }
    }
    close(fd);
    return ok;
}

static bool find_header(const lg_safetensors *file, size_t *length, lg_error *e)
{
    const unsigned char *map = file->map;
    static const char save[] = "save it with safetensors.torch.save_file(model.state_dict(), ...)";
    if (file->map_size >= 4 && memcmp(map, "PK\3\4", 4) == 0)
        return lg_fail(e, "%s: this is a PyTorch .pth file; %s", file->path, save);
    if (file->map_size < LENGTH_BYTES)
        return lg_fail(e, "%s: truncated: %zu bytes are no safetensors file", file->path,
                       file->map_size);
    uint64_t claimed;
    memcpy(&claimed, map, sizeof claimed);
    if (claimed > MAX_HEADER)
        return lg_fail(e,
                       "%s: byte 0: a header of %" PRIu64 " bytes (at most %d are allowed); not a "
                       "safetensors file, or damaged; %s",
                       file->path, claimed, MAX_HEADER, save);
    if (claimed > file->map_size - LENGTH_BYTES)
        return lg_fail(e,
                       "%s: byte 0: the header has %" PRIu64 " bytes but the file ends after %zu; "
                       "it is truncated: copy or download it again",
                       file->path, claimed, file->map_size);
    *length = (size_t)claimed;
    return true;
}

static bool parse_header(lg_safetensors *file, size_t length, lg_error *e)
{
    json_error_t where;
    file->header =
        json_loadb((const char *)file->map + LENGTH_BYTES, length, JSON_REJECT_DUPLICATES, &where);
    if (!file->header)
        return lg_fail(e, "%s: byte %d: the header is not JSON: %s; the file is damaged",
                       file->path, where.position + LENGTH_BYTES, where.text);
    if (!json_is_object(file->header))
        return lg_fail(e, "%s: byte %d: the header must be a JSON object; the file is damaged",
                       file->path, LENGTH_BYTES);
    json_t *metadata = json_object_get(file->header, "__metadata__"), *value;
    const char *key;
    if (metadata && !json_is_object(metadata))
        return lg_fail(e, "%s: __metadata__ must be an object of strings", file->path);
    json_object_foreach(metadata, key, value) if (!json_is_string(value)) return lg_fail(
        e, "%s: __metadata__: the value of \"%s\" must be a string", file->path, key);
    return true;
}

static void fault(reader *r, const char *name, const char *what)
{
    r->ok = lg_fail_more(r->e, "%s: tensor %s: %s", r->file->path, name, what);
}

static bool read_dtype(reader *r, const char *name, const json_t *value, enum lg_abi_dtype *dtype)
{
    const char *text = json_string_value(value);
    for (int i = 0; text && i < SAFETENSORS_DTYPES; i++) {
        if (strcmp(text, safetensors_dtypes[i].name) == 0) {
            *dtype = safetensors_dtypes[i].dtype;
            return true;
        }
    }
    char what[200];
    snprintf(what, sizeof what,
             "dtype %.20s is not supported (F32 BF16 F16 I32 I64 U8 BOOL are); "
             "convert it, for example with tensor.float()",
             text ? text : "(missing)");
    fault(r, name, what);
    return false;
}

static bool read_shape(reader *r, const char *name, const json_t *value, lg_safetensor *t)
{
    if (!json_is_array(value)) {
        fault(r, name, "shape must be an array");
        return false;
    }
    if (json_array_size(value) > LG_ABI_MAX_RANK) {
        fault(r, name, "more than 8 axes are not supported; reshape it");
        return false;
    }
    t->rank = (int)json_array_size(value);
    for (int i = 0; i < t->rank; i++) {
        const json_t *extent = json_array_get(value, (size_t)i);
        t->shape[i] = json_integer_value(extent);
        if (!json_is_integer(extent) || t->shape[i] < 0) {
            fault(r, name, "shape must hold non-negative integers");
            return false;
        }
    }
    lg_error why;
    if (lg_shape_bytes(t->dtype, t->rank, t->shape, &t->bytes, &why))
        return true;
    fault(r, name, why.message);
    return false;
}

static void read_tensor(reader *r, const char *name, const json_t *value, lg_safetensor *t)
{
    *t = (lg_safetensor){.name = name, .data = r->data};
    const json_t *offsets = json_object_get(value, "data_offsets");
    if (!json_is_object(value)) {
        fault(r, name, "must be an object with dtype, shape and data_offsets");
        return;
    }
    if (!read_dtype(r, name, json_object_get(value, "dtype"), &t->dtype) ||
        !read_shape(r, name, json_object_get(value, "shape"), t))
        return;
    const json_t *b = json_array_get(offsets, 0), *n = json_array_get(offsets, 1);
    json_int_t begin = json_integer_value(b), end = json_integer_value(n);
    char what[320], shape[192];
    if (json_array_size(offsets) != 2 || !json_is_integer(b) || !json_is_integer(n) || begin < 0 ||
        end < begin) {
        fault(r, name, "data_offsets must be [begin, end] with 0 <= begin <= end");
    } else if ((uint64_t)end > r->data_size) {
        snprintf(what, sizeof what,
                 "bytes %lld..%lld lie outside of the data, which has %zu; the file "
                 "is truncated or damaged",
                 (long long)begin, (long long)end, r->data_size);
        fault(r, name, what);
    } else if ((uint64_t)(end - begin) != t->bytes) {
        snprintf(what, sizeof what, "shape %s of %s needs %zu bytes, data_offsets give %lld",
                 lg_shape_text(t->rank, t->shape, shape), lg_abi_dtype_name(t->dtype), t->bytes,
                 (long long)(end - begin));
        fault(r, name, what);
    } else {
        t->data = r->data + begin;
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(lg_safetensor *const *)a)->name, (*(lg_safetensor *const *)b)->name);
}

static int compare_places(const void *a, const void *b)
{
    const lg_safetensor *x = *(lg_safetensor *const *)a, *y = *(lg_safetensor *const *)b;
    if (x->data != y->data)
        return (const char *)x->data < (const char *)y->data ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

// The format wants the ranges to follow each other from the first byte to the last. Uses by_name
// as scratch; it is sorted by name afterwards.
static void check_tiling(reader *r)
{
    lg_safetensors *file = r->file;
    size_t reached = 0;
    qsort(file->by_name, file->count, sizeof *file->by_name, compare_places);
    for (size_t i = 0; i < file->count && r->ok; i++) {
        const lg_safetensor *t = file->by_name[i];
        size_t begin = (size_t)((const unsigned char *)t->data - r->data);
        if (begin != reached) {
            char what[200];
            snprintf(what, sizeof what,
                     "its data begins at byte %zu but %s byte %zu: %s; write the "
                     "file again",
                     begin, "the tensor before it ends at", reached,
                     begin < reached ? "they overlap" : "there is a gap");
            fault(r, t->name, what);
        }
        reached = begin + t->bytes;
    }
    if (r->ok && reached != r->data_size)
        r->ok = lg_fail(r->e, "%s: %zu bytes follow the last tensor; the file is damaged",
                        file->path, r->data_size - reached);
}

static void strip_prefix(lg_safetensors *file)
{
    size_t length = sizeof prefix - 1;
    for (size_t i = 0; i < file->count; i++)
        if (strncmp(file->tensors[i].name, prefix, length) != 0 || !file->tensors[i].name[length])
            return;
    for (size_t i = 0; i < file->count; i++)
        file->tensors[i].name += length;
}

static bool copy_misaligned(lg_safetensors *file, lg_error *e)
{
    for (size_t i = 0; i < file->count; i++) {
        lg_safetensor *t = &file->tensors[i];
        if ((uintptr_t)t->data % lg_abi_dtype_size(t->dtype) == 0 || t->bytes == 0)
            continue;
        file->copies[i] = malloc(t->bytes);
        if (!file->copies[i])
            return lg_fail(e, "%s: tensor %s: no memory for a copy of %zu bytes", file->path,
                           t->name, t->bytes);
        t->data = memcpy(file->copies[i], t->data, t->bytes);
    }
    return true;
}

static bool read_tensors(lg_safetensors *file, size_t header_length, lg_error *e)
{
    size_t entries = json_object_size(file->header);
    file->tensors = calloc(entries + 1, sizeof *file->tensors);
    file->by_name = calloc(entries + 1, sizeof *file->by_name);
    file->copies = calloc(entries + 1, sizeof *file->copies);
    if (!file->tensors || !file->by_name || !file->copies)
        return lg_fail(e, "%s: no memory for %zu tensors", file->path, entries);
    reader r = {.file = file, .ok = true, .e = e};
    r.data = file->map + LENGTH_BYTES + header_length;
    r.data_size = file->map_size - LENGTH_BYTES - header_length;
    lg_error_clear(e);
    const char *name;
    json_t *value;
    size_t count = 0;
    json_object_foreach(file->header, name, value)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        lg_safetensor *t = &file->tensors[count];
        read_tensor(&r, name, value, t);
        file->by_name[count++] = t;
    }
    file->count = count;
    if (r.ok)
        check_tiling(&r);
    if (!r.ok)
        return false;
    strip_prefix(file);
    qsort(file->by_name, file->count, sizeof *file->by_name, compare_names);
    return copy_misaligned(file, e);
}

lg_safetensors *lg_safetensors_open(const char *path, lg_error *e)
{
    lg_safetensors *file = calloc(1, sizeof *file);
    if (file)
        file->path = strdup(path);
    if (!file || !file->path) {
        free(file);
        lg_fail(e, "%s: no memory", path);
        return NULL;
    }
    size_t header_length = 0;
    if (map_file(file, e) && find_header(file, &header_length, e) &&
        parse_header(file, header_length, e) && read_tensors(file, header_length, e))
        return file;
    lg_safetensors_close(file);
    return NULL;
}

void lg_safetensors_close(lg_safetensors *file)
{
    if (!file)
        return;
    for (size_t i = 0; file->copies && i < file->count; i++)
        free(file->copies[i]);
    free(file->copies);
    free(file->tensors);
    free(file->by_name);
    json_decref(file->header);
    if (file->map)
        munmap(file->map, file->map_size);
    free(file->path);
    free(file);
}

size_t lg_safetensors_count(const lg_safetensors *file)
{
    return file->count;
}

const lg_safetensor *lg_safetensors_at(const lg_safetensors *file, size_t i)
{
    return &file->tensors[i];
}

const lg_safetensor *lg_safetensors_find(const lg_safetensors *file, const char *name)
{
    const lg_safetensor wanted = {.name = name}, *key = &wanted;
    lg_safetensor **found = bsearch(&key, file->by_name, file->count, sizeof key, compare_names);
    return found ? *found : NULL;
}

const char *lg_safetensors_metadata(const lg_safetensors *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

// Index of the first value whose exponent bits are all ones, or count.
static size_t halves_first_nonfinite(const uint16_t *values, size_t count, uint16_t exponent)
{
    for (size_t i = 0; i < count; i++)
        if ((values[i] & exponent) == exponent)
            return i;
    return count;
}

bool lg_safetensors_check_finite(const lg_safetensors *file, lg_error *e)
{
    bool ok = true;
    lg_error_clear(e);
    for (size_t i = 0; i < file->count; i++) {
        const lg_safetensor *t = &file->tensors[i];
        size_t count = t->bytes / lg_abi_dtype_size(t->dtype), found = count;
        if (t->dtype == LG_ABI_F32)
            found = lg_floats_first_nonfinite(t->data, count);
        else if (t->dtype == LG_ABI_BF16 || t->dtype == LG_ABI_F16)
            found =
                halves_first_nonfinite(t->data, count, t->dtype == LG_ABI_F16 ? 0x7c00 : 0x7f80);
        if (found < count)
            ok = lg_fail_more(e,
                              "%s: tensor %s: element %zu is NaN or infinite; these weights cannot "
                              "be used, train or export them again",
                              file->path, t->name, found);
    }
    return ok;
}
