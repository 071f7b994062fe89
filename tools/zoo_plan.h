// Which models a zoo has: drawn before anything is trained, from the seed alone.
//
// Model i is of family i mod families; its options are drawn, each from its choices, until the
// network can be trained (limits below) and its 55 labels are those of no other model of the plan.
// A quarter of the models are drawn among the deepest of their family (tools/zoo_plan.c).
// So no two models of a zoo share an architecture and losses, and none has a twin in another fold.
// A model may turn out to make nothing worth keeping: each has substitutes, drawn with it.
#ifndef LG_TOOLS_ZOO_PLAN_H
#define LG_TOOLS_ZOO_PLAN_H

#include "ir/diag.h"
#include "runtime/hyperparameters.h"

enum { LG_ZOO_ATTEMPTS = 4 };

typedef struct lg_zoo_network {
    char *spec; // "zoo-vae:image=32,batch=16,width=8,..."
    lg_model_facts facts;
    double flops; // of @infer, a batch
} lg_zoo_network;

typedef struct lg_zoo_model {
    char name[64]; // "vae_03", a folder's name
    const char *family;
    int fold;                                 // 1..4
    lg_zoo_network attempts[LG_ZOO_ATTEMPTS]; // the first, and its substitutes
} lg_zoo_model;

typedef struct lg_zoo_plan {
    int count;
    lg_zoo_model *models;
} lg_zoo_plan;

typedef struct lg_zoo_choice {
    int models, size, batch;
    uint64_t seed;
} lg_zoo_choice;

// How many models a zoo can have at most.
enum { LG_ZOO_MOST_MODELS = 2000 };

// False after reporting that the choices do not give so many distinct models, or no memory. Free it
// in any case.
bool lg_zoo_plan_draw(lg_zoo_plan *plan, const lg_zoo_choice *choice, lg_diag *diag);
void lg_zoo_plan_free(lg_zoo_plan *plan);

#endif
