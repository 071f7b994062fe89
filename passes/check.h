// --check-each: did a pass change what the module means? Every func is evaluated by the reference
// interpreter, in f64, on the same random inputs and symbol values before and after the pass.
#ifndef LG_PASSES_CHECK_H
#define LG_PASSES_CHECK_H

#include "passes/pass.h"

typedef struct lg_check lg_check;

// Evaluates the module as it is now. NULL after reporting that it is too large for the interpreter
// or cannot be evaluated. Free with lg_check_end.
lg_check *lg_check_begin(const lg_unit *unit, lg_diag *diag);
// Evaluates it again, after `pass`. On a difference reports the pass, the result, how far it is
// off and the first ops that no longer agree, and returns false. Else what is true now is what the
// next pass is held to.
bool lg_check_after(lg_check *check, const lg_unit *unit, const char *pass, unsigned properties,
                    lg_diag *diag);
void lg_check_end(lg_check *check); // NULL is fine

#endif
