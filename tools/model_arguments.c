#include "tools/model_arguments.h"

#include "tools/arguments.h"

error_t lg_model_option(int key, char *value, struct argp_state *state,
                        lg_model_arguments *arguments)
{
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->compile;
        return 0;
    case 'w':
        arguments->weights = value;
        return 0;
    case 't':
        arguments->threads = (int)lg_argument_number(state, "--threads", value, 1, 1024);
        return 0;
    case 'f':
        if (!arguments->many)
            arguments->compile.function_count = 0;
        if (arguments->compile.function_count == LG_MOST_FUNCTIONS)
            argp_error(state, "more than %d functions", LG_MOST_FUNCTIONS);
        else
            arguments->compile.functions[arguments->compile.function_count++] = value;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->model)
            argp_error(state, "one MODEL only, `%s' is the second", value);
        arguments->model = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}
