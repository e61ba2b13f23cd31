// Kernels of the training of a bilinear layer, after those that all trainings share.
//
// Macros: CLASSES; STRIDE, values from one row of logits' gradients to the next. All matrices are row-major.

// Loops over classes have their values in registers, unless there are many.
#define EVERY_CLASS _Pragma("unroll (CLASSES <= 32 ? CLASSES : 1)") for (int c = 0; c < CLASSES; c++)

// A row a warp: z = a * b, logits U z, and their loss against the label. `ab` [rows, 2 hidden] holds a and b before their biases.
// With `train` also z, the gradients of the logits divided by `rows`, and those of a and b, which replace them. A row's label is that
// of image order[row], or of image row without an order.
extern "C" __global__ void head(float* ab, const float* unembed, const float* bias, const u16* labels, const u32* order, float* z,
                                float* logit_gradients, float* losses, u32* correct, u32 rows, u32 hidden, u32 train) {
    u32 row = thread_number() / WARP, lane = threadIdx.x % WARP;
    if (row >= rows) return;
    float* a = ab + (size_t)row * 2 * hidden;
    float* b = a + hidden;
    float logits[CLASSES];
    EVERY_CLASS logits[c] = 0.0f;
    for (u32 k = lane; k < hidden; k += WARP) {
        float left = a[k], right = b[k];
        if (bias) { left += bias[k]; right += bias[hidden + k]; }
        float product = left * right;
        EVERY_CLASS logits[c] = fmaf(product, unembed[(size_t)c * hidden + k], logits[c]);
    }
    EVERY_CLASS logits[c] = warp_sum(logits[c]);
    int label = labels[train ? order[row] : row], predicted = 0;
    float largest = logits[0];
    EVERY_CLASS if (logits[c] > largest) { largest = logits[c]; predicted = c; }
    float sum = 0.0f, at_label = 0.0f;
    EVERY_CLASS {
        if (c == label) at_label = logits[c];
        logits[c] = expf(logits[c] - largest);
        sum += logits[c];
    }
    if (lane == 0) {
        losses[row] = logf(sum) - (at_label - largest);
        correct[row] = predicted == label;
    }
    if (!train) return;
    // From here on `logits` are their gradients.
    EVERY_CLASS logits[c] = (logits[c] / sum - (c == label ? 1.0f : 0.0f)) / (float)rows;
    if (lane == 0) {
        EVERY_CLASS logit_gradients[(size_t)row * STRIDE + c] = logits[c];
    }
    for (u32 k = lane; k < hidden; k += WARP) {
        float gradient = 0.0f;
        EVERY_CLASS gradient = fmaf(logits[c], unembed[(size_t)c * hidden + k], gradient);
        float left = a[k], right = b[k];
        if (bias) { left += bias[k]; right += bias[hidden + k]; }
        z[(size_t)row * hidden + k] = left * right;
        a[k] = gradient * right;
        b[k] = gradient * left;
    }
}

// sums[column] = the sum of a column of `values` [rows, columns], from the first row to the last.
extern "C" __global__ void column_sums(const float* values, float* sums, u32 rows, u32 columns) {
    u32 column = thread_number();
    if (column >= columns) return;
    float sum = 0.0f;
    for (u32 row = 0; row < rows; row++) sum += values[(size_t)row * columns + column];
    sums[column] = sum;
}
