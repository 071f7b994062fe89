// Both pictures share the page and its colours: one a top node.
#include "tools/graph_svg.h"

#include "tools/markup.h"

#include <inttypes.h>
#include <string.h>

static const char style[] =
    "text{font:11px system-ui,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2933}\n"
    ".page{fill:#fff}.title{font-size:19px;font-weight:600}.quiet{fill:#616e7c}\n"
    ".field{fill:#f4f6f8}.edge{fill:#0072b2}.weak{fill:#e69f00}\n"
    ".fine{stroke:#cbd2d9;stroke-width:.7}.rule{stroke:#3e4c59;stroke-width:1.4}\n"
    ".link{fill:none;stroke-width:1.6;stroke-opacity:.55}\n"
    ".g0{fill:#0072b2;stroke:#0072b2}.g1{fill:#d55e00;stroke:#d55e00}\n"
    ".g2{fill:#009e73;stroke:#009e73}.g3{fill:#cc79a7;stroke:#cc79a7}\n"
    ".g4{fill:#b98500;stroke:#b98500}.g5{fill:#56b4e9;stroke:#56b4e9}\n"
    ".link.g0,.link.g1,.link.g2,.link.g3,.link.g4,.link.g5{fill:none}\n"
    "@media(prefers-color-scheme:dark){text{fill:#e4e7eb}.page{fill:#14181d}.field{fill:#1d242c}\n"
    ".quiet{fill:#9aa5b1}.fine{stroke:#3e4c59}.rule{stroke:#9aa5b1}}\n";

static void begin_page(FILE *out, int width, int height, const char *title)
{
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\">\n<style>\n%s</style>\n"
            "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n"
            "<text class=\"title\" x=\"24\" y=\"34\">%s</text>\n",
            width, height, width, height, style, width, height, title);
}

// ---- the heat map

enum {
    CELL = 13,
    MAP_LEFT = 150,
    MAP_TOP = 190,
    MAP_SIDE = CELL * LG_NODES,
    MAP_WIDTH = MAP_LEFT + MAP_SIDE + 160,
    MAP_HEIGHT = MAP_TOP + MAP_SIDE + 60,
};

static void print_cell(const lg_cooccurrence_picture *p, int i, int j, FILE *out)
{
    int64_t ones = p->both[i * LG_NODES + i], pairs = p->both[i * LG_NODES + j];
    bool is_edge = p->graph[i * LG_NODES + j] > 0;
    double share = ones > 0 ? (double)pairs / (double)ones : 0;
    char from[40], to[40];
    if (pairs == 0 && !is_edge)
        return;
    fprintf(out,
            "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill-opacity=\"%.2f\">"
            "<title>%s with %s: %" PRId64 " of %" PRId64 " models, %.0f %%</title></rect>\n",
            is_edge ? "edge" : "weak", MAP_LEFT + CELL * j, MAP_TOP + CELL * i, CELL - 1, CELL - 1,
            is_edge ? 0.25 + 0.75 * share : share, lg_node_name(i, from), lg_node_name(j, to),
            pairs, ones, 100 * share);
}

// A line after node i where a group ends.
static void print_rules(int i, FILE *out)
{
    int here = lg_supernode_of(i), next = i + 1 < LG_NODES ? lg_supernode_of(i + 1) : -1;
    if (here == next)
        return;
    bool is_top = next < 0 || lg_top_node_of(here) != lg_top_node_of(next);
    double at = CELL * (i + 1) - 0.5;
    fprintf(out, "<path class=\"%s\" d=\"M%d %.1fh%dM%.1f %dv%d\"/>\n", is_top ? "rule" : "fine",
            MAP_LEFT - 4, MAP_TOP + at, MAP_SIDE + 4, MAP_LEFT + at, MAP_TOP - 4, MAP_SIDE + 4);
}

static void print_names(const lg_cooccurrence_picture *p, int i, FILE *out)
{
    char name[40];
    lg_node_name(i, name);
    int middle = CELL * i + CELL / 2 + 4;
    const char *class = p->both[i * LG_NODES + i] > 0 ? "" : " class=\"quiet\"";
    fprintf(out, "<text%s x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", class, MAP_LEFT - 8,
            MAP_TOP + middle, name);
    fprintf(out, "<text%s transform=\"translate(%d %d) rotate(-90)\">%s</text>\n", class,
            MAP_LEFT + middle, MAP_TOP - 8, name);
}

static void print_groups(FILE *out)
{
    for (int top = 0, first = 0; top < LG_TOP_NODES; top++) {
        int last = first;
        while (last + 1 < LG_NODES && lg_top_node_of(lg_supernode_of(last + 1)) == top)
            last++;
        fprintf(out,
                "<rect class=\"g%d\" x=\"%d\" y=\"%d\" width=\"5\" height=\"%d\"/>"
                "<text x=\"%d\" y=\"%d\">%s</text>\n",
                top, MAP_LEFT + MAP_SIDE + 8, MAP_TOP + CELL * first, CELL * (last - first + 1) - 1,
                MAP_LEFT + MAP_SIDE + 20, MAP_TOP + CELL * (first + last + 1) / 2 + 4,
                lg_top_node_name(top));
        first = last + 1;
    }
}

