// Decoding against Pillow's pixels (tests/goldens/make_images.py), and files that are no images or
// no longer whole: each must give one message and leave nothing behind.
#include "runtime/npy.h"
#include "runtime/preprocess.h"
#include "runtime/read_file.h"
#include "runtime/resize.h"
#include "tests/support/temporary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#define IMAGES LGPNC_TESTS_DIR "/goldens/images/"

// A line of cases.txt: does the image, brought to the size of the array, equal it?
static void check_case(const char *image_name, const char *array_name)
{
    lg_error e = {""};
    char path[512];
    snprintf(path, sizeof path, IMAGES "%s", image_name);
    lg_image *image = lg_image_load(path, &e);
    ck_assert_msg(image != NULL, "%s", e.message);
    snprintf(path, sizeof path, IMAGES "%s", array_name);
    lg_tensor *array = lg_npy_read(path, &e);
    ck_assert_msg(array != NULL, "%s", e.message);
    ck_assert_int_eq(array->rank, 3);
    lg_image *resized = lg_image_resize(image, (int)array->shape[1], (int)array->shape[0], &e);
    ck_assert_msg(resized != NULL, "%s", e.message);
    ck_assert_msg(memcmp(resized->rgb, array->data, array->bytes) == 0, "%s differs", array_name);
    lg_image_free(resized);
    lg_image_free(image);
    lg_tensor_free(array);
}

START_TEST(pixels_are_pillows)
{
    FILE *cases = fopen(IMAGES "cases.txt", "r");
    char image[128], array[128];
    int count = 0;
    ck_assert_ptr_nonnull(cases);
    for (; fscanf(cases, "%127s %127s", image, array) == 2; count++)
        check_case(image, array);
    fclose(cases);
    ck_assert_int_ge(count, 40);
}
END_TEST

START_TEST(input_is_torchs)
{
    lg_error e = {""};
    lg_tensor *wanted = lg_npy_read(IMAGES "photo.input.npy", &e);
    ck_assert_msg(wanted != NULL, "%s", e.message);
    lg_tensor *got = lg_preprocess_file(IMAGES "photo.jpg", 24, &e);
    ck_assert_msg(got != NULL, "%s", e.message);
    ck_assert_uint_eq(got->bytes, wanted->bytes);
    ck_assert_mem_eq(got->data, wanted->data, wanted->bytes);
    ck_assert_mem_eq(got->shape, wanted->shape, 4 * sizeof *got->shape);
    lg_tensor_free(got);
    lg_tensor_free(wanted);
}
END_TEST

static void check_refused(const void *bytes, size_t size, const char *part)
{
    lg_error e = {""};
    lg_image *image = lg_image_decode(bytes, size, "photo", &e);
    ck_assert_ptr_null(image);
    ck_assert_msg(strncmp(e.message, "photo: ", 7) == 0, "no file in: %s", e.message);
    ck_assert_msg(strstr(e.message, part) != NULL, "\"%s\" not in: %s", part, e.message);
    ck_assert_msg(!strchr(e.message, '\n'), "more than one line: %s", e.message);
}

START_TEST(other_files_are_told)
{
    check_refused("", 0, "empty");
    check_refused("GIF89a.......", 13, "this is GIF; convert it to JPEG or PNG");
    check_refused("RIFF....WEBPVP8 ", 16, "WebP");
    check_refused("hello", 5, "not an image that can be read; JPEG and PNG can");
    check_refused("\xff\xd8\xff", 3, "truncated");
    check_refused("\x89PNG\r\n\x1a\n", 8, "truncated");
}
END_TEST

START_TEST(paths_are_told)
{
    lg_error e;
    lg_temporary t = lg_temporary_new();
    ck_assert_ptr_null(lg_image_load("/nonexistent/a.jpg", &e));
    ck_assert_ptr_nonnull(strstr(e.message, "/nonexistent/a.jpg: cannot open: No such file"));
    ck_assert_ptr_null(lg_image_load(t.folder, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "is a folder"));
    ck_assert_ptr_null(lg_preprocess_file(IMAGES "photo.jpg", 0, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "nothing to see"));
    ck_assert_ptr_null(lg_preprocess_file(IMAGES "photo.jpg", -5, &e));
    lg_temporary_free(&t);
}
END_TEST

