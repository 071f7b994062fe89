#include "codegen/cuda_driver.h"
#include "codegen/dynamic.h"

#include <dlfcn.h>
#include <stdlib.h>

// Of cuDeviceGetAttribute.
enum { COMPUTE_CAPABILITY_MAJOR = 75, COMPUTE_CAPABILITY_MINOR = 76, OLDEST_MAJOR = 8 };

bool lg_cuda_check(const lg_cuda_driver *driver, lg_cuda_result result, const char *what,
                   lg_diag *diag)
{
    const char *text = NULL;
    if (result == 0)
        return true;
    if (driver->error_string(result, &text) != 0 || !text)
        text = "an error that the driver has no text for";
    return lg_error_at(diag, (lg_location){0}, "CUDA: %s: %s (%d)", what, text, result);
}

static bool find_symbols(lg_cuda_driver *driver, lg_diag *diag)
{
    bool ok = lg_find_function(driver->library, "CUDA driver", "cuGetErrorString",
                               &driver->error_string, diag);
#define CUDA_FUNCTION(field, symbol, parameters)                                                   \
    ok = lg_find_function(driver->library, "CUDA driver", #symbol, &driver->field, diag) && ok;
    LG_CUDA_FUNCTIONS
#undef CUDA_FUNCTION
    return ok;
}

static bool open_device(lg_cuda_driver *d, lg_diag *diag)
{
    int count = 0, major = 0, minor = 0;
    if (!lg_cuda_check(d, d->init(0), "starting the driver", diag) ||
        !lg_cuda_check(d, d->device_count(&count), "counting devices", diag))
        return false;
    if (count == 0)
        return lg_error_at(diag, (lg_location){0}, "the CUDA driver sees no GPU");
    bool ok =
        lg_cuda_check(d, d->device_get(&d->device, 0), "opening device 0", diag) &&
        lg_cuda_check(d, d->device_name(d->name, sizeof d->name, d->device), "device", diag) &&
        lg_cuda_check(d, d->device_attribute(&major, COMPUTE_CAPABILITY_MAJOR, d->device), d->name,
                      diag) &&
        lg_cuda_check(d, d->device_attribute(&minor, COMPUTE_CAPABILITY_MINOR, d->device), d->name,
                      diag);
    if (ok && major < OLDEST_MAJOR)
        return lg_error_at(diag, (lg_location){0},
                           "%s has compute capability %d.%d; %d.0 is the oldest that works",
                           d->name, major, minor, OLDEST_MAJOR);
    snprintf(d->arch, sizeof d->arch, "sm_%d%d", major, minor);
    return ok;
}

static bool open_context(lg_cuda_driver *d, lg_diag *diag)
{
    lg_cuda_context context;
    if (!lg_cuda_check(d, d->context_retain(&context, d->device), d->name, diag))
        return false;
    d->has_context = true;
    return lg_cuda_check(d, d->context_set(context), d->name, diag);
}

lg_cuda_driver *lg_cuda_driver_open(lg_diag *diag)
{
    // The driver keeps threads and memory until the process ends.
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        lg_error_at(diag, (lg_location){0},
                    "there is no CUDA driver here: libcuda.so.1, which comes with NVIDIA's driver "
                    "for a GPU, was not found");
        return NULL;
    }
    lg_cuda_driver *driver = calloc(1, sizeof *driver);
    if (!driver) {
        dlclose(library);
        lg_error_at(diag, (lg_location){0}, "out of memory");
        return NULL;
    }
    driver->library = library;
    if (find_symbols(driver, diag) && open_device(driver, diag) && open_context(driver, diag))
        return driver;
    lg_cuda_driver_close(driver);
    return NULL;
}

void lg_cuda_driver_close(lg_cuda_driver *driver)
{
    if (!driver)
        return;
    if (driver->has_context)
        driver->context_release(driver->device);
    dlclose(driver->library);
    free(driver);
}
