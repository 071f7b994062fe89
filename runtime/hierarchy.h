// How the 55 nodes are grouped: nodes belong to supernodes, supernodes to top nodes. LGPN is taught
// to pool its nodes along the first; the second is for reports. Each node has one of each.
#ifndef LG_RUNTIME_HIERARCHY_H
#define LG_RUNTIME_HIERARCHY_H

#include "runtime/hyperparameters.h"

enum {
    LG_LOSS_GROUPS = 3, // by what a loss compares: pixels, a discriminator's word, classes
    LG_SUPERNODES = LG_LOSS_GROUPS + LG_ARCHITECTURE_VALUES,
    LG_TOP_NODES = 6,
};

// The supernode (0..17) of a node: its group of losses, or 3 + the column of the architecture that
// it tells of, intervals and codes alike.
int lg_supernode_of(int node);

// The top node (0..5) of a supernode.
int lg_top_node_of(int supernode);

// "pixel losses", "layers", "norm_type"; "losses", "layer counts". Static.
const char *lg_supernode_name(int supernode);
const char *lg_top_node_name(int top_node);

// Membership as 0 and 1: c is f32 [18,55], top is f32 [6,18].
void lg_hierarchy_members(float c[LG_SUPERNODES * LG_NODES],
                          float top[LG_TOP_NODES * LG_SUPERNODES]);

// What the two assignments of LGPN are drawn to: the softmax of c over nodes, f32 [18,55], and that
// of its transpose over supernodes, f32 [55,18]. (The correlations are drawn to c and its transpose
// themselves.)
void lg_hierarchy_targets(float pool[LG_SUPERNODES * LG_NODES],
                          float unpool[LG_NODES * LG_SUPERNODES]);

#endif
