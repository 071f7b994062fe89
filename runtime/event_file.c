// A message is built in a buffer that grows, inner messages first: protobuf wants their length in
// front. Field numbers are those of the .proto files that the header names.
#include "runtime/event_file.h"

#include "runtime/append.h"
#include "runtime/grey_png.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIXELS_OF_AN_ENTRY = 8, MOST_ENTRIES = 1024, NAMES_TO_TRY = 1000 };

struct lg_event_file {
    int fd;
    char *path;
};

// ---- CRC-32C

// Bit by bit: a record has some fifty bytes, fewer than a table of all bytes would have entries.
uint32_t lg_crc32c(const void *bytes, size_t size)
{
    uint32_t crc = ~0U;
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
    }
    return ~crc;
}

static uint32_t masked_crc(const void *bytes, size_t size)
{
    uint32_t crc = lg_crc32c(bytes, size);
    return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

// ---- protobuf

typedef struct message {
    uint8_t *bytes;
    size_t size, room;
    bool failed; // memory was short
} message;

enum wire_type { WIRE_VARINT = 0, WIRE_64_BITS = 1, WIRE_BYTES = 2, WIRE_32_BITS = 5 };

static void put(message *m, const void *bytes, size_t size)
{
    if (m->size + size > m->room && !m->failed) {
        size_t room = 2 * (m->size + size) + 64;
        uint8_t *grown = realloc(m->bytes, room);
        m->failed = !grown;
        m->bytes = grown ? grown : m->bytes;
        m->room = grown ? room : m->room;
    }
    if (m->failed || size == 0)
        return;
    memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
}

static void put_varint(message *m, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;
    for (; value > 127; value >>= 7)
        bytes[size++] = (uint8_t)(value | 128);
    bytes[size++] = (uint8_t)value;
    put(m, bytes, size);
}

static void put_little_endian(message *m, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    put(m, bytes, size);
}

static void put_key(message *m, unsigned field, enum wire_type type)
{
    put_varint(m, (uint64_t)field << 3 | type);
}

static void put_integer(message *m, unsigned field, uint64_t value)
{
    put_key(m, field, WIRE_VARINT);
    put_varint(m, value);
}

static void put_double(message *m, unsigned field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(m, field, WIRE_64_BITS);
    put_little_endian(m, bits, sizeof bits);
}

static void put_float(message *m, unsigned field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(m, field, WIRE_32_BITS);
    put_little_endian(m, bits, sizeof bits);
}

static void put_bytes(message *m, unsigned field, const void *bytes, size_t size)
{
    put_key(m, field, WIRE_BYTES);
    put_varint(m, size);
    put(m, bytes, size);
}

// Puts `inner` and frees it.
static void put_message(message *m, unsigned field, message *inner)
{
    put_bytes(m, field, inner->bytes, inner->size);
    m->failed |= inner->failed;
    free(inner->bytes);
    *inner = (message){0};
}

// ---- records

// Frames and writes the event, and frees it. After a fault the file ends where it did before.
static bool write_record(const lg_event_file *events, message *event, lg_error *e)
{
    message record = {.failed = event->failed};
    put_little_endian(&record, event->size, 8);
    put_little_endian(&record, record.failed ? 0 : masked_crc(record.bytes, 8), 4);
    put(&record, event->bytes, event->size);
    put_little_endian(&record, masked_crc(event->bytes, event->size), 4);
    bool good = !record.failed || lg_fail(e, "%s: no memory for a record", events->path);
    if (good && !lg_file_append(events->fd, record.bytes, record.size))
        good = lg_fail(e, "%s: cannot write: %s", events->path, strerror(errno));
    free(record.bytes);
    free(event->bytes);
    return good;
}

static message new_event(double wall_time, int64_t step)
{
    message event = {0};
    put_double(&event, 1, wall_time);
    if (step != 0) // as protobuf 3 leaves out what is zero
        put_integer(&event, 2, (uint64_t)step);
    return event;
}

// `value` is a Summary.Value but for its tag.
static bool write_value(lg_event_file *events, double wall_time, int64_t step, const char *tag,
                        message *rest, lg_error *e)
{
    message value = {0}, summary = {0}, event = new_event(wall_time, step);
    put_bytes(&value, 1, tag, strlen(tag));
    put(&value, rest->bytes, rest->size);
    value.failed |= rest->failed;
    free(rest->bytes);
    put_message(&summary, 1, &value);
    put_message(&event, 5, &summary);
    return write_record(events, &event, e);
}

bool lg_event_scalar(lg_event_file *events, double wall_time, int64_t step, const char *tag,
                     float value, lg_error *e)
{
    message rest = {0};
    put_float(&rest, 2, value);
    return write_value(events, wall_time, step, tag, &rest, e);
}

// ---- pictures

static uint8_t grey(float value, float lowest, float highest)
{
    float part = highest > lowest ? (value - lowest) / (highest - lowest) : 0;
    return (uint8_t)(255 * fminf(fmaxf(part, 0), 1) + 0.5F); // fmaxf: NaN is black
}

static uint8_t *draw(const float *values, int rows, int columns, float lowest, float highest)
{
    size_t width = (size_t)columns * PIXELS_OF_AN_ENTRY, height = (size_t)rows * PIXELS_OF_AN_ENTRY;
    uint8_t *pixels = malloc(width * height);
    for (size_t y = 0; pixels && y < height; y++)
        for (size_t x = 0; x < width; x++)
            pixels[y * width + x] =
                grey(values[y / PIXELS_OF_AN_ENTRY * (size_t)columns + x / PIXELS_OF_AN_ENTRY],
                     lowest, highest);
    return pixels;
}

bool lg_event_matrix(lg_event_file *events, double wall_time, int64_t step, const char *tag,
                     const float *values, int rows, int columns, float lowest, float highest,
                     lg_error *e)
{
    if (rows < 1 || columns < 1 || rows > MOST_ENTRIES || columns > MOST_ENTRIES)
        return lg_fail(e, "%s: a picture of %d x %d entries", tag, rows, columns);
    uint32_t width = (uint32_t)columns * PIXELS_OF_AN_ENTRY;
    uint32_t height = (uint32_t)rows * PIXELS_OF_AN_ENTRY;
    size_t size = 0;
    uint8_t *pixels = draw(values, rows, columns, lowest, highest);
    uint8_t *png = pixels ? lg_grey_png(pixels, width, height, &size) : NULL;
    free(pixels);
    if (!png)
        return lg_fail(e, "%s: no memory for the picture %s", events->path, tag);
    message image = {0}, rest = {0};
    put_integer(&image, 1, height);
    put_integer(&image, 2, width);
    put_integer(&image, 3, 1); // grey
    put_bytes(&image, 4, png, size);
    free(png);
    put_message(&rest, 4, &image);
    return write_value(events, wall_time, step, tag, &rest, e);
}

// ---- opening

static bool create(lg_event_file *events, const char *folder, double wall_time, lg_error *e)
{
    int reason = ENOMEM;
    for (int attempt = 0; attempt < NAMES_TO_TRY; attempt++) {
        if (asprintf(&events->path, "%s/events.out.tfevents.%010lld.%ld.%d.lgpnc", folder,
                     (long long)wall_time, (long)getpid(), attempt) < 0) {
            events->path = NULL;
            break;
        }
        events->fd = open(events->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        reason = errno;
        if (events->fd >= 0)
            return true;
        if (reason != EEXIST)
            break;
        free(events->path);
        events->path = NULL;
    }
    return lg_fail(e, "%s: cannot make an event file: %s", folder, strerror(reason));
}

// The version that readers want first, and a session's start, which ends what was said before.
static bool write_head(lg_event_file *events, double wall_time, int64_t step, lg_error *e)
{
    static const char version[] = "brain.Event:2";
    message head = new_event(wall_time, 0), start = new_event(wall_time, step), session = {0};
    put_bytes(&head, 3, version, sizeof version - 1);
    put_integer(&session, 1, 1); // START
    put_message(&start, 7, &session);
    bool good = write_record(events, &head, e);
    return write_record(events, &start, good ? e : NULL) && good;
}

lg_event_file *lg_event_file_open(const char *folder, double wall_time, int64_t step, lg_error *e)
{
    lg_event_file *events = calloc(1, sizeof *events);
    if (!events) {
        lg_fail(e, "%s: no memory for an event file", folder);
        return NULL;
    }
    events->fd = -1;
    if (create(events, folder, wall_time, e) && write_head(events, wall_time, step, e))
        return events;
    lg_event_file_close(events);
    return NULL;
}

void lg_event_file_close(lg_event_file *events)
{
    if (!events)
        return;
    if (events->fd >= 0)
        close(events->fd);
    free(events->path);
    free(events);
}

const char *lg_event_file_path(const lg_event_file *events)
{
    return events->path;
}
