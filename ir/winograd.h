// Winograd's minimal convolutions F(m x m, 3 x 3): a tile of m x m outputs of a 3 x 3 convolution
// from n x n inputs, n = m + 2, by n^2 multiplications instead of 9 m^2:
//
//     Y = A [ (G w G^T) . (B x B^T) ] A^T        "." elementwise, summed over input channels
//
// The matrices follow from the points 0, p, -p, ..., infinity at which the polynomials are
// evaluated (Winograd, Arithmetic Complexity of Computations, 1980; Lavin and Gray, Fast Algorithms
// for Convolutional Neural Networks, 2016). Points of unlike size make matrices of unlike size, and
// rounding errors grow with them; these have the smallest error that a search over fractions found
// (docs/performance.md has the figures).
#ifndef LG_IR_WINOGRAD_H
#define LG_IR_WINOGRAD_H

enum { LG_WINOGRAD_MOST = 8, LG_WINOGRAD_FILTER = 3 };

typedef struct lg_winograd {
    int m, n;
    // input: n x n, filter: n x 3, output: m x n; rows of the points 0, p, -p, ..., infinity. The
    // rows of p and -p differ in the signs of every other element.
    double input[LG_WINOGRAD_MOST][LG_WINOGRAD_MOST];    // B
    double filter[LG_WINOGRAD_MOST][LG_WINOGRAD_FILTER]; // G
    double output[LG_WINOGRAD_MOST][LG_WINOGRAD_MOST];   // A
} lg_winograd;

// The matrices for tiles of `m` outputs a side: 2, 4 or 6.
void lg_winograd_make(lg_winograd *w, int m);

#endif