static void print_legend(FILE *out)
{
    int x = MAP_LEFT, y = MAP_TOP + MAP_SIDE + 22;
    for (int step = 0; step <= 10; step++)
        fprintf(out,
                "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"21\" height=\"12\" "
                "fill-opacity=\"%.2f\"/>",
                step >= 4 ? "edge" : "weak", x + 22 * step, y,
                step >= 4 ? 0.25 + 0.075 * step : 0.1 * step);
    fprintf(
        out,
        "\n<text x=\"%d\" y=\"%d\">0</text><text x=\"%d\" y=\"%d\">40 %%</text>"
        "<text x=\"%d\" y=\"%d\">100 %%</text>\n<text x=\"%d\" y=\"%d\">of the models that have "
        "the node of the row have that of the column too; blue: an edge</text>\n",
        x, y + 26, x + 80, y + 26, x + 212, y + 26, x + 260, y + 11);
}

void lg_cooccurrence_draw(const lg_cooccurrence_picture *p, FILE *out)
{
    int edges = 0;
    for (int i = 0; i < LG_NODES * LG_NODES; i++)
        edges += p->graph[i] > 0;
    begin_page(out, MAP_WIDTH, MAP_HEIGHT, "Hyperparameters that occur together");
    fputs("<text class=\"quiet\" x=\"24\" y=\"54\">", out);
    lg_markup_print(out, p->from);
    fprintf(out, ": %zu generative models, %d edges of %d</text>\n", p->models, edges,
            LG_NODES * LG_NODES);
    fprintf(out, "<rect class=\"field\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", MAP_LEFT,
            MAP_TOP, MAP_SIDE, MAP_SIDE);
    for (int i = 0; i < LG_NODES; i++)
        for (int j = 0; j < LG_NODES; j++)
            print_cell(p, i, j, out);
    for (int i = 0; i < LG_NODES; i++) {
        print_names(p, i, out);
        print_rules(i, out);
    }
    print_groups(out);
    print_legend(out);
    fputs("</svg>\n", out);
}

// ---- the tree

enum {
    ROW = 16,
    TREE_TOP = 78,
    TREE_WIDTH = 760,
    TREE_HEIGHT = TREE_TOP + ROW * LG_NODES + 24,
    TOP_X = 150,
    SUPERNODE_X = 420,
    NODE_X = 600,
    GAP = 8, // between a text and its dot
};

// Heights of all, in the middle of what hangs on them.
typedef struct tree {
    double node[LG_NODES], supernode[LG_SUPERNODES], top[LG_TOP_NODES];
} tree;

static double middle_of(const double *heights, int count, int (*parent_of)(int), int parent)
{
    double sum = 0;
    int members = 0;
    for (int i = 0; i < count; i++)
        if (parent_of(i) == parent) {
            sum += heights[i];
            members++;
        }
    return sum / members;
}

static tree place_tree(void)
{
    tree t;
    for (int i = 0; i < LG_NODES; i++)
        t.node[i] = TREE_TOP + ROW * (i + 0.5);
    for (int i = 0; i < LG_SUPERNODES; i++)
        t.supernode[i] = middle_of(t.node, LG_NODES, lg_supernode_of, i);
    for (int i = 0; i < LG_TOP_NODES; i++)
        t.top[i] = middle_of(t.supernode, LG_SUPERNODES, lg_top_node_of, i);
    return t;
}

static void print_link(FILE *out, int group, double x0, double y0, double x1, double y1)
{
    double middle = (x0 + x1) / 2;
    fprintf(out, "<path class=\"link g%d\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\"/>\n",
            group, x0, y0, middle, y0, middle, y1, x1, y1);
}

static void print_dot(FILE *out, int group, double x, double y, const char *name, bool is_leaf)
{
    fprintf(out,
            "<circle class=\"g%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>"
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
            group, x, y, is_leaf ? x + GAP : x - GAP, y + 4, is_leaf ? "start" : "end", name);
}

void lg_hierarchy_draw(FILE *out)
{
    tree t = place_tree();
    begin_page(out, TREE_WIDTH, TREE_HEIGHT, "The hierarchy of hyperparameters");
    fprintf(
        out,
        "<text class=\"quiet\" x=\"24\" y=\"56\">%d top nodes, %d supernodes, %d nodes</text>\n",
        LG_TOP_NODES, LG_SUPERNODES, LG_NODES);
    for (int i = 0; i < LG_SUPERNODES; i++) {
        int top = lg_top_node_of(i);
        // Names stand before their dots: a link ends where the name begins.
        double name = 6.2 * (double)strlen(lg_supernode_name(i)) + 2 * GAP;
        print_link(out, top, TOP_X, t.top[top], SUPERNODE_X - name, t.supernode[i]);
        print_dot(out, top, SUPERNODE_X, t.supernode[i], lg_supernode_name(i), false);
    }
    for (int i = 0; i < LG_NODES; i++) {
        char name[40];
        int supernode = lg_supernode_of(i), top = lg_top_node_of(supernode);
        print_link(out, top, SUPERNODE_X, t.supernode[supernode], NODE_X, t.node[i]);
        print_dot(out, top, NODE_X, t.node[i], lg_node_name(i, name), true);
    }
    for (int i = 0; i < LG_TOP_NODES; i++)
        print_dot(out, i, TOP_X, t.top[i], lg_top_node_name(i), false);
    fputs("</svg>\n", out);
}
