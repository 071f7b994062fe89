// Files: objects, shared libraries and executables, the latter two made with a C compiler as the
// linker. Everything happens in a temporary folder beside the output, where the compiler runs; the
// result is renamed into place, and the folder goes away whatever happened.
#include "codegen/compile.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef LG_LIST(char *) words;

// A link on its way.
typedef struct linking {
    lg_arena *arena;
    lg_diag *diag;
    lg_location where; // the output, for messages
    const char *output, *folder;
    words objects; // file names in the folder
} linking;

static char *in_folder(linking *l, const char *name)
{
    return lg_format(l->arena, "%s/%s", l->folder, name);
}

static bool fail(linking *l, const char *what, const char *name)
{
    return lg_error_at(l->diag, l->where, "%s %s: %s", what, name, strerror(errno));
}

// ---- the folder

// Where a link points is what gets replaced. A folder or a device can't be.
static bool resolve_output(linking *l, const char *path)
{
    struct stat status;
    char resolved[PATH_MAX];
    l->where.file = path;
    if (stat(path, &status) != 0 || !realpath(path, resolved)) {
        l->output = path;
        return true;
    }
    l->output = lg_strdup(l->arena, resolved);
    if (S_ISREG(status.st_mode))
        return true;
    return lg_error_at(l->diag, l->where, "is no ordinary file; name a file that can be replaced");
}

static bool open_linking(linking *l, const char *path, lg_diag *diag)
{
    *l = (linking){.arena = lg_arena_new(), .diag = diag, .folder = NULL};
    if (resolve_output(l, path)) {
        const char *slash = strrchr(l->output, '/');
        int length = slash ? (int)(slash - l->output) + 1 : 0;
        char *folder = lg_format(l->arena, "%.*s.lg-%ld-XXXXXX", length, l->output, (long)getpid());
        if (mkdtemp(folder)) {
            l->folder = folder;
            return true;
        }
        fail(l, "can't write beside", l->output);
    }
    lg_arena_free(l->arena);
    return false;
}

static void close_linking(linking *l)
{
    DIR *folder = opendir(l->folder);
    for (struct dirent *file; folder && (file = readdir(folder));)
        if (strcmp(file->d_name, ".") != 0 && strcmp(file->d_name, "..") != 0)
            unlink(in_folder(l, file->d_name));
    if (folder)
        closedir(folder);
    rmdir(l->folder);
    lg_arena_free(l->arena);
}

static bool write_file(linking *l, const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(in_folder(l, name), "wb");
    bool good = file && fwrite(bytes, 1, size, file) == size;
    good = file && fclose(file) == 0 && good;
    return good || fail(l, "can't write", in_folder(l, name));
}

static bool finish(linking *l, const char *result)
{
    return rename(in_folder(l, result), l->output) == 0 || fail(l, "can't write", l->output);
}

// ---- running cc

static bool start_command(linking *l, words *command, const lg_codegen_options *options)
{
    char *rest = NULL, *text = lg_toolchain_command(l->arena, options, l->output, l->diag);
    for (char *word = text ? strtok_r(text, " ", &rest) : NULL; word;
         word = strtok_r(NULL, " ", &rest))
        LG_PUSH(l->arena, command, word);
    return text != NULL;
}

static void add_words(linking *l, words *command, const char *const *list)
{
    for (; *list; list++)
        LG_PUSH(l->arena, command, lg_strdup(l->arena, *list));
}

// What the command said, shortened to what fits a message.
static const char *read_log(linking *l)
{
    enum { LIMIT = 6000 };
    char *text = lg_alloc(l->arena, LIMIT + 1);
    FILE *log = fopen(in_folder(l, "log"), "rb");
    size_t size = log ? fread(text, 1, LIMIT, log) : 0;
    if (log)
        fclose(log);
    while (size > 0 && text[size - 1] == '\n')
        size--;
    text[size] = '\0';
    return text;
}

// Runs the command in the folder.
static bool run(linking *l, words *command)
{
    LG_PUSH(l->arena, command, NULL);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, l->folder);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "log", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t child;
    int error = posix_spawnp(&child, command->items[0], &actions, NULL, command->items, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error) {
        lg_error_at(l->diag, l->where, "can't run %s: %s", command->items[0], strerror(error));
        lg_note_at(l->diag, l->where,
                   "linking needs a C compiler and binutils: install gcc, or "
                   "set CC");
        return false;
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    return lg_error_at(l->diag, l->where, "%s failed:\n%s", command->items[0], read_log(l));
}

// ---- objects in the folder

static bool write_objects(linking *l, const lg_objects *objects)
{
    for (int i = 0; i < objects->count; i++) {
        char *name = lg_format(l->arena, "code%04d.o", i);
        LG_PUSH(l->arena, &l->objects, name);
        LLVMMemoryBufferRef buffer = objects->buffers[i];
        if (!write_file(l, name, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer)))
            return false;
    }
    return true;
}

static bool has_weights(const lg_program *program, const lg_codegen_options *options)
{
    return options->packed && program->packed > 0;
}

static bool write_packed(linking *l, const lg_program *program, const lg_codegen_options *options)
{
    return !has_weights(program, options) ||
           write_file(l, "packed.bin", options->packed, (size_t)program->packed);
}

