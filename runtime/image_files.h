// The image files below a folder.
#ifndef LG_RUNTIME_IMAGE_FILES_H
#define LG_RUNTIME_IMAGE_FILES_H

#include "runtime/error.h"

#include <stddef.h>

// Owns what it points to.
typedef struct lg_file_list {
    char **paths; // folder/a/b.jpg
    size_t count, capacity;
    size_t others; // files that are no images by their names, or no regular files
} lg_file_list;

// Adds all files .jpg, .jpeg and .png (any case) in `folder` and the folders in it to an empty
// `list`, sorted by the bytes of their paths, so that no file system has a say in the order. Links
// are followed, one that leads back up is not; hidden names (a dot first) are passed over. Fails on
// a folder that cannot be read. Free the list in either case.
bool lg_image_files(const char *folder, lg_file_list *list, lg_error *e);

void lg_file_list_free(lg_file_list *list);

#endif
