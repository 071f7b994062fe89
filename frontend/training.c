// Training functions: the builder has said what to compute and which losses to minimise; what a
// step does beyond that is added here. @loss_and_grad gets the gradients, @train_step the
// optimizer.
//
// Writes are held back to the end, for one reason: a step whose loss is not finite must change
// nothing, so every write becomes symbol <- select(finite, new, old), and what is finite is known
// only when all losses are.
#include "frontend/scope.h"

bool lg_is_training(const lg_name_scope *s)
{
    return s->builder->run.kind != LG_MODEL_INFER;
}

static bool is_scalar(const lg_value *value)
{
    return value->type.rank == 0 && value->type.dtype == LG_F32;
}

void lg_loss(lg_name_scope *s, lg_location where, const char *name, lg_value *value)
{
    lg_name_scope root = {s->builder, s->function, ""};
    lg_loss_of(&root, where, "", name, value);
}

void lg_loss_of(lg_name_scope *s, lg_location where, const char *group, const char *name,
                lg_value *value)
{
    lg_site site = {s, where, "loss", name};
    lg_builder_run *run = &s->builder->run;
    if (!lg_is_training(s) || !value)
        return;
    if (!group || !lg_is_name(name)) {
        lg_fault(site, "letters, digits and _ . : - make a name");
        return;
    }
    if (!is_scalar(value)) {
        lg_fault(site, "is f32[], not %s; mean_all() makes one of many", lg_show(s, value));
        return;
    }
    for (int i = 0; i < run->losses.count; i++)
        if (strcmp(run->losses.items[i].name, name) == 0) {
            lg_fault(site, "there is one of that name already");
            return;
        }
    lg_loss_part part = {lg_format(lg_scope_arena(s), "%s%s", s->prefix, group),
                         lg_strdup(lg_scope_arena(s), name), value};
    LG_PUSH(lg_scope_arena(s), &run->losses, part);
}

lg_value *lg_gradient(lg_name_scope *s, lg_location where, lg_value *loss, lg_value *x)
{
    lg_site site = {s, where, "gradient", NULL};
    if (!loss || !x)
        return NULL;
    if (!is_scalar(loss) || loss->kind != LG_VALUE_RESULT)
        return lg_fault(site, "is of a loss f32[] that was computed, not of %s", lg_show(s, loss));
    if (!lg_dtype_is_float(x->type.dtype))
        return lg_fault(site, "is by floats, not by %s", lg_show(s, x));
    return lg_append(s, where, LG_OP_gradient, LG_OPERANDS(loss, x), 0, NULL, NULL);
}

static const lg_pending_write *find_write(const lg_builder_run *run, const lg_value *symbol)
{
    for (int i = 0; i < run->writes.count; i++)
        if (run->writes.items[i].symbol == symbol)
            return &run->writes.items[i];
    return NULL;
}

void lg_write(lg_name_scope *s, lg_location where, lg_value *symbol, lg_value *value)
{
    lg_site site = {s, where, "write", NULL};
    lg_builder_run *run = &s->builder->run;
    if (run->kind != LG_MODEL_TRAIN_STEP || !symbol || !value)
        return;
    if (symbol->kind != LG_VALUE_SYMBOL) {
        lg_fault(site, "is to a parameter or a state, not to a computed value");
        return;
    }
    if (!lg_type_equal(&symbol->type, &value->type)) {
        lg_fault(site, "%s is %s, the value %s", symbol->name, lg_show(s, symbol),
                 lg_show(s, value));
        return;
    }
    const lg_pending_write *before = find_write(run, symbol);
    if (before) {
        lg_fault(site, "%s is written twice in a step", symbol->name);
        lg_note_at(s->builder->diag, before->where, "first here");
        return;
    }
    lg_pending_write write = {symbol, value, where};
    LG_PUSH(lg_scope_arena(s), &run->writes, write);
}

lg_value *lg_learning_rate(lg_name_scope *s)
{
    lg_builder_run *run = &s->builder->run;
    if (run->kind == LG_MODEL_TRAIN_STEP && !run->learning_rate)
        run->learning_rate =
            lg_input(s, s->function->where, "learning_rate", LG_F32, LG_SCALAR_SHAPE);
    return run->learning_rate;
}

// ---- what is added behind the builder's ops

static bool moves(const lg_loss_part *part, const char *parameter)
{
    return strncmp(parameter, part->group, strlen(part->group)) == 0;
}

// Do the same parts move both?
static bool move_together(const lg_builder_run *run, const char *a, const char *b)
{
    for (int i = 0; i < run->losses.count; i++)
        if (moves(&run->losses.items[i], a) != moves(&run->losses.items[i], b))
            return false;
    return true;
}

// The sum of the parts that move a parameter of that name, of all for NULL; NULL if there are none.
static lg_value *add_losses(lg_name_scope *s, lg_location where, const char *parameter)
{
    const lg_builder_run *run = &s->builder->run;
    lg_value *total = NULL;
    for (int i = 0; i < run->losses.count; i++) {
        lg_value *value = run->losses.items[i].value;
        if (!parameter || moves(&run->losses.items[i], parameter))
            total = total ? lg_combine(s, where, LG_OP_add, total, value) : value;
    }
    return total;
}

// What parameters are differentiated by, which are mostly of one group behind the other.
typedef struct own_loss {
    const char *parameter; // the last one that was asked for, or NULL
    lg_value *value;
} own_loss;

