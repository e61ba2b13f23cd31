"""Encoded pictures of every kind that `image-folder` reads, and the values that Pillow and NumPy find in them.

Expected values are those of `PIL.Image.open(...).convert("L" or "RGB")` in whole numbers of 0 to 255, [channels, height, width],
after `ImageOps.exif_transpose`, and `resize(size, BILINEAR)` where a size is given. Values of 16 bits are
numpy.round(value / 257); transparent pixels are numpy.round((value * alpha + background * (255 - alpha)) / 255). PNG files of
all colour types and depths are written here byte by byte, because Pillow writes only some of them.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

from fixture_json import save_fixture

HEIGHT, WIDTH = 5, 7


def picture(channels, seed):
    """Smooth values with a little noise, uint8 [height, width, channels]."""
    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [np.sin(rows / (1.5 + k) + k) + np.cos(columns / (2.0 + k)) for k in range(channels)]
    values = 127 + 55 * np.stack(waves, axis=2) + draw.normal(0, 4, (HEIGHT, WIDTH, channels))
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(samples, depth, colour_type, palette=None, alpha=None, exif=None):
    """A PNG file of `samples` [height, width, channels], whole numbers of `depth` bits."""
    height, width, _ = samples.shape
    rows = []
    for row in samples:
        if depth == 16:
            packed = row.astype(">u2").tobytes()
        elif depth == 8:
            packed = row.astype(np.uint8).tobytes()
        else:
            bits = np.unpackbits(row.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - depth :]
            packed = np.packbits(bits.reshape(-1)).tobytes()
        rows.append(b"\0" + packed)
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))]
    if exif is not None:
        parts.append(chunk(b"eXIf", exif))
    if palette is not None:
        parts.append(chunk(b"PLTE", palette.tobytes()))
    if alpha is not None:
        parts.append(chunk(b"tRNS", bytes(alpha)))
    parts += [chunk(b"IDAT", zlib.compress(b"".join(rows))), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def exif(orientation):
    return b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def encoded(image, **options):
    out = io.BytesIO()
    image.save(out, **options)
    return out.getvalue()


def planes(values):
    """[height, width] or [height, width, channels] as [channels, height, width]."""
    values = np.asarray(values)
    return values[None] if values.ndim == 2 else np.moveaxis(values, 2, 0)


def pillow(data, channels, size=None):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    image = image.convert({1: "L", 3: "RGB"}[channels])
    if size:
        image = image.resize((size[1], size[0]), Image.BILINEAR)
    return planes(image)


def over(values, background):
    """Values with alpha last, over a background."""
    colours, alpha = values[..., :-1].astype(np.float64), values[..., -1:].astype(np.float64)
    return np.round((colours * alpha + np.array(background) * (255 - alpha)) / 255).astype(np.uint8)


CASES = []


def case(name, data, expected, size=None, background=None, tolerance=0):
    expected = planes(expected) if np.ndim(expected) == 2 else np.asarray(expected)
    CASES.append(
        {
            "name": name,
            "file": data.hex(),
            "channels": expected.shape[0],
            "resize": list(size or []),
            "background": list(background or []),
            "size": list(expected.shape[1:]),
            "tolerance": tolerance,
            "pixels": expected.ravel(),
        }
    )


def png_cases():
    draw = np.random.default_rng(1)
    for depth in [1, 2, 4, 8, 16]:
        largest = 2**depth - 1
        grey = draw.integers(0, largest + 1, (HEIGHT, WIDTH, 1))
        scaled = np.round(grey[..., 0] * 255 / largest).astype(np.uint8)
        data = png(grey, depth, 0)
        if depth < 16:
            assert np.array_equal(pillow(data, 1)[0], scaled)
        case(f"png grey {depth}", data, scaled)
        if depth <= 8:
            count = min(2**depth, 32)
            palette = draw.integers(0, 256, (count, 3)).astype(np.uint8)
            index = draw.integers(0, count, (HEIGHT, WIDTH, 1))
            data = png(index, depth, 3, palette)
            colours = planes(palette[index[..., 0]])
            assert np.array_equal(pillow(data, 3), colours)
            case(f"png palette {depth}", data, colours)
            alpha = draw.integers(0, 256, count).astype(np.uint8)
            data = png(index, depth, 3, palette, alpha)
            rgba = np.concatenate([palette, alpha[:, None]], axis=1)[index[..., 0]]
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")), rgba)
            case(f"png palette {depth} transparent", data, planes(over(rgba, (255, 0, 90))), background=(255, 0, 90))
        if depth >= 8:
            rgb = draw.integers(0, largest + 1, (HEIGHT, WIDTH, 3))
            scaled = np.round(rgb * 255 / largest).astype(np.uint8)
            case(f"png rgb {depth}", png(rgb, depth, 2), planes(scaled))
            for name, colour_type, channels in [("grey", 4, 1), ("rgb", 6, 3)]:
                values = draw.integers(0, largest + 1, (HEIGHT, WIDTH, channels + 1))
                scaled = np.round(values * 255 / largest).astype(np.uint8)
                expected = planes(over(scaled, (255,) * channels))
                case(f"png {name} alpha {depth}", png(values, depth, colour_type), expected, background=(255,))
    grey_palette = np.repeat(np.arange(0, 256, 17, dtype=np.uint8)[:, None], 3, axis=1)
    index = draw.integers(0, 16, (HEIGHT, WIDTH, 1))
    case("png grey palette", png(index, 4, 3, grey_palette), pillow(png(index, 4, 3, grey_palette), 1))
    for orientation in range(1, 9):
        data = png(picture(3, 2), 8, 2, exif=exif(orientation))
        case(f"png orientation {orientation}", data, pillow(data, 3))


def other_cases():
    grey, rgb = Image.fromarray(picture(1, 3)[..., 0]), Image.fromarray(picture(3, 4))
    rgba = Image.fromarray(picture(4, 5))
    for name, image in [("grey", grey), ("rgb", rgb)]:
        channels = len(image.getbands())
        for form, options in [
            ("bmp", {"format": "BMP"}),
            ("tiff", {"format": "TIFF"}),
            ("tiff lzw", {"format": "TIFF", "compression": "tiff_lzw"}),
            ("tiff deflate", {"format": "TIFF", "compression": "tiff_adobe_deflate"}),
            ("webp lossless", {"format": "WEBP", "lossless": True}),
        ]:
            data = encoded(image, **options)
            case(f"{form} {name}", data, pillow(data, channels))
    for name, image in [("grey", grey), ("palette", rgb.quantize(16))]:
        data = encoded(image, format="GIF")
        case(f"gif {name}", data, pillow(data, 1 if name == "grey" else 3))
    frames = [rgb.quantize(8), rgb.rotate(180).quantize(8)]
    data = encoded(frames[0], format="GIF", save_all=True, append_images=frames[1:])
    case("gif first frame", data, pillow(data, 3))
    data = encoded(grey.convert("1"), format="BMP")
    case("bmp 1", data, pillow(data, 1))
    data = encoded(rgb.quantize(16), format="BMP")
    case("bmp palette", data, pillow(data, 3))
    for form, options in [("tiff", {}), ("tiff lzw", {"compression": "tiff_lzw"})]:
        data = encoded(rgb.quantize(16), format="TIFF", **options)
        case(f"{form} palette", data, pillow(data, 3))
    wide = Image.fromarray(np.random.default_rng(6).integers(0, 65536, (HEIGHT, WIDTH)).astype(np.uint16))
    case("tiff grey 16", encoded(wide, format="TIFF"), np.round(np.asarray(wide) / 257).astype(np.uint8))
    for form, options in [("tiff", {"format": "TIFF"}), ("webp", {"format": "WEBP", "lossless": True, "exact": True})]:
        data = encoded(rgba, **options)
        case(f"{form} rgb alpha", data, planes(over(np.asarray(rgba), (0,) * 3)), background=(0,))
    for orientation in range(1, 9):
        tags = Image.Exif()
        tags[0x0112] = orientation
        for form, options in [("tiff", {}), ("webp", {"lossless": True})]:
            data = encoded(rgb, format=form.upper(), exif=tags, **options)
            case(f"{form} orientation {orientation}", data, pillow(data, 3))


def smooth(height, width, channels):
    """A smooth picture, as photographs are, of which lossy formats keep most."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [np.sin(rows / (6.0 + k) + k) + np.cos(columns / (8.0 + k)) for k in range(channels)]
    values = np.clip(np.round(127 + 60 * np.stack(waves, axis=2)), 0, 255).astype(np.uint8)
    return Image.fromarray(values[..., 0] if channels == 1 else values)


