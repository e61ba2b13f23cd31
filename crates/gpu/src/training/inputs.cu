// Inputs of a network, made of images as they are stored; after what all trainings share.
//
// Macro, before all text: INPUT, which transforms stored images go through, such as Resized<Normalised<Stored, 1, 784, 0>, 28, 28, 56, 56>.
// Each transform makes value `i` of an image `[channels, height, width]` of the values that the one within it makes. `numbers` are those of
// all transforms. The expressions are those of `Pixels` of the crate `artifact`, and have their bits.

typedef unsigned char u8;

struct Stored {
    static __device__ __forceinline__ float at(const u8* image, const float*, u32 i) { return (float)image[i]; }
};

// (x - mean) / std; the means of all channels of so many pixels are numbers from FIRST on, and the stds follow.
template <class Before, u32 CHANNELS, u32 PIXELS, u32 FIRST> struct Normalised {
    static __device__ __forceinline__ float at(const u8* image, const float* numbers, u32 i) {
        const float* mean = numbers + FIRST + i / PIXELS;
        return (Before::at(image, numbers, i) - mean[0]) / mean[CHANNELS];
    }
};

// Red, green and blue of so many pixels as one channel.
template <class Before, u32 PIXELS> struct Grey {
    static __device__ __forceinline__ float at(const u8* image, const float* numbers, u32 i) {
        float red = Before::at(image, numbers, i), green = Before::at(image, numbers, i + PIXELS);
        return 0.2989f * red + 0.587f * green + 0.114f * Before::at(image, numbers, i + 2 * PIXELS);
    }
};

// Two neighbours along an axis, and the share of the second one.
struct Between { u32 first, second; float share; };

// Where the place `i` of `resized` ones lies between those of `size`.
__device__ __forceinline__ Between between(u32 i, u32 size, u32 resized) {
    double position = fmax(((double)i + 0.5) * ((double)size / (double)resized) - 0.5, 0.0);
    u32 first = (u32)position;
    if (first > size - 1) first = size - 1;
    Between b = {first, first + 1 < size ? first + 1 : first, (float)(position - (double)first)};
    return b;
}

// Bilinear interpolation from H x W to HEIGHT x WIDTH pixels.
template <class Before, u32 H, u32 W, u32 HEIGHT, u32 WIDTH> struct Resized {
    static __device__ __forceinline__ float at(const u8* image, const float* numbers, u32 i) {
        Between x = between(i % WIDTH, W, WIDTH), y = between(i / WIDTH % HEIGHT, H, HEIGHT);
        u32 channel = i / (WIDTH * HEIGHT) * (H * W), upper = channel + y.first * W, lower = channel + y.second * W;
        float above = (1.0f - x.share) * Before::at(image, numbers, upper + x.first) + x.share * Before::at(image, numbers, upper + x.second);
        float below = (1.0f - x.share) * Before::at(image, numbers, lower + x.first) + x.share * Before::at(image, numbers, lower + x.second);
        return (1.0f - y.share) * above + y.share * below;
    }
};

// The inputs of images order[0], order[1], ... with `stored` bytes each, or of the first ones without an order: `[rows, width]`, or
// `[width, rows]` for `by_feature`.
extern "C" __global__ void gather(const u8* images, const u32* order, const float* numbers, float* out, u32 rows, u32 width, u32 stored,
                                  u32 by_feature) {
    u32 i = thread_number();
    if (i >= rows * width) return;
    u32 row = by_feature ? i % rows : i / width, column = by_feature ? i / rows : i % width;
    const u8* image = images + (size_t)(order ? order[row] : row) * stored;
    out[i] = INPUT::at(image, numbers, column);
}

// As `gather`, with noise of standard deviation `std`: the noise of `NormalStream` of the stage `train`, bit by bit. Sixteen
// generators take turns; a thread has the part of one of them in one row. `starts` has their states before the batch; a jump is one row.
extern "C" __global__ void gather_noisy(const u8* images, const u32* order, const float* numbers, float* out, u32 rows, u32 width,
                                        u32 stored, u32 by_feature, const u32* starts, const u32* jumps, float std) {
    u32 i = thread_number();
    if (i >= rows * 16) return;
    u32 row = i / 16, lane = i % 16;
    Generator g = generator(starts, lane, jumps, row);
    const u8* image = images + (size_t)order[row] * stored;
    float* to = by_feature ? out + row : out + (size_t)row * width;
    size_t next_value = by_feature ? rows : 1;
    const float step = 1.0f / 2147483648.0f;
    for (u32 column = lane; column < width + lane; column += 32) {
        float u = (float)(int)(next(g) >> 1) * step + 0.5f * step;
        float radius = sqrtf(fmaxf(-2.0f * logarithm(u), 0.0f)) * std;
        float sine, cosine;
        circle(next(g), &sine, &cosine);
        if (column < width) to[column * next_value] = INPUT::at(image, numbers, column) + radius * cosine;
        if (column + 16 < width) to[(column + 16) * next_value] = INPUT::at(image, numbers, column + 16) + radius * sine;
    }
}

// Inputs that the processor has made, `[rows, width]`, as `gather` makes them.
extern "C" __global__ void arrange(const float* made, float* out, u32 rows, u32 width, u32 by_feature) {
    u32 i = thread_number();
    if (i >= rows * width) return;
    u32 row = by_feature ? i % rows : i / width, column = by_feature ? i / rows : i % width;
    out[i] = made[(size_t)row * width + column];
}