static bool assemble_packed(linking *l, const lg_program *program,
                            const lg_codegen_options *options)
{
    if (!has_weights(program, options))
        return true;
    const char *assembly =
        lg_format(l->arena,
                  "    .globl %s_packed\n%s"
                  "    .section .note.GNU-stack,\"\",%%progbits\n",
                  options->prefix, lg_packed_section(l->arena, options, "packed.bin"));
    words command = {0};
    if (!write_packed(l, program, options) ||
        !write_file(l, "packed.s", assembly, strlen(assembly)) ||
        !start_command(l, &command, options))
        return false;
    add_words(l, &command, (const char *const[]){"-c", "packed.s", "-o", "packed.o", NULL});
    if (!run(l, &command))
        return false;
    unlink(in_folder(l, "packed.bin")); // of the size of the output: not there twice
    LG_PUSH(l->arena, &l->objects, "packed.o");
    return true;
}

// Compiles into the folder: afterwards l->objects is what there is to link.
static bool prepare(linking *l, const lg_program *program, const lg_codegen_options *options,
                    bool getter)
{
    lg_objects objects;
    if (!lg_compile(program, options, getter, &objects, l->diag))
        return false;
    bool good = write_objects(l, &objects);
    lg_objects_free(&objects);
    return good && assemble_packed(l, program, options);
}

// cc FLAGS -o result OBJECTS
static bool start_link(linking *l, words *command, const lg_codegen_options *options,
                       const char *const *flags)
{
    if (!start_command(l, command, options))
        return false;
    add_words(l, command, flags);
    add_words(l, command, (const char *const[]){"-o", "result", NULL});
    for (int i = 0; i < l->objects.count; i++)
        LG_PUSH(l->arena, command, l->objects.items[i]);
    return true;
}

// ---- the three kinds of file

static bool write_header(const lg_program *program, const lg_codegen_options *options,
                         const char *path, lg_diag *diag)
{
    linking l;
    if (!open_linking(&l, path, diag))
        return false;
    FILE *out = fopen(in_folder(&l, "result"), "w");
    bool good = out != NULL;
    if (good) {
        lg_emit_header(program, options, out);
        good = !ferror(out);
        good = fclose(out) == 0 && good;
    }
    good = good ? finish(&l, "result") : fail(&l, "can't write", path);
    close_linking(&l);
    return good;
}

bool lg_emit_object(const lg_program *program, const lg_codegen_options *options, const char *path,
                    const char *header, lg_diag *diag)
{
    linking l;
    if (!open_linking(&l, path, diag))
        return false;
    const char *packed = has_weights(program, options) ? in_folder(&l, "packed.bin") : NULL;
    bool good = write_packed(&l, program, options) &&
                lg_compile_whole(program, options, packed, in_folder(&l, "result"), diag);
    good = good && (!header || write_header(program, options, header, diag));
    good = good && finish(&l, "result");
    close_linking(&l);
    return good;
}

bool lg_emit_shared(const lg_program *program, const lg_codegen_options *options, const char *path,
                    lg_diag *diag)
{
    linking l;
    if (!open_linking(&l, path, diag))
        return false;
    words link = {0};
    const char *const flags[] = {"-shared", "-Wl,-s,-z,noexecstack", NULL};
    bool good = prepare(&l, program, options, true) && start_link(&l, &link, options, flags);
    if (good) {
        add_words(&l, &link, (const char *const[]){"-lm", NULL});
        good = run(&l, &link) && finish(&l, "result");
    }
    close_linking(&l);
    return good;
}

// The folder of the runtime for the target, resolved; false after reporting.
static bool find_runtime(const lg_codegen_options *options, const char *path, const char *folder,
                         char resolved[static PATH_MAX], lg_diag *diag)
{
    lg_location where = {.file = path};
    const lg_cpu_target *target = options->target;
    if (!lg_cpu_target_is_foreign(target))
        return realpath(folder, resolved) ||
               lg_error_at(diag, where, "the runtime is not in %s: %s", folder, strerror(errno));
    char foreign[PATH_MAX];
    int length =
        snprintf(foreign, sizeof foreign, "%s/%s", folder, lg_cpu_target_architecture(target));
    if (length < (int)sizeof foreign && realpath(foreign, resolved))
        return true;
    lg_error_at(diag, where, "an executable for %s carries the runtime, which is not in %s",
                target->triple, foreign);
    lg_note_at(diag, where,
               "build liblgpnc_runtime.a and liblgpnc_standalone.a for that machine (docs/"
               "embedding.md); libjpeg, libpng and zlib are linked too; --emit=shared and "
               "--emit=object need libc and libm only");
    return false;
}

bool lg_emit_executable(const lg_program *program, const lg_codegen_options *options,
                        const char *path, const char *runtime_folder, lg_diag *diag)
{
    linking l;
    char folder[PATH_MAX];
    if (!options->packed && program->packed > 0)
        return lg_error_at(diag, (lg_location){.file = path},
                           "an executable carries its weights: say which with --weights");
    if (!find_runtime(options, path, runtime_folder, folder, diag) || !open_linking(&l, path, diag))
        return false;
    words link = {0};
    const char *const flags[] = {"-pie", "-pthread", "-static-libgcc",
                                 "-Wl,-s,--gc-sections,-z,noexecstack", NULL};
    bool good = prepare(&l, program, options, true) && start_link(&l, &link, options, flags);
    if (good) {
        LG_PUSH(l.arena, &link, lg_format(l.arena, "%s/liblgpnc_standalone.a", folder));
        LG_PUSH(l.arena, &link, lg_format(l.arena, "%s/liblgpnc_runtime.a", folder));
        add_words(&l, &link,
                  (const char *const[]){"-l:libjpeg.a", "-l:libpng16.a", "-l:libz.a", "-lm", NULL});
        good = run(&l, &link) && finish(&l, "result");
    }
    close_linking(&l);
    return good;
}
