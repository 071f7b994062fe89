// Supernodes follow from the rows of hyperparameters.def, but for the three groups of losses.
#include "runtime/hierarchy.h"

#include <assert.h>
#include <math.h>
#include <string.h>

// The groups of losses, and of each which is its last node.
static const struct {
    const char *name;
    int last;
} loss_groups[LG_LOSS_GROUPS] = {
    {"pixel losses", 3}, {"discriminator losses", 8}, {"classification loss", LG_LOSSES - 1}};

static const struct {
    const char *name;
    int last; // supernode
} top_nodes[LG_TOP_NODES] = {{"losses", 2},        {"layer counts", 7},
                             {"capacity", 11},     {"normalization", 12},
                             {"nonlinearity", 14}, {"resolution, wiring", 17}};

// The column of a node's architecture value, which is the part of its name before [ or =.
static bool tells_of(const char *node, const char *column)
{
    size_t length = strlen(column);
    return strncmp(node, column, length) == 0 &&
           (node[length] == '\0' || node[length] == '[' || node[length] == '=');
}

int lg_supernode_of(int node)
{
    assert(node >= 0 && node < LG_NODES);
    for (int i = 0; i < LG_LOSS_GROUPS; i++)
        if (node <= loss_groups[i].last)
            return i;
    char name[40];
    lg_node_name(node, name);
    int column = 0;
    while (!tells_of(name, lg_architecture_column(column)))
        column++;
    return LG_LOSS_GROUPS + column;
}

int lg_top_node_of(int supernode)
{
    assert(supernode >= 0 && supernode < LG_SUPERNODES);
    int top = 0;
    while (supernode > top_nodes[top].last)
        top++;
    return top;
}

const char *lg_supernode_name(int supernode)
{
    assert(supernode >= 0 && supernode < LG_SUPERNODES);
    return supernode < LG_LOSS_GROUPS ? loss_groups[supernode].name
                                      : lg_architecture_column(supernode - LG_LOSS_GROUPS);
}

const char *lg_top_node_name(int top_node)
{
    assert(top_node >= 0 && top_node < LG_TOP_NODES);
    return top_nodes[top_node].name;
}

void lg_hierarchy_members(float c[LG_SUPERNODES * LG_NODES],
                          float top[LG_TOP_NODES * LG_SUPERNODES])
{
    for (int s = 0; s < LG_SUPERNODES; s++)
        for (int n = 0; n < LG_NODES; n++)
            c[s * LG_NODES + n] = lg_supernode_of(n) == s;
    for (int t = 0; t < LG_TOP_NODES; t++)
        for (int s = 0; s < LG_SUPERNODES; s++)
            top[t * LG_SUPERNODES + s] = lg_top_node_of(s) == t;
}

void lg_hierarchy_targets(float pool[LG_SUPERNODES * LG_NODES],
                          float unpool[LG_NODES * LG_SUPERNODES])
{
    int members[LG_SUPERNODES] = {0};
    for (int n = 0; n < LG_NODES; n++)
        members[lg_supernode_of(n)]++;
    for (int s = 0; s < LG_SUPERNODES; s++)
        for (int n = 0; n < LG_NODES; n++) {
            double weight = lg_supernode_of(n) == s ? exp(1.0) : 1.0;
            double row = members[s] * exp(1.0) + LG_NODES - members[s];
            pool[s * LG_NODES + n] = (float)(weight / row);
            unpool[n * LG_SUPERNODES + s] = (float)(weight / (exp(1.0) + LG_SUPERNODES - 1));
        }
}
