#include "codegen/describe.h"
#include "codegen/scratch.h"

#include <assert.h>
#include <string.h>

static uint32_t abi_dtype(lg_dtype dtype)
{
    static const uint32_t dtypes[LG_DTYPE_COUNT] = {
        [LG_F32] = LG_ABI_F32,   [LG_BF16] = LG_ABI_BF16, [LG_F16] = LG_ABI_F16,
        [LG_I32] = LG_ABI_I32,   [LG_I64] = LG_ABI_I64,   [LG_U8] = LG_ABI_U8,
        [LG_BOOL] = LG_ABI_BOOL,
    };
    return dtypes[dtype];
}

bool lg_is_same_input(const lg_tensor_desc *a, const lg_tensor_desc *b)
{
    return strcmp(a->name, b->name) == 0 && a->dtype == b->dtype && a->rank == b->rank &&
           memcmp(a->shape, b->shape, sizeof *a->shape * a->rank) == 0;
}

static lg_tensor_desc describe_tensor(const lg_kslot *slot)
{
    lg_tensor_desc desc = {.name = slot->name,
                           .dtype = abi_dtype(slot->type.dtype),
                           .rank = (uint32_t)slot->type.rank,
                           .state = slot->state};
    memcpy(desc.shape, slot->type.dims, sizeof *desc.shape * desc.rank);
    // Dense, whatever the layout is.
    desc.bytes =
        (uint64_t)lg_type_elements(&slot->type) * (uint64_t)lg_dtype_bytes(slot->type.dtype);
    return desc;
}

// The inputs or outputs of an entry, in order.
static lg_tensor_desc *describe_ports(lg_arena *arena, const lg_entry *entry, lg_place place,
                                      int count)
{
    lg_tensor_desc *rows = LG_NEW_ARRAY(arena, lg_tensor_desc, count + 1);
    for (int i = 0; i < entry->slots.count; i++) {
        const lg_kslot *slot = entry->slots.items[i];
        if (slot->place == place)
            rows[slot->index] = describe_tensor(slot);
    }
    for (int i = 0; i < count; i++)
        assert(rows[i].name && "an entry has a slot for each of its inputs and outputs");
    return rows;
}

static lg_launch_desc *describe_launches(lg_arena *arena, const lg_entry *entry)
{
    lg_launch_desc *rows = LG_NEW_ARRAY(arena, lg_launch_desc, entry->launches.count + 1);
    for (int i = 0; i < entry->launches.count; i++) {
        const lg_launch *launch = &entry->launches.items[i];
        rows[i] = (lg_launch_desc){.kernel = launch->kernel->name,
                                   .label = launch->label ? launch->label : "",
                                   .flops = launch->kernel->flops,
                                   .bytes = launch->kernel->bytes};
    }
    return rows;
}

static bool is_param_used(const lg_program *program, int index)
{
    for (int i = 0; i < program->entries.count; i++) {
        const lg_entry *entry = program->entries.items[i];
        for (int j = 0; j < entry->slots.count; j++) {
            const lg_kslot *slot = entry->slots.items[j];
            if (slot->place == LG_PLACE_PARAM && slot->index == index)
                return true;
        }
    }
    return false;
}

static lg_tensor_desc *describe_params(lg_arena *arena, const lg_program *program)
{
    lg_tensor_desc *rows = LG_NEW_ARRAY(arena, lg_tensor_desc, program->params.count + 1);
    for (int i = 0; i < program->params.count; i++) {
        rows[i] = describe_tensor(program->params.items[i]);
        rows[i].unused = !is_param_used(program, i);
    }
    return rows;
}

static uint32_t flags_of(const lg_entry *entry)
{
    int flags = (lg_entry_reads(entry, LG_PLACE_PARAM) ? LG_ENTRY_READS_PARAMS : 0) |
                (lg_entry_writes(entry, LG_PLACE_PARAM) ? LG_ENTRY_WRITES_PARAMS : 0) |
                (lg_entry_reads(entry, LG_PLACE_PACKED) ? LG_ENTRY_READS_PACKED : 0) |
                (lg_entry_writes(entry, LG_PLACE_PACKED) ? LG_ENTRY_WRITES_PACKED : 0);
    return (uint32_t)flags;
}

static lg_entry_desc describe_entry(lg_arena *arena, const lg_entry *entry)
{
    return (lg_entry_desc){
        .name = entry->name,
        .input_count = (uint32_t)entry->input_count,
        .output_count = (uint32_t)entry->output_count,
        .launch_count = (uint32_t)entry->launches.count,
        .flags = flags_of(entry),
        .inputs = describe_ports(arena, entry, LG_PLACE_INPUT, entry->input_count),
        .outputs = describe_ports(arena, entry, LG_PLACE_OUTPUT, entry->output_count),
        .launches = describe_launches(arena, entry),
        .workspace_bytes = (uint64_t)lg_entry_workspace(entry),
        .scratch_bytes = (uint64_t)lg_entry_scratch(entry),
    };
}

lg_artifact *lg_describe_program(lg_arena *arena, const lg_program *program, const char *target,
                                 const char *model, const char *compiler)
{
    int count = program->entries.count;
    lg_entry_desc *entries = LG_NEW_ARRAY(arena, lg_entry_desc, count + 1);
    for (int i = 0; i < count; i++)
        entries[i] = describe_entry(arena, program->entries.items[i]);
    lg_artifact *artifact = LG_NEW(arena, lg_artifact);
    *artifact = (lg_artifact){
        .abi = LG_ARTIFACT_ABI,
        .bytes = sizeof *artifact,
        .compiler = compiler,
        .model = model,
        .target = target,
        .entry_count = (uint32_t)count,
        .param_count = (uint32_t)program->params.count,
        .entries = entries,
        .params = describe_params(arena, program),
        .packed_bytes = (uint64_t)program->packed,
    };
    return artifact;
}
