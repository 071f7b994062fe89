// Writing: all offsets follow from the shapes, so the header goes out first and the data after it,
// one tensor at a time. Larger elements come first, so every tensor is aligned: PyTorch's loader
// views the file's bytes in place and insists on it.
#include "runtime/safetensors.h"

#include "runtime/atomic_file.h"
#include "runtime/safetensors_dtypes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

enum { DATA_ALIGNMENT = 64 };

struct lg_safetensors_writer {
    lg_atomic_file file;
    const lg_safetensor *tensors;
    size_t *order; // of the data
    size_t count, written;
};

// Counting sort by element size, stable.
static void order_by_size(const lg_safetensor *tensors, size_t count, size_t *order)
{
    size_t filled = 0;
    for (size_t size = 8; size > 0; size /= 2)
        for (size_t i = 0; i < count; i++)
            if (lg_abi_dtype_size(tensors[i].dtype) == size)
                order[filled++] = i;
    assert(filled == count);
}

static const char *dtype_name(enum lg_abi_dtype dtype)
{
    int i = 0;
    while (safetensors_dtypes[i].dtype != dtype)
        i++;
    return safetensors_dtypes[i].name;
}

static json_t *describe(const lg_safetensor *t, size_t begin, size_t bytes)
{
    json_t *shape = json_array();
    for (int i = 0; i < t->rank; i++)
        json_array_append_new(shape, json_integer(t->shape[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype_name(t->dtype), "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)begin + (json_int_t)bytes);
}

// Entries appear in the caller's order; offsets follow the order of the data.
static bool add_tensors(json_t *header, const lg_safetensors_writer *w, const char *path,
                        lg_error *e)
{
    size_t *begins = calloc(w->count + 1, sizeof *begins), end = 0, bytes;
    bool ok = begins || lg_fail(e, "%s: no memory", path);
    for (size_t k = 0; k < w->count && ok; k++) {
        const lg_safetensor *t = &w->tensors[w->order[k]];
        begins[w->order[k]] = end;
        ok = lg_shape_bytes(t->dtype, t->rank, t->shape, &bytes, e);
        if (!ok)
            lg_fail_prefix(e, "%s: tensor %s: ", path, t->name);
        else if (__builtin_add_overflow(end, bytes, &end) || end > INT64_MAX)
            ok = lg_fail(e, "%s: the tensors are too large for one file", path);
    }
    for (size_t i = 0; i < w->count && ok; i++) {
        const lg_safetensor *t = &w->tensors[i];
        lg_shape_bytes(t->dtype, t->rank, t->shape, &bytes, NULL);
        if (json_object_get(header, t->name))
            ok = lg_fail(e, "%s: tensor %s is there twice", path, t->name);
        else if (json_object_set_new(header, t->name, describe(t, begins[i], bytes)) != 0)
            ok = lg_fail(e, "%s: tensor %s: the name is not UTF-8", path, t->name);
    }
    free(begins);
    return ok;
}

static char *make_header(const lg_safetensors_writer *w, const lg_metadata *metadata, size_t count,
                         const char *path, lg_error *e)
{
    json_t *header = json_object(), *entries = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(entries, metadata[i].key, json_string(metadata[i].value));
    if (count)
        json_object_set(header, "__metadata__", entries);
    json_decref(entries);
    char *text = NULL;
    if (add_tensors(header, w, path, e)) {
        text = json_dumps(header, JSON_COMPACT);
        if (!text)
            lg_fail(e, "%s: no memory for the header", path);
    }
    json_decref(header);
    return text;
}

// Blanks after the JSON bring the data to an aligned place.
static bool write_header(lg_atomic_file *file, const char *text, lg_error *e)
{
    static const char blanks[DATA_ALIGNMENT + 1] = "                                "
                                                   "                                ";
    size_t length = strlen(text), total = length + sizeof(uint64_t);
    size_t padding = (DATA_ALIGNMENT - total % DATA_ALIGNMENT) % DATA_ALIGNMENT;
    uint64_t stored = length + padding;
    return lg_atomic_write(file, &stored, sizeof stored, e) &&
           lg_atomic_write(file, text, length, e) && lg_atomic_write(file, blanks, padding, e);
}

lg_safetensors_writer *lg_safetensors_create(const char *path, const lg_safetensor *tensors,
                                             size_t count, const lg_metadata *metadata,
                                             size_t metadata_count, lg_error *e)
{
    lg_safetensors_writer *w = calloc(1, sizeof *w);
    if (w)
        w->order = calloc(count + 1, sizeof *w->order);
    if (!w || !w->order) {
        free(w);
        lg_fail(e, "%s: no memory for %zu tensors", path, count);
        return NULL;
    }
    w->tensors = tensors;
    w->count = count;
    order_by_size(tensors, count, w->order);
    char *text = make_header(w, metadata, metadata_count, path, e);
    bool ok = text && lg_atomic_open(&w->file, path, 0666, e) && write_header(&w->file, text, e);
    free(text);
    if (ok)
        return w;
    lg_safetensors_discard(w);
    return NULL;
}

ptrdiff_t lg_safetensors_next(const lg_safetensors_writer *w)
{
    return w->written < w->count ? (ptrdiff_t)w->order[w->written] : -1;
}

bool lg_safetensors_append(lg_safetensors_writer *w, const void *data, lg_error *e)
{
    assert(w->written < w->count);
    const lg_safetensor *t = &w->tensors[w->order[w->written++]];
    size_t bytes = 0;
    lg_shape_bytes(t->dtype, t->rank, t->shape, &bytes, NULL);
    return lg_atomic_write(&w->file, data, bytes, e);
}

bool lg_safetensors_commit(lg_safetensors_writer *w, lg_error *e)
{
    assert(w->written == w->count);
    bool ok = lg_atomic_commit(&w->file, e);
    free(w->order);
    free(w);
    return ok;
}

bool lg_safetensors_discard(lg_safetensors_writer *w)
{
    if (!w)
        return false;
    lg_atomic_abort(&w->file);
    free(w->order);
    free(w);
    return false;
}

bool lg_safetensors_write(const char *path, const lg_safetensor *tensors, size_t count,
                          const lg_metadata *metadata, size_t metadata_count, lg_error *e)
{
    lg_safetensors_writer *w =
        lg_safetensors_create(path, tensors, count, metadata, metadata_count, e);
    ptrdiff_t i;
    while (w && (i = lg_safetensors_next(w)) >= 0)
        if (!lg_safetensors_append(w, tensors[i].data, e))
            return lg_safetensors_discard(w);
    return w && lg_safetensors_commit(w, e);
}
