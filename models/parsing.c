// Labels that are there for generated images only: what a real image carries in their place is
// masked, never multiplied by zero, since it may be NaN.
#include "models/parsing.h"

lg_parsing_labels lg_parsing_inputs(lg_name_scope *s, int64_t batch, bool numbers)
{
    lg_parsing_labels t = {.nodes = input(s, "labels", LG_I32, batch, LG_PARSED_NODES),
                           .fake = input(s, "fake", LG_I32, batch)};
    t.is_fake = reshape(s, greater(s, t.fake, 0), -1, 1);
    if (numbers) { // a comparison with NaN does not hold
        lg_value *values = input(s, "values", LG_F32, batch, LG_PARSED_NUMBERS);
        t.known = logical_and(s, t.is_fake, greater(s, values, -1));
        t.values = where(s, t.known, values, 0);
    }
    return t;
}

lg_value *lg_parsing_node_loss(lg_name_scope *s, lg_parsing_labels labels, lg_value *logits)
{
    lg_value *node_mean = masked_mean(s, cross_entropy(s, logits, labels.nodes), labels.is_fake);
    return mul(s, node_mean, LG_PARSED_NODES);
}

lg_value *lg_parsing_fake_loss(lg_name_scope *s, lg_parsing_labels labels, lg_value *logits)
{
    return mean_all(s, cross_entropy(s, logits, labels.fake));
}
