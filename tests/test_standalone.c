// An executable as `--emit=exe` makes it: a model with LGPN's interface and hardly any arithmetic,
// linked with the runtime that lies beside the build, run on images good and broken.
#include "runtime/npy.h"
#include "tests/support/compiled.h"
#include "tests/support/temporary.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>
#include <png.h>

// fake if the first pixel is bright; node n is on if its packed weight is.
static const char text[] =
    "program \"toy\" packed 220\n"
    "kernel @toy(%image: f32[1,4,4,3], %graph: f32[55,55], %w: f32[55], %rf: out f32[1,2],\n"
    "            %nodes: out f32[1,55,2]) {\n"
    "  parallel %n in 0..55 {\n"
    "    %nodes[0, %n, 0] = 0.0\n"
    "    %nodes[0, %n, 1] = %w[%n] * %graph[%n, %n]\n"
    "    if %n == 0 {\n"
    "      %rf[0, 0] = 0.0\n"
    "      %rf[0, 1] = %image[0, 0, 0, 0] * 4.0\n"
    "    }\n"
    "  }\n"
    "}\n"
    "entry @infer workspace 0 {\n"
    "  input 0 @image: f32[1,4,4,3]\n"
    "  input 1 @graph: f32[55,55]\n"
    "  output 0 @real_fake: f32[1,2]\n"
    "  output 1 @node_logits: f32[1,55,2]\n"
    "  slot @w: f32[55] packed 0\n"
    "  launch @toy(@image, @graph, @w, @real_fake, @node_logits)\n"
    "}\n";

static char program_path[160];
static lg_temporary folder;

// The archives of the runtime: lib/ beside $LGPNC.
static const char *runtime_folder(char path[static 512])
{
    const char *program = getenv("LGPNC");
    snprintf(path, 512, "%s", program ? program : "/proc/self/exe");
    char *slash = strrchr(path, '/');
    snprintf(slash ? slash : path, 16, "/lib");
    return path;
}

// No node is alone with itself, unlike in the graph of RED140.
static const float apart[55 * 55];
static const lg_tensor_desc own_graph = {"graph",  LG_ABI_F32,   2,
                                         {55, 55}, sizeof apart, .value = apart};

static void build_program(const lg_tensor_desc *values, int value_count)
{
    char libraries[512];
    if (access(runtime_folder(libraries), R_OK) != 0)
        exit(77);
    snprintf(program_path, sizeof program_path, "%s/toy", folder.folder);
    lg_diag *diag = lg_diag_new();
    lg_program *program = lg_program_of_text(text);
    lg_cpu_target target;
    float weights[55];
    for (int i = 0; i < 55; i++)
        weights[i] = i % 3 == 0 ? 3.0f : -2.0f;
    lg_codegen_options options = {.prefix = "toy",
                                  .model = "toy",
                                  .compiler = "lgpnc test",
                                  .target = &target,
                                  .packed = weights,
                                  .values = values,
                                  .value_count = value_count};
    if (!lg_cpu_target_resolve(&target, "native", NULL, diag))
        exit(77);
    bool good = lg_emit_executable(program, &options, program_path, libraries, diag);
    if (!good)
        lg_diag_print(diag, stderr);
    ck_assert(good);
    lg_program_free(program);
    lg_diag_free(diag);
}

static void set_up(void)
{
    folder = lg_temporary_new();
    build_program(NULL, 0);
}

static void tear_down(void)
{
    lg_temporary_free(&folder);
}

// Runs `PROGRAM ARGUMENTS` in the folder; its exit status. Standard output and error go to files.
static int run(const char *arguments)
{
    char line[1024];
    snprintf(line, sizeof line, "cd %s && ./toy %s >out 2>err", folder.folder, arguments);
    int status = system(line);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const char *contents(const char *name)
{
    static char buffer[1 << 16];
    FILE *file = fopen(lg_temporary_path(&folder, name), "r");
    ck_assert_ptr_nonnull(file);
    buffer[fread(buffer, 1, sizeof buffer - 1, file)] = '\0';
    fclose(file);
    return buffer;
}

static void write_png(const char *name, int brightness)
{
    unsigned char rows[8 * 8 * 3];
    memset(rows, brightness, sizeof rows);
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = 8, .height = 8, .format = PNG_FORMAT_RGB};
    ck_assert(png_image_write_to_file(&image, lg_temporary_path(&folder, name), 0, rows, 0, NULL));
}

