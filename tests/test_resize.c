// The resize against the plain definition: two full passes, written as LGPN's specification has
// them. That the definition is Pillow's is held by the goldens in test_image.c.
#include "runtime/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static lg_image *random_image(int width, int height, uint32_t seed)
{
    lg_image *image = lg_image_new(width, height, NULL);
    ck_assert_ptr_nonnull(image);
    for (size_t i = 0; i < (size_t)width * (size_t)height * 3; i++)
        image->rgb[i] = (uint8_t)(seed % 3 ? next_random(&seed) : (next_random(&seed) & 1) * 255);
    return image;
}

// One output line of `outputs` pixels from `inputs` pixels; steps are in bytes.
static void reference_line(const uint8_t *in, int inputs, size_t in_step, uint8_t *out, int outputs,
                           size_t out_step)
{
    double scale = (double)inputs / outputs, support = scale > 1.0 ? scale : 1.0;
    for (int o = 0; o < outputs; o++) {
        double center = (o + 0.5) * scale, sum = 0.0;
        int low = (int)(center - support + 0.5), high = (int)(center + support + 0.5);
        low = low > 0 ? low : 0;
        high = high < inputs ? high : inputs;
        double *weights = malloc((size_t)(high - low) * sizeof *weights);
        ck_assert_ptr_nonnull(weights);
        for (int s = low; s < high; s++) {
            double x = fabs((s - center + 0.5) * (1.0 / support));
            sum += weights[s - low] = x < 1.0 ? 1.0 - x : 0.0;
        }
        for (size_t c = 0; c < 3; c++) {
            int64_t total = 1 << 21;
            for (int s = low; s < high; s++)
                total += in[(size_t)s * in_step + c] *
                         (int64_t)(0.5 + weights[s - low] / sum * (1 << 22));
            ck_assert(total <= INT32_MAX);
            total >>= 22;
            out[(size_t)o * out_step + c] = (uint8_t)(total > 255 ? 255 : total);
        }
        free(weights);
    }
}

static lg_image *reference_resize(const lg_image *in, int width, int height)
{
    lg_image *wide = lg_image_new(width, in->height, NULL);
    lg_image *out = lg_image_new(width, height, NULL);
    ck_assert(wide && out);
    size_t in_row = (size_t)in->width * 3, out_row = (size_t)width * 3;
    for (size_t y = 0; y < (size_t)in->height; y++) {
        if (in->width == width)
            memcpy(wide->rgb + y * out_row, in->rgb + y * in_row, out_row);
        else
            reference_line(in->rgb + y * in_row, in->width, 3, wide->rgb + y * out_row, width, 3);
    }
    for (size_t x = 0; x < (size_t)width; x++)
        reference_line(wide->rgb + 3 * x, in->height, out_row, out->rgb + 3 * x, height, out_row);
    if (in->height == height)
        memcpy(out->rgb, wide->rgb, out_row * (size_t)height);
    lg_image_free(wide);
    return out;
}

static void check_pair(int in_width, int in_height, int width, int height)
{
    lg_error e = {""};
    lg_image *in =
        random_image(in_width, in_height, (uint32_t)(in_width * 31 + width * 7 + height));
    lg_image *wanted = reference_resize(in, width, height);
    lg_image *got = lg_image_resize(in, width, height, &e);
    ck_assert_msg(got != NULL, "%s", e.message);
    ck_assert_int_eq(got->width, width);
    ck_assert_int_eq(got->height, height);
    ck_assert_msg(memcmp(got->rgb, wanted->rgb, (size_t)width * (size_t)height * 3) == 0,
                  "%dx%d -> %dx%d differs", in_width, in_height, width, height);
    lg_image_free(got);
    lg_image_free(wanted);
    lg_image_free(in);
}

START_TEST(sizes_of_interest)
{
    static const int pairs[][4] = {
        {256, 256, 256, 256}, {32, 32, 256, 256},   {178, 218, 256, 256}, {300, 200, 256, 256},
        {256, 300, 256, 256}, {512, 512, 256, 256}, {1, 1, 8, 8},         {7, 1, 3, 5},
        {1, 200, 1, 3},       {200, 1, 3, 1},       {257, 255, 256, 256}, {640, 480, 128, 128},
        {3, 2, 1, 1},         {1000, 3, 2, 2},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        check_pair(pairs[i][0], pairs[i][1], pairs[i][2], pairs[i][3]);
}
END_TEST

START_TEST(random_sizes)
{
    uint32_t seed = 7;
    for (int i = 0; i < 40; i++) {
        int sizes[4];
        for (int k = 0; k < 4; k++)
            sizes[k] = 1 + (int)(next_random(&seed) % 120);
        check_pair(sizes[0], sizes[1], sizes[2], sizes[3]);
    }
}
END_TEST

START_TEST(long_images_need_little_memory)
{
    // The intermediate image of this would take 77 megabytes if it existed as a whole.
    lg_error e = {""};
    lg_image *in = lg_image_new(1, 100000, &e);
    ck_assert_ptr_nonnull(in);
    memset(in->rgb, 77, 100000 * 3);
    lg_image *out = lg_image_resize(in, 256, 2, &e);
    ck_assert_msg(out != NULL, "%s", e.message);
    for (size_t i = 0; i < (size_t)2 * 256 * 3; i++)
        ck_assert_int_eq(out->rgb[i], 77);
    lg_image_free(out);
    lg_image_free(in);
}
END_TEST

START_TEST(sizes_out_of_bounds)
{
    lg_error e;
    lg_image *in = random_image(2, 2, 1);
    ck_assert_ptr_null(lg_image_resize(in, 0, 5, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "0 x 5"));
    ck_assert_ptr_null(lg_image_resize(in, 5, -1, &e));
    ck_assert_ptr_null(lg_image_resize(in, 100000, 100000, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "too many"));
    lg_image_free(in);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resize");
    TCase *tests = tcase_create("resize");
    tcase_add_test(tests, sizes_of_interest);
    tcase_add_test(tests, random_sizes);
    tcase_add_test(tests, long_images_need_little_memory);
    tcase_add_test(tests, sizes_out_of_bounds);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
