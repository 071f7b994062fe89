// (v / 255 - 0.5) / 0.5 in single precision, each step rounded, as torchvision's ToTensor and
// Normalize do it. There are only 256 values, so they are computed once a call.
#include "runtime/preprocess.h"

#include "runtime/resize.h"

void lg_preprocess_pixels(const uint8_t *pixels, size_t count, float *out)
{
    float normal[256];
    for (int v = 0; v < 256; v++) {
        float unit = (float)v / 255.0f;
        float centered = unit - 0.5f;
        normal[v] = centered / 0.5f;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = normal[pixels[i]];
}

bool lg_preprocess_image(const lg_image *image, int size, float *out, lg_error *e)
{
    lg_image *resized = lg_image_resize(image, size, size, e);
    if (!resized)
        return false;
    lg_preprocess_pixels(resized->rgb, (size_t)size * (size_t)size * 3, out);
    lg_image_free(resized);
    return true;
}

lg_tensor *lg_preprocess_file(const char *path, int size, lg_error *e)
{
    lg_image *image = lg_image_load(path, e);
    if (!image)
        return NULL;
    const int64_t shape[] = {1, size, size, 3};
    lg_tensor *tensor = lg_tensor_new(LG_ABI_F32, 4, shape, e);
    if (tensor && !lg_preprocess_image(image, size, tensor->data, e)) {
        lg_tensor_free(tensor);
        tensor = NULL;
    }
    lg_image_free(image);
    return tensor;
}
