// A set of images for the tests of the command line, made where they run:
//
//     make_image_set FOLDER KIND COUNT SIZE
//
// writes COUNT images of SIZE x SIZE pixels and of one kind (tests/support/image_set.h).
#include "tests/support/image_set.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: make_image_set FOLDER KIND COUNT SIZE\n");
        return 2;
    }
    int kind = atoi(argv[2]), count = atoi(argv[3]), size = atoi(argv[4]);
    if (!lg_write_image_set(argv[1], kind, count, size, size)) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
