// The tables of runtime/artifact.h for a program: what whoever runs it must know, wherever it runs.
#ifndef LG_CODEGEN_DESCRIBE_H
#define LG_CODEGEN_DESCRIBE_H

#include "ir/kernel.h"
#include "runtime/artifact.h"

// `target`, `model` and `compiler` become fields of the table. Entries have no code (`run`), and no
// packed weights are built in, nor values of inputs. Lives in `arena`, names of `program` are used
// as they are.
lg_artifact *lg_describe_program(lg_arena *arena, const lg_program *program, const char *target,
                                 const char *model, const char *compiler);

// Have two descriptions the same name, type and shape?
bool lg_is_same_input(const lg_tensor_desc *a, const lg_tensor_desc *b);

#endif
