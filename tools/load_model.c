// A user's C file is the same thing as a built-in model: a builder and its options in an
// lg_model_info. It is compiled to a shared object in a temporary folder that is gone before the
// builder runs.
#include "tools/load_model.h"

#include "models/models.h"
#include "tools/model_spec.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static lg_location place(const char *file)
{
    return (lg_location){file, 0, 0};
}

// ---- C files. Messages name `spec`, which outlives them.

// Runs $CC on `source`; its standard output joins standard error. Returns its exit code, 127 when
// there is no compiler, -1 when there is no process to be had. The shell splits $CC into words
// ("ccache gcc"); names of files never pass through it.
static int run_compiler(const char *source, const char *include_dir, const char *object)
{
    const char *script = "exec ${CC:-cc} \"$@\" >&2";
    char *include = NULL;
    if (asprintf(&include, "-I%s", include_dir) < 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", script, "cc", "-shared", "-fPIC", "-std=c17", "-O1",
              "-D_GNU_SOURCE", "-Wall", include, "-o", object, source, (char *)NULL);
        _exit(127);
    }
    free(include);
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool compile(const char *source, const char *include_dir, const char *object,
                    const char *spec, lg_diag *diag)
{
    const char *compiler = getenv("CC");
    if (!compiler || !*compiler)
        compiler = "cc";
    int status = run_compiler(source, include_dir, object);
    if (status == 127)
        return lg_error_at(diag, place(spec),
                           "needs a C compiler and `%s` is none; install gcc or set CC", compiler);
    if (status != 0)
        return lg_error_at(diag, place(spec), "the C compiler `%s` refused it", compiler);
    return true;
}

static const lg_model_info *find_info(const char *object, const char *spec, lg_diag *diag)
{
    void *library = dlopen(object, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        // Its message starts with the name of a file that the user never saw.
        const char *message = dlerror(), *reason = strstr(message, ": ");
        lg_error_at(diag, place(spec), "cannot be loaded: %s", reason ? reason + 2 : message);
        return NULL;
    }
    const lg_model_info *info = dlsym(library, LG_MODEL_SYMBOL);
    if (!info)
        lg_error_at(diag, place(spec),
                    "defines no model; end it with LG_MODEL(\"my_net\", build, \"what it is\")");
    return info;
}

static const lg_model_info *compile_and_load(const char *source, const char *include_dir,
                                             const char *spec, lg_diag *diag)
{
    const char *temporary = getenv("TMPDIR");
    char folder[4096], object[4096 + 16];
    int length = snprintf(folder, sizeof folder, "%s/.lg-%ld-XXXXXX",
                          temporary && *temporary ? temporary : "/tmp", (long)getpid());
    if (length >= (int)sizeof folder || !mkdtemp(folder)) {
        lg_error_at(diag, place(spec), "no folder to compile it in: %s: %s", folder,
                    strerror(errno));
        return NULL;
    }
    snprintf(object, sizeof object, "%s/model.so", folder);
    const lg_model_info *info = NULL;
    if (compile(source, include_dir, object, spec, diag))
        info = find_info(object, spec, diag);
    unlink(object);
    rmdir(folder);
    return info;
}

static bool can_read(const char *path, const char *spec, lg_diag *diag)
{
    struct stat about;
    if (stat(path, &about) != 0 || access(path, R_OK) != 0)
        return lg_error_at(diag, place(spec), "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return lg_error_at(diag, place(spec), "%s is not a file", path);
    return true;
}

static lg_module *load_c_file(const char *spec, const char *options, const char *include_dir,
                              unsigned functions, const lg_training *training, lg_diag *diag)
{
    char *source; // a name like -x.c must not look like an option
    if (asprintf(&source, "%s%.*s", *spec == '-' ? "./" : "", (int)(options - spec), spec) < 0)
        return NULL;
    lg_module *module = NULL;
    const lg_model_info *info = NULL;
    if (can_read(source, spec, diag))
        info = compile_and_load(source, include_dir, spec, diag);
    if (info)
        module = lg_model_instantiate(info, *options == ':' ? options + 1 : NULL, spec, functions,
                                      training, diag);
    free(source);
    return module;
}

// ---- IR files

enum { MOST_IR_BYTES = 1 << 30 };

static char *read_text(const char *path, size_t *length, lg_diag *diag)
{
    struct stat about;
    if (!can_read(path, path, diag))
        return NULL;
    FILE *in = fopen(path, "rb");
    char *text = NULL;
    if (!in || fstat(fileno(in), &about) != 0)
        lg_error_at(diag, place(path), "%s", strerror(errno));
    else if (about.st_size > MOST_IR_BYTES)
        lg_error_at(diag, place(path), "is too large for IR text");
    else if (!(text = malloc((size_t)about.st_size + 1)))
        lg_error_at(diag, place(path), "no memory to read it");
    else
        *length = fread(text, 1, (size_t)about.st_size, in);
    if (in)
        fclose(in);
    return text;
}

static lg_module *load_ir_file(const char *path, lg_diag *diag)
{
    size_t length = 0;
    char *text = read_text(path, &length, diag);
    if (!text)
        return NULL;
    lg_diag_add_source(diag, path, text, length);
    lg_module *module = lg_parse_module(path, text, length, diag);
    free(text);
    if (module && !lg_verify_module(module, diag)) {
        lg_module_free(module);
        return NULL;
    }
    return module;
}

lg_module *lg_load_model(const char *spec, const char *include_dir, unsigned functions,
                         const lg_training *training, lg_diag *diag)
{
    const char *options = lg_spec_options_of_c_file(spec);
    if (options)
        return load_c_file(spec, options, include_dir, functions, training, diag);
    if (lg_spec_ends_with(spec, ".ir"))
        return load_ir_file(spec, diag);
    return lg_model_build(spec, functions, training, diag);
}
