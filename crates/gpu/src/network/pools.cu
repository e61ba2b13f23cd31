// Kernels of pooling. A window of `window_height` x `window_width` pixels begins at (row * stride - padding, column * stride - padding).

// What a value contributes to the mean of a window: `share` if it is not 0, else one of the values in the image.
__device__ __forceinline__ float share_of(float share, u32 rows, u32 columns) {
    return share != 0.0f ? share : (float)(1.0 / (double)(rows * columns));
}

// The first pixel of a window in the image, and the end of those in it, in one direction.
__device__ __forceinline__ void pixels(u32 window, u32 kernel, u32 stride, u32 padding, u32 side, u32* begin, u32* end) {
    u32 start = window * stride;
    *begin = start > padding ? start - padding : 0;
    *end = start + kernel - padding < side ? start + kernel - padding : side;
}

// With `chosen` the largest value of every window, and the place of its pixel; otherwise the mean.
extern "C" __global__ void pool(const float* values, float* out, u32* chosen, u32 height, u32 width, u32 window_height, u32 window_width,
                                u32 stride, u32 padding, u32 out_height, u32 out_width, float share, u32 features, u32 images) {
    u32 i = thread_number();
    if (i >= features * images) return;
    u32 feature = i / images, image = i % images;
    u32 column = feature % out_width, row = feature / out_width % out_height, channel = feature / (out_width * out_height);
    u32 top, bottom, left, right;
    pixels(row, window_height, stride, padding, height, &top, &bottom);
    pixels(column, window_width, stride, padding, width, &left, &right);
    const float* plane = values + (size_t)channel * height * width * images + image;
    if (chosen) {
        float largest = plane[(size_t)(top * width + left) * images];
        u32 place = top * width + left;
        for (u32 y = top; y < bottom; y++) {
            for (u32 x = left; x < right; x++) {
                float value = plane[(size_t)(y * width + x) * images];
                // What is undefined wins.
                if (!(value <= largest)) { largest = value; place = y * width + x; }
            }
        }
        out[i] = largest;
        chosen[i] = place;
        return;
    }
    float sum = 0.0f;
    for (u32 y = top; y < bottom; y++) {
        for (u32 x = left; x < right; x++) sum += plane[(size_t)(y * width + x) * images];
    }
    out[i] = sum * share_of(share, bottom - top, right - left);
}

// The gradient of images from that of the windows, in the order of the windows.
extern "C" __global__ void pool_gradient(const float* gradients, float* out, const u32* chosen, u32 height, u32 width, u32 window_height,
                                         u32 window_width, u32 stride, u32 padding, u32 out_height, u32 out_width, float share, u32 features,
                                         u32 images) {
    u32 i = thread_number();
    if (i >= features * images) return;
    u32 feature = i / images, image = i % images;
    u32 column = feature % width, row = feature / width % height, channel = feature / (width * height);
    // The windows that have this pixel.
    u32 down = row + padding, across = column + padding;
    u32 first_row = down < window_height ? 0 : (down - window_height) / stride + 1;
    u32 first_column = across < window_width ? 0 : (across - window_width) / stride + 1;
    u32 last_row = down / stride < out_height ? down / stride : out_height - 1;
    u32 last_column = across / stride < out_width ? across / stride : out_width - 1;
    float sum = 0.0f;
    for (u32 y = first_row; y <= last_row; y++) {
        for (u32 x = first_column; x <= last_column; x++) {
            size_t window = ((size_t)(channel * out_height + y) * out_width + x) * images + image;
            if (chosen) {
                if (chosen[window] == row * width + column) sum += gradients[window];
                continue;
            }
            u32 top, bottom, left, right;
            pixels(y, window_height, stride, padding, height, &top, &bottom);
            pixels(x, window_width, stride, padding, width, &left, &right);
            sum += gradients[window] * share_of(share, bottom - top, right - left);
        }
    }
    out[i] = sum;
}
