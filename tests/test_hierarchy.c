// The groups of nodes, against the list of them and the softmax of the membership.
#include "runtime/hierarchy.h"

#include <math.h>

#include <check.h>

START_TEST(supernodes_of_nodes)
{
    static const int wanted[LG_NODES] = {
        0,  0,  0,  0,  1,  1,  1,  1,  1,  2,                     // losses
        3,  3,  3,  4,  4,  4,  5,  5,  5,  6,  6,  6,  7,  7,  7, // layer counts
        8,  8,  8,  9,  9,  9,  10, 10, 10, 11, 11, 11,            // capacity
        12, 12, 12, 12, 13, 13, 13, 13, 13, 14, 14, 14, 14, 14, 15, 15, 16, 17};
    static const int tops[LG_SUPERNODES] = {0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 4, 4, 5, 5, 5};
    for (int i = 0; i < LG_NODES; i++)
        ck_assert_msg(lg_supernode_of(i) == wanted[i], "node %d: %d", i, lg_supernode_of(i));
    for (int i = 0; i < LG_SUPERNODES; i++)
        ck_assert_msg(lg_top_node_of(i) == tops[i], "supernode %d: %d", i, lg_top_node_of(i));
    ck_assert_str_eq(lg_supernode_name(1), "discriminator losses");
    ck_assert_str_eq(lg_supernode_name(3), "layers");
    ck_assert_str_eq(lg_supernode_name(10), "layers_per_block");
    ck_assert_str_eq(lg_supernode_name(17), "down");
    ck_assert_str_eq(lg_top_node_name(3), "normalization");
}
END_TEST

START_TEST(members_and_targets)
{
    float c[LG_SUPERNODES * LG_NODES], top[LG_TOP_NODES * LG_SUPERNODES];
    float pool[LG_SUPERNODES * LG_NODES], unpool[LG_NODES * LG_SUPERNODES];
    lg_hierarchy_members(c, top);
    lg_hierarchy_targets(pool, unpool);
    for (int s = 0; s < LG_SUPERNODES; s++) {
        double sum = 0;
        for (int n = 0; n < LG_NODES; n++) {
            ck_assert(c[s * LG_NODES + n] == (lg_supernode_of(n) == s));
            sum += exp((double)c[s * LG_NODES + n]);
        }
        for (int n = 0; n < LG_NODES; n++)
            ck_assert_double_eq_tol(pool[s * LG_NODES + n], exp((double)c[s * LG_NODES + n]) / sum,
                                    1e-7);
        for (int t = 0; t < LG_TOP_NODES; t++)
            ck_assert(top[t * LG_SUPERNODES + s] == (lg_top_node_of(s) == t));
    }
    for (int n = 0; n < LG_NODES; n++)
        for (int s = 0; s < LG_SUPERNODES; s++)
            ck_assert_double_eq_tol(unpool[n * LG_SUPERNODES + s],
                                    exp((double)c[s * LG_NODES + n]) / (exp(1.0) + 17), 1e-7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hierarchy");
    TCase *tests = tcase_create("hierarchy");
    tcase_add_test(tests, supernodes_of_nodes);
    tcase_add_test(tests, members_and_targets);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
