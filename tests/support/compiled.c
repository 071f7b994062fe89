#include "tests/support/compiled.h"

#include "codegen/cuda_driver.h"
#include "codegen/nvrtc.h"
#include "runtime/loader.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

struct lg_compiled {
    lg_jit *jit;
    lg_cpu_target target;
};

// Asked by another process: a driver that was started does not work in the children that Check
// makes.
static bool has_gpu(void)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        lg_diag *diag = lg_diag_new();
        bool found = lg_cuda_driver_open(diag) && lg_nvrtc_open(diag);
        _exit(found ? 0 : 1);
    }
    int status = 1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

bool lg_cpu_runs(const char *name)
{
    if (!strcmp(name, "cuda"))
        return has_gpu();
    return lg_cpu_supports(name);
}

static void expect(bool good, lg_diag *diag)
{
    if (good)
        return;
    lg_diag_print(diag, stderr);
    ck_abort_msg("errors above");
}

lg_entry *lg_wrap_kernel(lg_program *program, lg_kernel *kernel)
{
    lg_arena *arena = program->arena;
    lg_entry *entry = LG_NEW(arena, lg_entry);
    entry->name = kernel->name;
    lg_launch launch = {.kernel = kernel, .slot_count = kernel->params.count, .label = ""};
    launch.slots = LG_NEW_ARRAY(arena, lg_kslot *, kernel->params.count);
    for (int i = 0; i < kernel->params.count; i++) {
        const lg_kbuffer *buffer = kernel->params.items[i];
        lg_kslot *slot = LG_NEW(arena, lg_kslot);
        bool input = buffer->scope == LG_SCOPE_IN;
        int64_t elements = 1;
        for (int d = 0; d < buffer->rank; d++)
            elements *= buffer->dims[d];
        *slot = (lg_kslot){.name = buffer->name, .place = input ? LG_PLACE_INPUT : LG_PLACE_OUTPUT};
        slot->type = LG_TYPE(buffer->dtype, elements);
        slot->index = input ? entry->input_count++ : entry->output_count++;
        launch.slots[i] = slot;
        LG_PUSH(arena, &entry->slots, slot);
    }
    LG_PUSH(arena, &entry->launches, launch);
    LG_PUSH(arena, &program->entries, entry);
    return entry;
}

lg_compiled *lg_compiled_new(lg_program *program, const char *cpu)
{
    lg_diag *diag = lg_diag_new();
    lg_compiled *compiled = calloc(1, sizeof *compiled);
    ck_assert_ptr_nonnull(compiled);
    expect(lg_cpu_target_resolve(&compiled->target, cpu, NULL, diag), diag);
    for (lg_kernel *kernel = program->first; kernel; kernel = kernel->next)
        if (!lg_program_entry(program, kernel->name))
            lg_wrap_kernel(program, kernel);
    lg_codegen_options options = {
        .prefix = "test", .model = "test", .compiler = "test", .target = &compiled->target};
    compiled->jit = lg_jit_new(program, &options, diag);
    expect(compiled->jit != NULL, diag);
    lg_diag_free(diag);
    return compiled;
}

void lg_compiled_free(lg_compiled *compiled)
{
    lg_jit_free(compiled->jit);
    free(compiled);
}

lg_ports lg_ports_of(const lg_kernel *kernel, void *const *buffers)
{
    lg_ports ports = {{NULL}, {NULL}};
    int input_count = 0, output_count = 0;
    for (int i = 0; i < kernel->params.count; i++) {
        if (kernel->params.items[i]->scope == LG_SCOPE_IN)
            ports.inputs[input_count++] = buffers[i];
        else
            ports.outputs[output_count++] = buffers[i];
    }
    return ports;
}

void lg_compiled_run(const lg_compiled *compiled, const lg_kernel *kernel, void *const *buffers)
{
    const lg_artifact *artifact = lg_jit_artifact(compiled->jit);
    lg_ports ports = lg_ports_of(kernel, buffers);
    lg_call call = {.inputs = (const void *const *)ports.inputs, .outputs = ports.outputs};
    for (uint32_t i = 0; i < artifact->entry_count; i++)
        if (!strcmp(artifact->entries[i].name, kernel->name)) {
            ck_assert_int_eq(artifact->entries[i].run(&call), 0);
            return;
        }
    ck_abort_msg("no entry point %s", kernel->name);
}

lg_program *lg_program_of_text(const char *text)
{
    lg_diag *diag = lg_diag_new();
    lg_program *program = lg_parse_program("test.kir", text, strlen(text), diag);
    expect(program != NULL, diag);
    lg_diag_free(diag);
    return program;
}
