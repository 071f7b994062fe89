// Layouts: where elements lie, worked out by hand, and arrays through every kind of layout and
// back.
#include "ir/interp.h"
#include "ir/lexer.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static lg_type parse_type(lg_arena *arena, const char *text)
{
    lg_diag *diag = lg_diag_new();
    lg_lexer lexer = {0};
    lg_lexer_begin(&lexer, "type", text, strlen(text), diag);
    lg_type type;
    ck_assert_msg(lg_type_parse(&lexer, arena, &type), "%s", text);
    lg_diag_free(diag);
    return type;
}

START_TEST(offsets_by_hand)
{
    static const struct {
        const char *type;
        int64_t index[LG_MAX_RANK], offset;
    } cases[] = {
        {"f32[2,3,4]", {1, 2, 3}, 23},
        {"f32[]", {0}, 0},
        {"f32[2,3]{1 0}", {1, 2}, 5},
        {"f32[2,3]{1 0}", {1, 0}, 1},
        // [n][h+2][c/8][w+2][c%8]: 6 rows, 2 blocks, 7 columns
        {"f32[2,4,5,16]{0 1+1 3/8 2+1 3%8}", {1, 2, 3, 9}, (((1 * 6 + 3) * 2 + 1) * 7 + 4) * 8 + 1},
        {"f32[2,4,5,16]{0 1+1 3/8 2+1 3%8}", {0, 0, 0, 0}, ((1 * 2 + 0) * 7 + 1) * 8},
        // 12 channels are two blocks of 8
        {"f32[12,2]{0/8 1 0%8}", {11, 1}, (1 * 2 + 1) * 8 + 3},
        {"f32[20,10]{0/16 1/8 1%8 0%16}", {17, 9}, ((1 * 2 + 1) * 8 + 1) * 16 + 1},
        // channel blocks 4 and 5 of 9
        {"f32[1,2,3,16]{0 1 3/8@4:9 2 3%8}", {0, 1, 2, 9}, ((1 * 9 + 5) * 3 + 2) * 8 + 1},
    };
    lg_arena *arena = lg_arena_new();
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        lg_type type = parse_type(arena, cases[n].type);
        int64_t offset = lg_layout_offset(&type, cases[n].index);
        ck_assert_msg(offset == cases[n].offset, "case %zu, %s: %lld, not %lld", n, cases[n].type,
                      (long long)offset, (long long)cases[n].offset);
    }
    lg_arena_free(arena);
}
END_TEST

static const char *const types[] = {
    "f32[2,3,4]",
    "i64[]",
    "bool[3,2]{1 0}",
    "f32[2,4,5,16]{0 1+1 3/8 2+1 3%8}",
    "bf16[20,10]{0/16 1/8 1%8 0%16}",
    "f16[1,3,3,5]{0 1+2 3/8 2+1 3%8}",
    "u8[7]{0/4 0%4}",
    "f32[1,2,3,16]{0 1 3/8@4:9 2 3%8}",
    "i32[3,2]{0@1:5 1}",
};

static int64_t buffer_elements(const lg_type *type)
{
    return lg_type_bytes(type) / lg_dtype_bytes(type->dtype);
}

static void count_padding(void *context, int64_t offset)
{
    ((char *)context)[offset]++;
}

// Each element of a buffer is one logical element, padding, or beside the window.
START_TEST(every_element_has_one_meaning)
{
    lg_arena *arena = lg_arena_new();
    lg_type type = parse_type(arena, types[_i]);
    int64_t count = lg_type_elements(&type), size = buffer_elements(&type), inside = 0;
    char *seen = calloc((size_t)size, 1);
    bool is_window = strchr(types[_i], '@') != NULL;
    for (int64_t n = 0; n < count; n++) {
        int64_t index[LG_MAX_RANK] = {0}, rest = n;
        for (int axis = type.rank - 1; axis >= 0; axis--, rest /= type.dims[axis + 1])
            index[axis] = rest % type.dims[axis];
        int64_t offset = lg_layout_offset(&type, index);
        ck_assert(offset >= 0 && offset < size);
        seen[offset]++;
    }
    lg_layout_for_padding(&type, count_padding, seen);
    for (int64_t n = 0; n < size; n++) {
        ck_assert(seen[n] <= 1);
        inside += seen[n];
    }
    ck_assert(is_window ? inside < size : inside == size);
    free(seen);
    lg_arena_free(arena);
}
END_TEST

START_TEST(arrays_come_back)
{
    lg_arena *arena = lg_arena_new();
    lg_type type = parse_type(arena, types[_i]);
    lg_array *a = lg_array_new(arena, &type), *b = lg_array_new(arena, &type);
    lg_array_randomize(a, 5);
    size_t bytes = (size_t)lg_type_bytes(&type);
    char *memory = malloc(bytes);
    memset(memory, 0x55, bytes);
    lg_array_store(a, &type, memory);
    lg_array_load(b, &type, memory);
    int64_t zeros = 0, untouched = 0, size = buffer_elements(&type);
    int width = lg_dtype_bytes(type.dtype);
    for (int64_t n = 0; n < lg_type_elements(&type); n++)
        ck_assert(a->data[n].i == b->data[n].i);
    char zero[8] = {0}, other[8];
    memset(other, 0x55, sizeof other);
    for (int64_t n = 0; n < size; n++) {
        zeros += memcmp(memory + n * width, zero, (size_t)width) == 0;
        untouched += memcmp(memory + n * width, other, (size_t)width) == 0;
    }
    if (strchr(types[_i], '@'))
        ck_assert_int_eq(untouched, size - lg_type_elements(&type)); // these have no padding
    else if (lg_dtype_is_float(type.dtype))
        ck_assert(untouched == 0 && zeros >= size - lg_type_elements(&type));
    free(memory);
    lg_arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layout");
    TCase *tests = tcase_create("all");
    suite_add_tcase(suite, tests);
    int count = (int)(sizeof types / sizeof *types);
    tcase_add_test(tests, offsets_by_hand);
    tcase_add_loop_test(tests, every_element_has_one_meaning, 0, count);
    tcase_add_loop_test(tests, arrays_come_back, 0, count);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
