// Is an artifact one that we can run? Nothing behind its `abi` field is looked at before that field
// is known to be ours.
#include "runtime/loader.h"
#include "runtime/matrix_unit.h"

#include <errno.h>
#include <string.h>

#if defined(__x86_64__)
static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
}
#endif

bool lg_cpu_supports(const char *target)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!strcmp(target, "x86-64-v2"))
        return __builtin_cpu_supports("sse4.2");
    if (!strcmp(target, "x86-64-v3"))
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("bmi2");
    if (!strcmp(target, "x86-64-v4"))
        return has_avx512();
    if (!strcmp(target, "sapphirerapids"))
        return has_avx512() && lg_matrix_unit_is_permitted();
#elif defined(__aarch64__)
    return !strcmp(target, "aarch64");
#endif
    return false;
}

// Linux refuses a process whose signal stacks have no room for the registers (ENOSPC), and where
// arch_prctl is filtered.
static bool refuse_matrix_unit(const lg_artifact *artifact, const char *name, lg_error *e)
{
    int reason = lg_matrix_unit_is_permitted() ? 0 : errno;
    return lg_fail(e,
                   "%s: compiled for %s, and Linux refuses this process the matrix unit (AMX): %s; "
                   "build it with --cpu=x86-64-v4",
                   name, artifact->target,
                   reason == ENOSPC ? "a thread's sigaltstack has no room for its registers"
                                    : strerror(reason));
}

bool lg_artifact_check(const lg_artifact *artifact, const char *name, lg_error *e)
{
    if (artifact->abi != LG_ARTIFACT_ABI)
        return lg_fail(e,
                       "%s: made for version %u of the artifact ABI, this runtime has version %d; "
                       "build it again with this lgpnc",
                       name, (unsigned)artifact->abi, LG_ARTIFACT_ABI);
    if (artifact->bytes != sizeof(lg_artifact))
        return lg_fail(e, "%s: its table has %u bytes instead of %zu; build it again", name,
                       (unsigned)artifact->bytes, sizeof(lg_artifact));
    if (lg_cpu_supports(artifact->target))
        return true;
    if (!strcmp(artifact->target, "sapphirerapids") && lg_matrix_unit_exists())
        return refuse_matrix_unit(artifact, name, e);
    return lg_fail(e,
                   "%s: compiled for %s, which this machine's CPU is not; build it with "
                   "--cpu=native here",
                   name, artifact->target);
}
