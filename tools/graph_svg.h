// Pictures of what is known of the nodes: which occur together, and how they are grouped. SVG files
// that need nothing beside them.
#ifndef LG_TOOLS_GRAPH_SVG_H
#define LG_TOOLS_GRAPH_SVG_H

#include "runtime/hierarchy.h"

#include <stdio.h>

typedef struct lg_cooccurrence_picture {
    const int64_t *both; // lg_cooccurrence_counts
    const float *graph;  // lg_cooccurrence_graph
    char from[256];      // what was counted, for the title
    size_t models;       // how many
} lg_cooccurrence_picture;

// A heat map of how often the column's node is on where the row's is; edges stand out. Groups of
// nodes are ruled off, cells have tooltips with the counts.
void lg_cooccurrence_draw(const lg_cooccurrence_picture *picture, FILE *out);

// Top nodes, supernodes and nodes as a tree from left to right.
void lg_hierarchy_draw(FILE *out);

#endif
