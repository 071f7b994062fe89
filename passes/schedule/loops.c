// The CPU schedule that applies to everything: stage after stage, each a loop nest in the order of
// its buffer with vectors along the innermost dimension. A single stage runs in parallel over its
// outer dimensions, several over the leading axes on which they are independent.
#include "ir/integer.h"
#include "passes/schedule/families.h"
#include "passes/schedule/schedule.h"

#include <assert.h>

enum { ENOUGH_JOBS = 128 };

// Divides the physical dimensions of a single stage into jobs: as many of the outer ones as make
// enough of them; the ranges become those of one job.
static void split_jobs(lg_schedule *s, const lg_type *type, lg_range *ranges)
{
    if (lg_schedule_job_role(s) == LG_LOOP_SERIAL)
        return;
    lg_kbuilder *k = &s->k;
    int rank = lg_type_physical_rank(type), outer = 0;
    int64_t jobs = 1, lanes = s->target->lanes;
    while (outer < rank - 1 && jobs < ENOUGH_JOBS)
        jobs *= lg_physical_interior(type, outer++);
    int64_t last = lg_physical_interior(type, rank - 1), chunk = last;
    if (jobs < 8 && lg_physical_dim(type, rank - 1).part == LG_PART_WHOLE && last >= 8 * lanes)
        chunk = lg_ceil_div(lg_ceil_div(last, 16), lanes) * lanes;
    int64_t chunks = lg_ceil_div(last, chunk);
    if (jobs * chunks == 1)
        return;
    lg_kx *job = lg_k_for(k, LG_LOOP_PARALLEL, "job", jobs * chunks);
    if (chunks > 1) {
        lg_kx *at = lg_kx_muli(k, lg_kx_modi(k, job, chunks), chunk);
        ranges[rank - 1] = (lg_range){at, lg_kx_mini(k, lg_kx_addi(k, at, chunk), last)};
        job = lg_kx_divi(k, job, chunks);
    }
    for (int d = outer - 1; d >= 0; d--) {
        int64_t size = lg_physical_interior(type, d);
        lg_kx *at = lg_kx_modi(k, job, size);
        ranges[d] = (lg_range){at, lg_kx_addi(k, at, 1)};
        job = lg_kx_divi(k, job, size);
    }
}

static void one_stage(lg_schedule *s, const lg_family *family)
{
    lg_kbuilder *k = &s->k;
    const lg_type *type = &family->values[0]->type;
    lg_kbuffer *buffers[LG_MAX_NEST_VALUES];
    lg_range ranges[LG_MAX_PHYSICAL];
    lg_ranges_whole(k, type, ranges);
    int depth = k->outer.count;
    if (type->rank > 0 && depth == 0)
        split_jobs(s, type, ranges);
    for (int i = 0; i < family->count; i++) {
        buffers[i] = lg_schedule_result(s, lg_result_index(s->function, family->values[i]));
        buffers[i]->scope = LG_SCOPE_OUT; // what another result is made of is not read back
    }
    lg_nest_store(&s->ctx, family->values, buffers, family->count, 0, NULL, ranges);
    for (int i = 0; i < family->count; i++)
        lg_nest_zero_borders(k, buffers[i], &family->values[i]->type, ranges, s->target->lanes);
    if (k->outer.count > depth)
        lg_k_end(k);
}

// A job for each family.
static void all_families(lg_schedule *s, const lg_families *families)
{
    lg_kbuilder *k = &s->k;
    if (families->count == 1) {
        one_stage(s, &families->items[0]);
        return;
    }
    lg_kx *job = lg_k_for(k, lg_schedule_job_role(s), "job", families->count);
    for (int i = 0; i < families->count; i++) {
        lg_k_if(k, lg_kx_apply(k, LG_S_EQ, job, lg_kx_int(k, i), NULL));
        one_stage(s, &families->items[i]);
        lg_k_end(k);
    }
    lg_k_end(k);
}

// The ranges of `value` in the iteration `lead`: its leading axes are fixed.
static void stage_ranges(lg_schedule *s, const lg_type *type, int axes, const lg_index *lead,
                         lg_range *ranges)
{
    lg_ranges_whole(&s->k, type, ranges);
    for (int d = 0; d < lg_type_physical_rank(type); d++) {
        lg_layout_dim dim = lg_physical_dim(type, d);
        if (dim.part == LG_PART_WHOLE && dim.axis < axes)
            ranges[d] = (lg_range){lead[dim.axis].base, lg_kx_addi(&s->k, lead[dim.axis].base, 1)};
    }
}

static void stage(lg_schedule *s, const lg_value *value, int axes, const lg_index *lead)
{
    int dropped;
    lg_k_comment(&s->k, "%s", lg_op_info_of(value->op->code)->name);
    lg_kbuffer *buffer = lg_stage_buffer(s, value, LG_SCOPE_TILE, axes, &dropped);
    bool tiled = lg_tile_stage(s, value, buffer, dropped, axes, lead);
    lg_range ranges[LG_MAX_PHYSICAL];
    stage_ranges(s, &value->type, axes, lead, ranges);
    if (!tiled)
        lg_nest_store(&s->ctx, &value, &buffer, 1, dropped, lead, ranges);
    lg_nest_zero_borders(&s->k, buffer, &value->type, ranges, s->target->lanes);
    lg_tensor_bind(&s->ctx, value, buffer, dropped);
}

// Axes of blocked layouts can't be fixed by a leading index, and the innermost axis is left to
// vectors (where there is another one) and tiles.
static int usable_lead(const lg_schedule *s, const lg_stages *stages)
{
    int lead = stages->lead;
    for (int i = 0; i < stages->kept.count; i++) {
        const lg_type *type = &stages->kept.items[i]->type;
        if (lead == type->rank && (lead > 1 || lg_tile_suits(s, stages->kept.items[i])))
            lead--;
        for (int d = 0; type->layout && d < type->layout->count; d++) {
            const lg_layout_dim *dim = &type->layout->dims[d];
            if (dim->part != LG_PART_WHOLE && dim->axis < lead)
                lead = dim->axis;
        }
    }
    return lead;
}

void lg_schedule_loops(lg_schedule *s)
{
    lg_kbuilder *k = &s->k;
    lg_stages stages;
    lg_stages_find(s, &stages);
    if (stages.kept.count == 1 && !lg_tile_suits(s, stages.kept.items[0])) {
        lg_family single = {{stages.kept.items[0]}, 1};
        one_stage(s, &single);
        return;
    }
    lg_families families;
    if (lg_families_find(s->function, s->scratch, &families)) {
        all_families(s, &families);
        return;
    }
    const lg_type *first = &stages.kept.items[0]->type;
    int axes = usable_lead(s, &stages);
    int64_t jobs = 1;
    for (int a = 0; a < axes; a++)
        jobs *= first->dims[a];
    lg_index lead[LG_MAX_RANK];
    if (jobs > 1) {
        lg_kx *job = lg_k_for(k, lg_schedule_job_role(s), "job", jobs);
        for (int a = axes - 1; a >= 0; a--) {
            lead[a] = lg_index_of(a ? lg_kx_modi(k, job, first->dims[a]) : job);
            job = lg_kx_divi(k, job, first->dims[a]);
        }
    } else {
        for (int a = 0; a < axes; a++)
            lead[a] = lg_index_int(k, 0);
    }
    for (int i = 0; i < stages.kept.count; i++)
        stage(s, stages.kept.items[i], axes, lead);
    if (jobs > 1)
        lg_k_end(k);
}
