#!/usr/bin/env python3
"""Makes the files of tests/goldens/images: small images of every kind that the runtime decodes, and
what Pillow makes of them.  cases.txt has a line a case: the image and the expected pixels, a u8
array [height,width,3].  An array of another size than the image is Pillow's bilinear resize.

    /usr/bin/python3 tests/goldens/make_images.py
"""
import os
import struct
import zlib

import numpy as np
from PIL import Image

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'images')
RNG = np.random.default_rng(140)


def picture(height, width, channels=3):
    """Smooth waves with some noise and a hard edge, so that filters and rounding show."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 90 * np.sin(x / (3.0 + c) + c) * np.cos(y / (5.0 - c / 2)) for c in range(channels)]
    a = np.stack(planes, 2) + RNG.normal(0, 12, (height, width, channels))
    a[height // 3:height // 2, width // 4:width // 2] = 255
    return np.clip(a, 0, 255).astype(np.uint8)


def png_chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def write_png(path, rows, width, height, depth, color, interlace=0):
    """For what Pillow cannot write; `rows` are the filtered rows."""
    head = struct.pack('>IIBBBBB', width, height, depth, color, 0, 0, interlace)
    with open(path, 'wb') as f:
        f.write(b'\x89PNG\r\n\x1a\n' + png_chunk(b'IHDR', head) +
                png_chunk(b'IDAT', zlib.compress(b''.join(rows), 9)) + png_chunk(b'IEND', b''))


def unfiltered(a):
    return [b'\0' + np.ascontiguousarray(row).tobytes() for row in a]


def adam7(a):
    """The seven passes of an interlaced PNG, as (first row, first column, row step, column step)."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
              (1, 0, 2, 1))
    rows = []
    for y, x, dy, dx in passes:
        part = a[y::dy, x::dx]
        if part.size:
            rows += unfiltered(part)
    return rows


def path(name):
    return os.path.join(OUT, name)


def make_images():
    rgb = Image.fromarray(picture(29, 37))
    rgb.save(path('rgb.png'))
    rgb.convert('L').save(path('grey.png'))
    rgb.convert('1').save(path('grey1.png'))
    Image.fromarray(picture(29, 37, 4), 'RGBA').save(path('rgba.png'))
    Image.fromarray(picture(29, 37, 2), 'LA').save(path('grey_alpha.png'))
    rgb.quantize(200).save(path('palette.png'))
    rgb.quantize(11).save(path('palette4.png'), bits=4)
    rgb.quantize(20).save(path('palette_transparent.png'), transparency=3)
    rgb.convert('L').save(path('grey_transparent.png'), transparency=255)
    deep = RNG.integers(0, 65536, (11, 13, 3)).astype('>u2')
    write_png(path('rgb16.png'), unfiltered(deep), 13, 11, 16, 2)
    write_png(path('grey16.png'), unfiltered(deep[:, :, 0]), 13, 11, 16, 0)
    four = (np.arange(8 * 6) * 37 % 256).astype(np.uint8).reshape(6, 8)
    write_png(path('grey4.png'), unfiltered(four), 16, 6, 4, 0)
    write_png(path('grey2.png'), unfiltered(four), 32, 6, 2, 0)
    write_png(path('interlaced.png'), adam7(np.asarray(rgb)), 37, 29, 8, 2, 1)

    photo = Image.fromarray(picture(61, 83))
    photo.save(path('photo.jpg'), quality=85)
    photo.save(path('photo444.jpg'), quality=95, subsampling=0)
    photo.save(path('photo422.jpg'), quality=70, subsampling=1)
    photo.save(path('progressive.jpg'), quality=80, progressive=True, optimize=True)
    photo.convert('L').save(path('grey.jpg'), quality=80)
    photo.convert('CMYK').save(path('cmyk.jpg'), quality=90)
    Image.fromarray(picture(1, 1)).save(path('one.png'))
    Image.fromarray(picture(150, 2)).save(path('thin.png'))


# The image, and the sizes (width, height) to which it is resized.
RESIZES = [
    ('rgb.png', [(37, 29), (64, 64), (8, 8), (5, 3), (37, 50), (11, 29), (1, 1), (38, 28), (74, 58)]),
    ('grey.png', [(50, 20), (16, 16)]),
    ('rgba.png', [(64, 48), (9, 7)]),
    ('palette.png', [(48, 64), (16, 9)]),
    ('photo.jpg', [(64, 64), (32, 32), (20, 90)]),
    ('cmyk.jpg', [(16, 16)]),
    ('one.png', [(8, 8), (3, 1)]),
    ('thin.png', [(7, 7), (1, 150), (16, 16)]),
]


def expected(name):
    """Pillow's pixels; but 16-bit grey by its high byte, where Pillow cuts off at 255."""
    image = Image.open(path(name))
    if image.mode.startswith('I'):
        high = (np.asarray(image).astype(np.int64) >> 8).astype(np.uint8)
        return Image.fromarray(high).convert('RGB')
    return image.convert('RGB')


def main():
    os.makedirs(OUT, exist_ok=True)
    for name in os.listdir(OUT):
        os.remove(path(name))
    make_images()
    lines = []
    for name in sorted(os.listdir(OUT)):
        sizes = dict(RESIZES).get(name, [])
        image = expected(name)
        for size in [image.size] + sizes:
            array = '%s.%dx%d.npy' % (name, *size)
            if os.path.exists(path(array)):
                continue
            np.save(path(array), np.asarray(image.resize(size, Image.BILINEAR)))
            lines.append('%s %s\n' % (name, array))
    # The network's input, in float32 as torchvision computes it.
    unit = np.asarray(expected('photo.jpg').resize((24, 24), Image.BILINEAR)).astype(np.float32)
    unit = (unit / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
    np.save(path('photo.input.npy'), unit[None])
    with open(path('cases.txt'), 'w') as f:
        f.writelines(lines)


if __name__ == '__main__':
    main()