// Sizes are in the IHDR chunk of a PNG, whose checksum is put right, and in a JPEG's SOF0 segment.
static uint32_t crc32_of(const unsigned char *bytes, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void put_u32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

static void check_png_size(uint32_t width, uint32_t height, const char *part)
{
    lg_error e;
    size_t size;
    unsigned char *bytes = lg_file_read(IMAGES "rgb.png", 1 << 20, &size, &e);
    ck_assert_ptr_nonnull(bytes);
    put_u32(bytes + 16, width);
    put_u32(bytes + 20, height);
    put_u32(bytes + 29, crc32_of(bytes + 12, 17));
    check_refused(bytes, size, part);
    free(bytes);
}

START_TEST(huge_images_are_refused)
{
    check_png_size(1000000, 1000000, "too many");
    check_png_size(2000000, 2, "too many");
    check_png_size(0x7fffffff, 0x7fffffff, "too many");
    check_png_size(13378, 13378, "too many");
    check_png_size(0, 10, "damaged PNG");
    check_png_size(10, 0xffffffff, "damaged PNG");

    lg_error e;
    size_t size, sof = 2;
    unsigned char *bytes = lg_file_read(IMAGES "photo.jpg", 1 << 20, &size, &e);
    ck_assert_ptr_nonnull(bytes);
    while (bytes[sof + 1] != 0xc0)
        sof += 2 + (size_t)(bytes[sof + 2] << 8 | bytes[sof + 3]);
    memcpy(bytes + sof + 5, (const uint8_t[]){0xff, 0xdc, 0xff, 0xdc}, 4);
    check_refused(bytes, size, "65500 x 65500 pixels are too many");
    memset(bytes + sof + 5, 0xff, 4);
    check_refused(bytes, size, "damaged JPEG");
    memset(bytes + sof + 5, 0, 4);
    check_refused(bytes, size, "damaged JPEG");
    free(bytes);
}
END_TEST

// Copied to the heap, so that a sanitizer sees a read beyond the end.
static bool decodes(const unsigned char *bytes, size_t size)
{
    lg_error e = {""};
    unsigned char *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    lg_image *image = lg_image_decode(copy, size, "photo", &e);
    bool ok = image != NULL;
    ck_assert_msg(ok == (e.message[0] == '\0'), "%s", e.message);
    lg_image_free(image);
    free(copy);
    return ok;
}

static const char *const damaged_files[] = {
    "rgb.png",  "grey1.png", "palette_transparent.png", "interlaced.png", "rgb16.png", "photo.jpg",
    "grey.jpg", "cmyk.jpg",  "progressive.jpg",
};
enum { DAMAGED_FILES = sizeof damaged_files / sizeof *damaged_files };

START_TEST(every_prefix_is_refused)
{
    lg_error e;
    size_t size;
    char path[512];
    snprintf(path, sizeof path, IMAGES "%s", damaged_files[_i]);
    unsigned char *bytes = lg_file_read(path, 1 << 20, &size, &e);
    ck_assert_ptr_nonnull(bytes);
    ck_assert(decodes(bytes, size));
    for (size_t length = 0; length < size; length++)
        ck_assert_msg(!decodes(bytes, length), "%s: %zu of %zu bytes", path, length, size);
    free(bytes);
}
END_TEST

START_TEST(flipped_bits_do_no_harm)
{
    lg_error e;
    size_t size;
    char path[512];
    uint32_t random = 12345u + (uint32_t)_i;
    snprintf(path, sizeof path, IMAGES "%s", damaged_files[_i]);
    unsigned char *bytes = lg_file_read(path, 1 << 20, &size, &e);
    ck_assert_ptr_nonnull(bytes);
    for (int trial = 0; trial < 300; trial++) {
        random = random * 1664525u + 1013904223u;
        size_t at = (random >> 8) % size;
        unsigned char flip = (unsigned char)(1u << (random & 7));
        // Sizes are left alone: a forged one is legal and only costs time and memory.
        bytes[at] ^= flip;
        decodes(bytes, size);
        bytes[at] ^= flip;
    }
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("image");
    TCase *tests = tcase_create("image");
    tcase_add_test(tests, pixels_are_pillows);
    tcase_add_test(tests, input_is_torchs);
    tcase_add_test(tests, other_files_are_told);
    tcase_add_test(tests, paths_are_told);
    tcase_add_test(tests, huge_images_are_refused);
    tcase_add_loop_test(tests, every_prefix_is_refused, 0, DAMAGED_FILES);
    tcase_add_loop_test(tests, flipped_bits_do_no_harm, 0, DAMAGED_FILES);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
