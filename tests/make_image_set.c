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
    int numbers[3] = {-1, -1, -1};
    for (int i = 0; argc == 5 && i < 3; i++) {
        char *end;
        long value = strtol(argv[2 + i], &end, 10);
        numbers[i] = *end == '\0' && value >= 0 && value < 10000 ? (int)value : -1;
    }
    int kind = numbers[0], count = numbers[1], size = numbers[2];
    if (kind < 0 || count < 0 || size < 1) {
        fprintf(stderr, "usage: make_image_set FOLDER KIND COUNT SIZE\n");
        return 2;
    }
    if (!lg_write_image_set(argv[1], kind, count, size, size)) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
