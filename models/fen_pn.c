// FEN and PN, the baseline of model parsing ("Reverse Engineering of Generative Models: Inferring
// Model Hyperparameters from Generated Images", Asnani et al., 2021), for LGPN's 55 nodes:
//
//     image ── FEN ── fingerprint ── PN ── feature ──┬── 55 x (no, yes)
//                          │                         ├── real / fake
//                          └── constraints           └── 9 numbers
//
// FEN estimates the fingerprint that a generative model leaves in its images. No label says what
// one is: four constraints on its spectrum do. PN reads the hyperparameters off the fingerprint.
//
// Both networks, the constraints with their weights and the loss of the numbers are the original's.
// The other heads are LGPN's: two logits a node instead of a head a hyperparameter with weighted
// classes, and real or fake (docs/models.md has the two side by side).
#include "models/models.h"
#include "models/parsing.h"

// ---- the fingerprint estimation network

// What was (v - 0.5) / 0.5 of a pixel v in 0..1 is (v - mean) / deviation of the original's images.
static lg_value *standardize(lg_name_scope *s, lg_value *image)
{
    const double mean = 0.6490, deviation = 0.1269;
    return add(s, mul(s, image, 0.5 / deviation), (0.5 - mean) / deviation);
}

static lg_value *conv3x3(lg_name_scope *s, lg_value *x, int64_t filters)
{
    return conv2d(s, "conv", x, .filters = filters, .kernel = 3, .bias = true,
                  .init = LG_HE_FAN_IN);
}

// As many channels come out as went in.
static lg_value *estimate(lg_name_scope *s, lg_value *image, int64_t width)
{
    int64_t last = option(s, "layers") - 1;
    lg_value *x = relu(s, conv3x3(scope(s, "layer0"), image, width));
    for (int i = 1; i < last; i++) {
        lg_name_scope *layer = scope(s, "layer%d", i);
        x = relu(layer, batch_norm(layer, "bn", conv3x3(layer, x, width)));
    }
    return conv3x3(scope(s, "layer%d", (int)last), x, 3);
}

// ---- constraints on the fingerprint

// How far a wave is at a pixel, in turns: k n / size - floor(k n / size) of pixel n, for the
// frequency k of a row: [size,size]. Frequency 0 is the row in the middle.
static lg_value *phases(lg_name_scope *s, int64_t size)
{
    lg_shape square = LG_SHAPE(size, size);
    int64_t middle = size / 2;
    lg_value *k = sub(s, lg_iota(s, LG_HERE, LG_F32, square, 0), (double)middle);
    lg_value *n = lg_iota(s, LG_HERE, LG_F32, square, 1);
    lg_value *turns = div(s, mul(s, k, n), (double)size);
    return sub(s, turns, lg_unary(s, LG_HERE, LG_OP_floor, turns));
}

static lg_value *cos_of_turns(lg_name_scope *s, lg_value *turns)
{
    return lg_unary(s, LG_HERE, LG_OP_cos, mul(s, turns, 2 * M_PI));
}

// |fftshift(FFT2(grey))|: [b,size,size]. E G E^T with E = C - i S is six products of
// matrices. Where it is 0 its derivative is, too.
static lg_value *spectrum(lg_name_scope *s, lg_value *grey, int64_t size)
{
    lg_value *turns = phases(s, size);
    lg_value *c = cos_of_turns(s, turns), *sine = cos_of_turns(s, sub(s, turns, 0.25));
    lg_value *rows_c = matmul(s, grey, c, .tb = true), *rows_s = matmul(s, grey, sine, .tb = true);
    lg_value *re = sub(s, matmul(s, c, rows_c), matmul(s, sine, rows_s));
    lg_value *im = add(s, matmul(s, c, rows_s), matmul(s, sine, rows_c));
    return sqrt(s, maximum(s, add(s, mul(s, re, re), mul(s, im, im)), 1e-24));
}

// Half the window of low frequencies without its middle: 51 of them, less where that is more than
// four fifths of the image.
static int64_t half_window(int64_t size)
{
    int64_t half = (4 * size / 5 - 1) / 2;
    return half < 25 ? half : 25;
}