def edges(height, width):
    """A picture of areas in strong colours."""
    rows, columns = np.mgrid[0:height, 0:width]
    values = np.stack([columns * 255 // (width - 1), rows * 255 // (height - 1), (rows + columns) % 17 * 15], axis=2)
    values[height // 4 : height // 2, width // 4 : 3 * width // 4] = (230, 20, 40)
    values[height // 2 :, : width // 3] = (10, 200, 60)
    return Image.fromarray(values.astype(np.uint8))


def patched(data, marker, offset, value):
    """A JPEG file with another byte in the segment of a marker, counted from its length."""
    place = data.index(bytes([0xFF, marker])) + 2 + offset
    return data[:place] + bytes([value]) + data[place + 1 :]


def jpeg_cases():
    grey, rgb = smooth(19, 26, 1), smooth(19, 26, 3)
    for name, image, options in [
        ("grey", grey, {"quality": 90}),
        ("grey progressive", grey, {"quality": 75, "progressive": True}),
        ("rgb 4:4:4", rgb, {"quality": 90, "subsampling": 0}),
        ("rgb 4:2:2", rgb, {"quality": 90, "subsampling": 1}),
        ("rgb 4:2:0", rgb, {"quality": 90, "subsampling": 2}),
        ("rgb progressive", rgb, {"quality": 90, "progressive": True, "subsampling": 0}),
        ("rgb progressive 4:2:0", rgb, {"quality": 60, "progressive": True, "subsampling": 2}),
        ("rgb not converted", rgb, {"quality": 90, "keep_rgb": True}),
        ("restart markers", edges(40, 36), {"quality": 70, "subsampling": 2, "restart_marker_blocks": 1}),
        ("poor", edges(33, 47), {"quality": 8, "subsampling": 2}),
        ("optimised", edges(33, 47), {"quality": 95, "subsampling": 1, "optimize": True}),
    ]:
        data = encoded(image, format="JPEG", **options)
        case(f"jpeg {name}", data, pillow(data, len(image.getbands())))
    for orientation in range(1, 9):
        tags = Image.Exif()
        tags[0x0112] = orientation
        data = encoded(smooth(9, 14, 1), format="JPEG", quality=90, exif=tags)
        case(f"jpeg orientation {orientation}", data, pillow(data, 1))
    # Edges of colour, which lie in the middle of the blocks that share a colour, up to the last column and row.
    for height, width in [(20, 30), (9, 14), (17, 17)]:
        for subsampling in [1, 2]:
            data = encoded(edges(height, width), format="JPEG", quality=85, subsampling=subsampling)
            case(f"jpeg edges 4:2:{2 if subsampling == 1 else 0} {height} x {width}", data, pillow(data, 3))
    # Of very small pictures, colours are repeated, not interpolated.
    for side in range(1, 18):
        for subsampling in [1, 2]:
            image = edges(18, 18).crop((0, 0, 18 - side, side))
            data = encoded(image, format="JPEG", quality=75, subsampling=subsampling, optimize=True)
            case(f"jpeg small 4:2:{2 if subsampling == 1 else 0} {side} x {18 - side}", data, pillow(data, 3))
    # Pillow writes no 4:4:0. The 2 x 3 pairs of blocks of a picture of 24 x 32 are those of one of 48 x 16, in another place.
    data = encoded(edges(24, 32), format="JPEG", quality=85, subsampling=1)
    for offset, value in [(4, 48), (6, 16), (9, 0x12)]:
        data = patched(data, 0xC0, offset, value)
    case("jpeg 4:4:0", data, pillow(data, 3))
    data = encoded(edges(20, 30).convert("CMYK"), format="JPEG", quality=90)
    case("jpeg cmyk", data, pillow(data, 3))
    # The same bytes as a picture in YCCK, which Pillow does not write: the last byte of Adobe's segment tells.
    case("jpeg ycck", patched(data, 0xEE, 13, 2), pillow(patched(data, 0xEE, 13, 2), 3))


def lossy_cases():
    rgb = smooth(19, 26, 3)
    data = encoded(rgb, format="WEBP", quality=90)
    case("webp lossy", data, pillow(data, 3), tolerance=2)


def resize_cases():
    for height, width, channels, size in [
        (28, 28, 1, (12, 12)),
        (28, 28, 1, (56, 40)),
        (31, 17, 3, (8, 8)),
        (5, 40, 1, (11, 3)),
        (28, 20, 1, (28, 9)),
        (20, 28, 1, (9, 28)),
        (1, 1, 3, (2, 3)),
        (64, 48, 3, (28, 28)),
        (31, 20, 1, (11, 10)),
        (32, 20, 1, (11, 10)),
        (20, 16, 3, (7, 40)),
    ]:
        draw = np.random.default_rng(height * width)
        values = draw.integers(0, 256, (height, width, channels)).astype(np.uint8)
        data = encoded(Image.fromarray(values[..., 0] if channels == 1 else values), format="PNG")
        name = f"resize {height} x {width} to {size[0]} x {size[1]}"
        case(name, data, pillow(data, channels, size), size=size)
    data = encoded(smooth(20, 20, 3), format="PNG")
    case("rgb to grey", data, pillow(data, 1))
    case("rgb to grey and smaller", data, pillow(data, 1, (7, 7)), size=(7, 7))
    data = encoded(smooth(20, 20, 1), format="PNG")
    case("grey to rgb", data, pillow(data, 3))


def main():
    png_cases()
    other_cases()
    jpeg_cases()
    lossy_cases()
    resize_cases()
    size = save_fixture("pictures_truth.json", {"pictures": CASES})
    print(f"{len(CASES)} pictures, {size} bytes")


main()
