#include "tools/zoo_contact.h"

#include "tools/zoo_labels.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST_SHOWN = 12 };

static const char head[] =
    "<!doctype html>\n<html lang=en><meta charset=utf-8><title>Zoo of generative models</title>\n"
    "<style>\n"
    "body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;"
    "color:#1b1f24;background:#fff}\n"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .25rem}p{color:#57606a}\n"
    "article{display:grid;grid-template-columns:minmax(0,1fr) 25rem;gap:1.25rem;padding:.8rem 0;"
    "border-top:1px solid #d8dee4}\n"
    ".images{display:grid;grid-template-columns:repeat(6,1fr);gap:3px;align-self:start}\n"
    "img{width:100%;aspect-ratio:1;image-rendering:pixelated;display:block;border-radius:2px}\n"
    "h3{margin:0 0 .3rem;font-size:1rem}h3 small{font-weight:400;color:#57606a}\n"
    "dl{display:grid;grid-template-columns:auto 1fr auto 1fr;gap:.05rem .7rem;margin:0}"
    "dt{color:#57606a}dd{margin:0;font-variant-numeric:tabular-nums}\n"
    ".loss{display:inline-block;background:#ddf4ff;color:#0550ae;border-radius:1rem;"
    "padding:0 .55rem;margin:0 .3rem .3rem 0}\n"
    "code{font-size:11px;color:#57606a;overflow-wrap:anywhere}\n"
    "@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}"
    "article{border-color:#30363d}.loss{background:#12304f;color:#79c0ff}"
    "dt,p,code,h3 small{color:#9198a1}}\n"
    "@media(max-width:60rem){article{grid-template-columns:1fr}}\n"
    "</style>\n";

// What a code means: the names of the table, and what the zoo's codes without a node stand for.
static const struct {
    const char *column;
    int64_t code;
    const char *text;
} codes[] = {
#define LG_CODE(column, code, label) {#column, code, label},
#define LG_ANY_CODE 1
#include "runtime/hyperparameters.def"
#undef LG_ANY_CODE
    {"norm_type", 3, "none"},    {"act_last", 5, "none"}, {"act_block", 5, "SiLU"},
    {"upsample", 2, "bilinear"}, {"upsample", 3, "none"}, {"skip", 0, "no"},
    {"down", 0, "no"},
};

static void print_value(const char *column, int64_t value, FILE *out)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i].column, column) == 0 && codes[i].code == value) {
            fputs(codes[i].text, out);
            return;
        }
    fprintf(out, "%" PRId64, value);
}

static void print_labels(const lg_model_facts *facts, FILE *out)
{
    fputs("<div>", out);
    for (int i = 0; i < LG_LOSSES; i++)
        if (facts->losses[i])
            fprintf(out, "<span class=loss>%s</span>", lg_loss_label(i));
    fputs("</div><dl>", out);
    for (int i = 0; i < LG_ARCHITECTURE_VALUES; i++) {
        fprintf(out, "<dt>%s<dd>", lg_architecture_label(i));
        print_value(lg_architecture_column(i), facts->architecture[i], out);
    }
    fputs("</dl>", out);
}

static void print_images(const char *folder, size_t count, int size, FILE *out)
{
    fputs("<div class=images>", out);
    for (size_t i = 0; i < count && i < MOST_SHOWN; i++)
        fprintf(out, "<img loading=lazy width=%d height=%d alt=\"\" src=\"%s/%05zu.png\">", size,
                size, folder, i);
    fputs("</div>", out);
}

static void print_model(const lg_zoo_contact *c, int i, FILE *out)
{
    const lg_zoo_model *model = &c->plan->models[i];
    const lg_zoo_network *network = &model->attempts[c->records[i].attempt];
    fputs("<article>", out);
    print_images(model->name, (size_t)c->images, c->size, out);
    fprintf(out, "<div><h3>%s <small>test set %d</small></h3>", model->name, model->fold);
    print_labels(&network->facts, out);
    fprintf(out, "<p><code>%s</code></div></article>\n", network->spec);
}

static void print_left_out(const lg_zoo_contact *c, FILE *out)
{
    bool any = false;
    for (int i = 0; i < c->plan->count; i++)
        for (int a = 0; a < c->records[i].attempt; a++) {
            if (!any)
                fputs("<h2>Left out</h2><ul>", out);
            any = true;
            fprintf(out, "<li>%s: %s <code>%s</code>", c->plan->models[i].name,
                    c->records[i].reasons[a], c->plan->models[i].attempts[a].spec);
        }
    fputs(any ? "</ul>\n" : "", out);
}

static bool is_first_of_family(const lg_zoo_plan *plan, int i)
{
    for (int k = 0; k < i; k++)
        if (strcmp(plan->models[k].family, plan->models[i].family) == 0)
            return false;
    return true;
}

void lg_zoo_contact_print(const void *contact, FILE *out)
{
    const lg_zoo_contact *c = contact;
    int made = 0;
    for (int i = 0; i < c->plan->count; i++)
        made += c->records[i].made;
    fputs(head, out);
    fprintf(out,
            "<h1>Zoo of generative models</h1>\n<p>%d models, %d images each of %d &times; %d "
            "pixels, %d steps of training on crops of %zu photographs, seed %" PRIu64
            ". The labels are read off the networks.\n",
            made, c->images, c->size, c->size, c->steps, c->photos, c->seed);
    fputs("<h2>Photographs</h2><article>", out);
    print_images("real", c->reals, c->size, out);
    fputs("<div><h3>real</h3>What the models were trained on, and what is not generated.</div>"
          "</article>\n",
          out);
    for (int i = 0; i < c->plan->count; i++) {
        if (!is_first_of_family(c->plan, i))
            continue;
        fprintf(out, "<h2>%s</h2>\n", c->plan->models[i].family);
        for (int k = i; k < c->plan->count; k++)
            if (c->records[k].made &&
                strcmp(c->plan->models[k].family, c->plan->models[i].family) == 0)
                print_model(c, k, out);
    }
    print_left_out(c, out);
}