// bool [size,size], true where both frequencies are low.
static lg_value *low_frequencies(lg_name_scope *s, int64_t size)
{
    int64_t first = size / 2 - half_window(size), limit = size / 2 + half_window(size) + 1;
    lg_value *low = NULL;
    for (int axis = 0; axis < 2; axis++) {
        lg_value *place = lg_iota(s, LG_HERE, LG_I32, LG_SHAPE(size, size), axis);
        lg_value *in =
            logical_and(s, greater(s, place, (double)first - 1), less(s, place, (double)limit));
        low = low ? logical_and(s, low, in) : in;
    }
    return low;
}

// A fingerprint is small, has little at low frequencies, one strong high one in the batch, and a
// symmetric spectrum.
static lg_value *constraints(lg_name_scope *s, lg_value *fingerprint, int64_t size)
{
    lg_value *weights = table(s, LG_F32, LG_SHAPE(3), 0.299, 0.587, 0.114);
    lg_value *grey = sum(s, mul(s, fingerprint, weights), 3);
    lg_value *y = spectrum(s, grey, size), *low = low_frequencies(s, size);
    lg_value *most = sum(s, reduce_max(s, where(s, low, 0, y), 0, 1, 2), 0, 1, 2);
    lg_value *total = mul(s, masked_mean(s, mse(s, y, 0), low), 0.05);
    total = sub(s, total, mul(s, most, 0.001));
    total = add(s, total, mul(s, mean_all(s, mse(s, grey, 0)), 0.1));
    return add(s, total, mean_all(s, mse(s, y, transpose(s, y, 0, 2, 1))));
}

// ---- the parsing network

static lg_value *parse(lg_name_scope *s, lg_value *x)
{
    static const char *const names[] = {"linear0", "linear1", "linear2"};
    static const int64_t features[] = {512, 256, 64};
    int64_t channels = option(s, "channels");
    for (int i = 0; i < 5; i++) {
        x = conv2d(scope(s, "layer%d", i), "conv", x, .filters = channels << i, .kernel = 3,
                   .pad = 2, .bias = true, .init = LG_HE_FAN_IN);
        x = max_pool(s, relu(s, x), .kernel = 2);
    }
    x = reshape(s, transpose(s, x, 0, 3, 1, 2), option(s, "batch"), -1);
    x = dropout(s, x, 0.5);
    for (int i = 0; i < 3; i++)
        x = relu(s, linear(s, names[i], x, features[i]));
    return x;
}

// ---- all of it

void lg_build_fen_pn(lg_name_scope *s)
{
    int64_t batch = option(s, "batch"), size = option(s, "image");
    lg_value *image = input(s, "image", LG_F32, batch, size, size, 3);
    lg_parsing_labels t = {0};
    if (is_training(s))
        t = lg_parsing_inputs(s, batch, option(s, "continuous"));

    lg_name_scope *pn = scope(s, "PN");
    lg_value *fingerprint = estimate(scope(s, "FEN"), standardize(s, image), option(s, "width"));
    lg_value *feature = parse(pn, fingerprint), *values = NULL;
    lg_value *logits =
        reshape(s, linear(pn, "nodes", feature, 2 * LG_PARSED_NODES), batch, LG_PARSED_NODES, 2);
    lg_value *real_fake = linear(pn, "real_fake", feature, 2);
    if (option(s, "continuous"))
        values = sigmoid(s, linear(pn, "continuous", feature, LG_PARSED_NUMBERS));

    if (is_training(s)) {
        loss(s, "ce", lg_parsing_node_loss(s, t, logits));
        loss(s, "real_fake", lg_parsing_fake_loss(s, t, real_fake));
        loss(s, "fingerprint", constraints(s, fingerprint, size));
    }
    if (is_training(s) && values)
        loss(s, "mse", mul(s, masked_mean(s, mse(s, values, t.values), t.known), 10));
    output(s, "real_fake", real_fake);
    output(s, "node_logits", logits);
    output(s, "feature", feature);
    output(s, "fingerprint", fingerprint);
    if (values)
        output(s, "continuous", values);
}