// Sets the id of every symbol: whether the loss is computed from it by floats, so that a derivative
// may come back to it.
static void mark_symbols_that_move(lg_function *function, lg_value *loss)
{
    LG_FOR_SYMBOLS (symbol, function->module)
        symbol->value->id = false;
    LG_FOR_OPS (op, function)
        for (int i = 0; i < op->result_count; i++)
            op->results[i]->id = loss && op->results[i] == loss;
    for (lg_op *op = function->last; loss && op; op = op->previous) {
        bool reached = false;
        for (int i = 0; i < op->result_count; i++)
            reached =
                reached || (op->results[i]->id && lg_dtype_is_float(op->results[i]->type.dtype));
        for (int i = 0; reached && i < op->operand_count; i++)
            op->operands[i]->id = true;
    }
}

// What a parameter is differentiated of; NULL where it does not count.
static lg_value *loss_of(lg_name_scope *s, lg_location where, own_loss *own,
                         const lg_symbol *parameter)
{
    if (!own->parameter || !move_together(&s->builder->run, own->parameter, parameter->name)) {
        own->value = add_losses(s, where, parameter->name);
        mark_symbols_that_move(s->function, own->value);
    }
    own->parameter = parameter->name;
    return parameter->value->id ? own->value : NULL;
}

// The total, which is the first result, then its parts.
static lg_value *return_losses(lg_name_scope *s, lg_location where)
{
    const lg_builder_run *run = &s->builder->run;
    lg_value *total = add_losses(s, where, NULL);
    lg_return(s, where, "loss", "loss", total);
    for (int i = 0; i < run->losses.count; i++)
        lg_return(s, where, "loss",
                  lg_format(lg_scope_arena(s), "loss_%s", run->losses.items[i].name),
                  run->losses.items[i].value);
    return total;
}

static bool is_trained(const lg_symbol *symbol)
{
    return symbol->role == LG_ROLE_PARAM && !symbol->dead &&
           lg_dtype_is_float(symbol->value->type.dtype);
}

// One result a parameter; zeros where no loss depends on it.
static void return_gradients(lg_name_scope *s, lg_location where)
{
    own_loss own = {NULL, NULL};
    LG_FOR_SYMBOLS (symbol, s->builder->module) {
        if (!is_trained(symbol))
            continue;
        const lg_type *type = &symbol->value->type;
        lg_value *loss = loss_of(s, where, &own, symbol);
        lg_value *gradient =
            loss ? lg_gradient(s, where, loss, symbol->value)
                 : lg_constant(s, where, type->dtype, (lg_shape){type->rank, type->dims}, 0);
        lg_return(s, where, "gradient", lg_format(lg_scope_arena(s), "grad.%s", symbol->name),
                  gradient);
    }
}

// As in PyTorch, a parameter that no loss depends on is left alone, weight decay included.
static void optimize_parameters(lg_name_scope *s, lg_location where)
{
    own_loss own = {NULL, NULL};
    lg_builder *builder = s->builder;
    lg_value *rate = lg_learning_rate(s);
    // The states that this makes are behind the last one.
    lg_symbol *last = builder->module->last_symbol;
    for (lg_symbol *symbol = builder->module->first_symbol; symbol; symbol = symbol->next) {
        lg_value *loss = NULL;
        if (is_trained(symbol) && !find_write(&builder->run, symbol->value))
            loss = loss_of(s, where, &own, symbol);
        if (loss)
            lg_optimizer_step(s, symbol->where, &builder->run.optimizer, symbol->value,
                              lg_gradient(s, where, loss, symbol->value), rate);
        if (symbol == last)
            break;
    }
}

// The learning rate was perhaps asked for before the builder's last input.
static void move_learning_rate_last(lg_function *function, lg_value *rate)
{
    int last = function->arguments.count - 1;
    for (int i = rate->index; i < last; i++) {
        function->arguments.items[i] = function->arguments.items[i + 1];
        function->arguments.items[i]->index = i;
    }
    function->arguments.items[last] = rate;
    rate->index = last;
}

// Neither infinity nor NaN is less than infinity.
static void flush_writes(lg_name_scope *s, lg_location where, lg_value *total)
{
    const lg_builder_run *run = &s->builder->run;
    lg_value *magnitude = lg_unary(s, where, LG_OP_abs, total);
    lg_value *finite = lg_combine_number(s, where, LG_OP_lt, magnitude, INFINITY);
    for (int i = 0; i < run->writes.count; i++) {
        const lg_pending_write *write = &run->writes.items[i];
        lg_value *value = lg_where(s, write->where, finite, lg_operand_value(write->value),
                                   lg_operand_value(write->symbol));
        if (value)
            lg_op_new(s->function, NULL, LG_OP_write, LG_OPERANDS(write->symbol, value), 0, NULL,
                      NULL, write->where, s->builder->diag);
    }
}

void lg_finish_training(lg_name_scope *root, lg_location where)
{
    lg_builder *builder = root->builder;
    lg_builder_run *run = &builder->run;
    if (run->losses.count == 0) {
        lg_error_at(builder->diag, where,
                    "model %s has no loss to train with; its builder must call loss(...)",
                    builder->info->name);
        return;
    }
    lg_value *total = return_losses(root, where);
    if (run->kind == LG_MODEL_LOSS_AND_GRAD) {
        return_gradients(root, where);
    } else {
        optimize_parameters(root, where);
        if (!run->learning_rate) // a fault has been reported
            return;
        move_learning_rate_last(root->function, run->learning_rate);
        if (run->counter)
            lg_write(root, where, run->counter,
                     lg_combine_number(root, where, LG_OP_add, run->counter, 1));
        flush_writes(root, where, total);
    }
    lg_training_states_last(builder->module);
}
