#include "runtime/report.h"

#include <stdint.h>
#include <string.h>

// ---- beside the truth

// What a printer goes through: an image, and what is true of it.
typedef struct comparison {
    const lg_hyperparameters *said, *truly; // `truly` is empty where nothing is compared
    const lg_truth *truth;                  // NULL: nothing is
    bool fake;                              // said to be
    int right, compared;
} comparison;

static comparison begin(const lg_parsed_image *image, const lg_truth *truth)
{
    static const lg_hyperparameters unknown;
    return (comparison){.said = &image->hyperparameters,
                        .truly = truth ? &truth->hyperparameters : &unknown,
                        .truth = truth,
                        .fake = image->fake >= 0.5};
}

// What `value` should be; NULL where nothing is known. Counts.
static const char *compare(comparison *c, const char *value, const char *truth)
{
    c->compared += truth != NULL;
    c->right += truth && strcmp(value, truth) == 0;
    return truth;
}

static const char *name_of(bool fake)
{
    return fake ? "fake" : "real";
}

// Whether it is fake is compared like all else.
static const char *compare_fake(comparison *c)
{
    return compare(c, name_of(c->fake), c->truth ? name_of(c->truth->fake) : NULL);
}

// A hyperparameter beside the same one in the truth; of a real image nothing is known.
static const char *compare_row(comparison *c, const lg_prediction *p, const lg_prediction *truly)
{
    return compare(c, p->value, c->truth && c->truth->fake ? truly->value : NULL);
}

// ---- the table

static void print_line(FILE *out, const comparison *c, const char *label, const char *value,
                       const char *truth, double confidence)
{
    fprintf(out, "  %-24s ", label);
    if (c->truth)
        fprintf(out, "%-24s%c ", truth ? truth : "-",
                truth && strcmp(value, truth) != 0 ? '*' : ' ');
    fprintf(out, "%-24s %5.1f %%\n", value, 100 * confidence);
}

static void print_row(FILE *out, comparison *c, const lg_prediction *p, const lg_prediction *truly)
{
    print_line(out, c, p->label, p->value, compare_row(c, p, truly), p->confidence);
}

void lg_report_table(FILE *out, const char *file, const lg_parsed_image *image,
                     const lg_truth *truth)
{
    comparison c = begin(image, truth);
    const lg_hyperparameters *h = c.said, *t = c.truly;
    fprintf(out, "%s\n", file);
    if (truth)
        fprintf(out, "  %-24s %-24s  %s\n", "", "truth", "prediction");
    print_line(out, &c, "real or fake", name_of(c.fake), compare_fake(&c),
               c.fake ? image->fake : 1 - image->fake);
    fprintf(out, "  loss functions\n");
    for (int i = 0; i < LG_LOSSES; i++)
        print_row(out, &c, &h->all[i], &t->all[i]);
    fprintf(out, "  architecture\n");
    for (int i = LG_LOSSES; i < LG_LOSSES + LG_CONTINUOUS_VALUES; i++)
        print_row(out, &c, &h->all[i], &t->all[i]);
    for (int i = 0; i < LG_DISCRETE_VALUES; i++)
        print_row(out, &c, &h->choices[i], &t->choices[i]);
    if (truth)
        fprintf(out, "  %-24s %d of %d\n", "right", c.right, c.compared);
}

// ---- JSON

// Bytes of the UTF-8 character at `text`, 0 if there is none (RFC 3629).
static int utf8_length(const unsigned char *text)
{
    static const struct {
        unsigned char low, high, second_low, second_high;
        int length;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (text[0] < forms[i].low || text[0] > forms[i].high)
            continue;
        if (forms[i].length == 1)
            return 1;
        if (text[1] < forms[i].second_low || text[1] > forms[i].second_high)
            return 0;
        for (int j = 2; j < forms[i].length; j++)
            if ((text[j] & 0xc0) != 0x80)
                return 0;
        return forms[i].length;
    }
    return 0;
}

void lg_json_string(FILE *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    fputc('"', out);
    while (*at) {
        int length = utf8_length(at);
        if (length == 0) {
            fputs("\\ufffd", out);
            length = 1;
        } else if (*at == '"' || *at == '\\') {
            fprintf(out, "\\%c", *at);
        } else if (*at < 0x20) {
            fprintf(out, "\\u%04x", *at);
        } else {
            fwrite(at, 1, (size_t)length, out);
        }
        at += length;
    }
    fputc('"', out);
}

static void print_member(FILE *out, const char *separator, comparison *c, const lg_prediction *p,
                         const lg_prediction *truly)
{
    fprintf(out, "%s\"%s\":{\"value\":", separator, p->name);
    lg_json_string(out, p->value);
    if (p->kind == LG_PREDICT_CONTINUOUS)
        fprintf(out, ",\"interval\":%d,\"low\":%.17g,\"high\":%.17g,\"middle\":%.17g", p->choice,
                p->low, p->high, p->middle);
    fprintf(out, ",\"confidence\":%.6f", p->confidence);
    const char *truth = compare_row(c, p, truly);
    if (truth) {
        fputs(",\"truth\":", out);
        lg_json_string(out, truth);
    }
    fputc('}', out);
}

static void print_nodes(FILE *out, const lg_hyperparameters *h)
{
    fputs(",\"nodes\":{", out);
    for (int i = LG_LOSSES + LG_CONTINUOUS_VALUES; i < LG_HYPERPARAMETERS; i++) {
        const lg_prediction *p = &h->all[i];
        char key[96];
        snprintf(key, sizeof key, "%s=%s", p->name, p->code ? p->code : "");
        if (i > LG_LOSSES + LG_CONTINUOUS_VALUES)
            fputc(',', out);
        lg_json_string(out, key);
        fprintf(out, ":%.6f", p->probability);
    }
    fputc('}', out);
}

void lg_report_json(FILE *out, const char *file, const lg_parsed_image *image,
                    const lg_truth *truth)
{
    comparison c = begin(image, truth);
    const lg_hyperparameters *h = c.said, *t = c.truly;
    fputs("{\"file\":", out);
    lg_json_string(out, file);
    fprintf(out, ",\"fake\":%s,\"fake_probability\":%.6f,\"hyperparameters\":{",
            c.fake ? "true" : "false", image->fake);
    for (int i = 0; i < LG_LOSSES + LG_CONTINUOUS_VALUES; i++)
        print_member(out, i ? "," : "", &c, &h->all[i], &t->all[i]);
    for (int i = 0; i < LG_DISCRETE_VALUES; i++)
        print_member(out, ",", &c, &h->choices[i], &t->choices[i]);
    fputc('}', out);
    print_nodes(out, h);
    if (truth) {
        compare_fake(&c);
        fprintf(out, ",\"truly_fake\":%s,\"right\":%d,\"compared\":%d",
                truth->fake ? "true" : "false", c.right, c.compared);
    }
    fputs("}\n", out);
}
