// Kernels of linear maps and of losses, after those that all trainings share.
//
// Values are matrices `[features, images]`, so that neighbouring threads read neighbouring images. An image of `channels` has its features
// channel by channel, then row by row. No kernel adds to what another thread adds to: sums have one order.

// Adds a bias to every row of `length` values.
extern "C" __global__ void add_bias(float* values, const float* bias, u32 rows, u32 length) {
    u32 i = thread_number();
    if (i >= rows * length) return;
    values[i] += bias[i / length];
}

// Windows of images: the place (row, column) has the pixels (row * stride + y * dilation - padding, column * stride + x * dilation - padding).

// The windows at `places` places from `first` on: columns[(channel, y, x), (place, image)]; 0 outside of the images.
extern "C" __global__ void windows(const float* values, float* columns, u32 height, u32 width, u32 kernel, u32 stride, u32 padding,
                                   u32 dilation, u32 places_in_row, u32 first, u32 places, u32 images, u32 rows) {
    u32 length = places * images, i = thread_number();
    if (i >= rows * length) return;
    u32 row = i / length, rest = i % length, place = first + rest / images, image = rest % images;
    u32 x = row % kernel, y = row / kernel % kernel, channel = row / (kernel * kernel);
    // Before the image the difference is a very large number.
    u32 top = place / places_in_row * stride + y * dilation - padding, left = place % places_in_row * stride + x * dilation - padding;
    bool inside = top < height && left < width;
    columns[i] = inside ? values[(size_t)((channel * height + top) * width + left) * images + image] : 0.0f;
}

// The gradient of images from that of the windows at `places` places from `first` on, in the order of y and x. It replaces what is there
// for the first places, and is added otherwise.
extern "C" __global__ void windows_gradient(const float* columns, float* gradients, u32 height, u32 width, u32 kernel, u32 stride,
                                            u32 padding, u32 dilation, u32 places_in_row, u32 first, u32 places, u32 images, u32 features) {
    u32 i = thread_number();
    if (i >= features * images) return;
    u32 feature = i / images, image = i % images;
    u32 left = feature % width, top = feature / width % height, channel = feature / (width * height);
    float sum = first == 0 ? 0.0f : gradients[i];
    for (u32 y = 0; y < kernel; y++) {
        u32 down = top + padding - y * dilation;
        if (down > top + padding || down % stride != 0) continue;
        for (u32 x = 0; x < kernel; x++) {
            u32 across = left + padding - x * dilation;
            if (across > left + padding || across % stride != 0 || across / stride >= places_in_row) continue;
            // A place before the first one is a very large number then.
            u32 place = down / stride * places_in_row + across / stride - first;
            if (place >= places) continue;
            u32 row = (channel * kernel + y) * kernel + x;
            sum += columns[((size_t)row * places + place) * images + image];
        }
    }
    gradients[i] = sum;
}

// The loss of every image, -log softmax(logits)[label], and whether its largest logit, the first of equal ones, is that of the label.
// With `gradients` also those of the mean loss. An image's label is that of image order[image], or of `image` without an order.
extern "C" __global__ void loss(const float* logits, const u16* labels, const u32* order, float* gradients, float* losses, u32* correct,
                                u32 images, u32 classes) {
    u32 image = thread_number();
    if (image >= images) return;
    u32 label = labels[order ? order[image] : image], predicted = 0;
    float largest = logits[image];
    for (u32 c = 1; c < classes; c++) {
        float logit = logits[(size_t)c * images + image];
        if (logit > largest) { largest = logit; predicted = c; }
    }
    float sum = 0.0f;
    for (u32 c = 0; c < classes; c++) sum += expf(logits[(size_t)c * images + image] - largest);
    losses[image] = logf(sum) - (logits[(size_t)label * images + image] - largest);
    correct[image] = predicted == label;
    if (!gradients) return;
    for (u32 c = 0; c < classes; c++) {
        size_t i = (size_t)c * images + image;
        gradients[i] = (expf(logits[i] - largest) / sum - (c == label ? 1.0f : 0.0f)) / (float)images;
    }
}