START_TEST(predicts)
{
    write_png("bright.png", 255);
    write_png("dark.png", 0);
    ck_assert_int_eq(run("bright.png dark.png"), 0);
    const char *out = contents("out");
    ck_assert_ptr_nonnull(strstr(out, "bright.png"));
    ck_assert_ptr_nonnull(strstr(out, "fake"));
    ck_assert_ptr_nonnull(strstr(strstr(out, "dark.png"), "real"));
    ck_assert_int_eq(run("--json --threads=2 bright.png"), 0);
    out = contents("out");
    ck_assert_ptr_nonnull(strstr(out, "{\"file\":\"bright.png\",\"fake\":true,"));
    ck_assert_ptr_nonnull(strstr(out, "\"loss_l1\":{\"value\":\"yes\""));
    ck_assert_ptr_nonnull(strstr(out, "\"layers\":{\"value\""));
    ck_assert(strchr(out, '\n') == out + strlen(out) - 1);
}
END_TEST

// The graph that was built in is taken, and --graph in its place.
START_TEST(carries_a_graph)
{
    float ones[55 * 55];
    for (int i = 0; i < 55 * 55; i++)
        ones[i] = 1;
    const lg_tensor graph = {LG_ABI_F32, 2, {55, 55}, ones, sizeof ones, false};
    ck_assert(lg_npy_write(lg_temporary_path(&folder, "ones.npy"), &graph, NULL));
    write_png("a.png", 255);
    for (int own = 0; own < 2; own++) {
        build_program(&own_graph, own);
        ck_assert_int_eq(run("--json a.png"), 0);
        const char *on = strstr(contents("out"), "\"loss_l1\":{\"value\":\"yes\"");
        ck_assert((on == NULL) == own);
        ck_assert_int_eq(run("--json --graph=ones.npy a.png"), 0);
        ck_assert_ptr_nonnull(strstr(contents("out"), "\"loss_l1\":{\"value\":\"yes\""));
    }
}
END_TEST

START_TEST(a_broken_image_among_good_ones)
{
    write_png("good.png", 200);
    lg_temporary_write(&folder, "broken.png", "\x89PNG\r\n\x1a\n", 8);
    ck_assert_int_eq(run("--json nowhere.png broken.png good.png"), 1);
    ck_assert_ptr_nonnull(strstr(contents("out"), "good.png"));
    ck_assert_ptr_nonnull(strstr(contents("err"), "nowhere.png"));
    ck_assert_ptr_nonnull(strstr(contents("err"), "broken.png"));
}
END_TEST

START_TEST(wrong_usage)
{
    ck_assert_int_eq(run(""), 2);
    ck_assert_int_eq(run("--threads=many a.png"), 2);
    ck_assert_int_eq(run("--nothing"), 2);
    ck_assert_int_eq(run("--help"), 0);
    ck_assert_ptr_nonnull(strstr(contents("out"), "--json"));
    ck_assert_int_eq(run("--version"), 0);
    ck_assert_ptr_nonnull(strstr(contents("out"), "lgpnc test"));
    ck_assert_int_eq(run("--graph=nowhere.npy a.png"), 1);
    ck_assert_ptr_nonnull(strstr(contents("err"), "nowhere.npy"));
}
END_TEST

START_TEST(carries_what_it_needs)
{
    if (getenv("CC")) // a sanitizer's libraries are in it
        return;
    char line[512];
    snprintf(line, sizeof line,
             "test -z \"$(ldd %s | grep -vE 'linux-vdso|ld-linux|libc\\.so|libm\\.so')\"",
             program_path);
    ck_assert_msg(system(line) == 0, "%s", line);
    struct stat status;
    ck_assert(stat(program_path, &status) == 0);
    ck_assert_int_lt(status.st_size, 3 << 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("standalone");
    TCase *tests = tcase_create("standalone");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, predicts);
    tcase_add_test(tests, a_broken_image_among_good_ones);
    tcase_add_test(tests, carries_a_graph);
    tcase_add_test(tests, wrong_usage);
    tcase_add_test(tests, carries_what_it_needs);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
