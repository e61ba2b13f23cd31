// Kernels of sums over rows and of batch normalisation. A channel is a row of `length` values: those of all its pixels and images.
//
// Sums are in f64: every warp has a part of a row, and the parts are added in their order. `moments` has five values for each of `rows`
// channels: mean, variance, scale = weight / deviation, and for the way back shift and slope.

// parts[row, part] = two sums over a part of a row:
// x and 0; with `means` (x - mean)^2 and 0; with `gradients` g and g (x - mean); with gradients and no values g and 0.
extern "C" __global__ void row_parts(const float* values, const float* gradients, const float* means, double* parts, u32 rows, u32 length,
                                     u32 count) {
    u32 number = thread_number() / WARP, lane = threadIdx.x % WARP;
    if (number >= rows * count) return;
    u32 row = number / count, part = number % count, size = (length + count - 1) / count;
    u32 begin = part * size, end = begin + size < length ? begin + size : length;
    const float* x = values + (size_t)row * length;
    const float* g = gradients + (size_t)row * length;
    float mean = means ? means[row] : 0.0f;
    double first = 0, second = 0;
    for (u32 k = begin + lane; k < end; k += WARP) {
        if (gradients) {
            first += g[k];
            if (values) second += g[k] * (x[k] - mean);
        } else if (means) {
            float centred = x[k] - mean;
            first += centred * centred;
        } else {
            first += x[k];
        }
    }
    first = warp_sum(first);
    second = warp_sum(second);
    if (lane == 0) {
        parts[2 * (size_t)number] = first;
        parts[2 * (size_t)number + 1] = second;
    }
}

// The sum of the parts of a row, the first sums or the second ones.
__device__ __forceinline__ double row_sum(const double* parts, u32 row, u32 count, u32 which) {
    double sum = 0;
    for (u32 part = 0; part < count; part++) sum += parts[2 * ((size_t)row * count + part) + which];
    return sum;
}

// sums[row] = the sum of a row.
extern "C" __global__ void row_sums(const double* parts, float* sums, u32 rows, u32 count) {
    u32 row = thread_number();
    if (row < rows) sums[row] = (float)row_sum(parts, row, count, 0);
}

extern "C" __global__ void norm_mean(const double* parts, float* moments, u32 rows, u32 count, u32 length) {
    u32 row = thread_number();
    if (row < rows) moments[row] = (float)(row_sum(parts, row, count, 0) / (double)length);
}

// Variance and scale of a batch, which the running averages, means before variances, take up: the variance with denominator n - 1.
extern "C" __global__ void norm_variance(const double* parts, float* moments, const float* weight, float* averages, double epsilon,
                                         float momentum, u32 rows, u32 count, u32 length) {
    u32 row = thread_number();
    if (row >= rows) return;
    double squares = row_sum(parts, row, count, 0);
    float mean = moments[row], variance = (float)(squares / (double)length);
    moments[rows + row] = variance;
    moments[2 * rows + row] = (float)((double)weight[row] / sqrt((double)variance + epsilon));
    float unbiased = (float)((double)variance * ((double)length / (double)(length - 1)));
    averages[row] += momentum * (mean - averages[row]);
    averages[rows + row] += momentum * (unbiased - averages[rows + row]);
}

// Mean and scale of the running averages.
extern "C" __global__ void norm_averages(float* moments, const float* weight, const float* averages, float epsilon, u32 rows) {
    u32 row = thread_number();
    if (row >= rows) return;
    moments[row] = averages[row];
    moments[2 * rows + row] = weight[row] / sqrtf(averages[rows + row] + epsilon);
}

// out = (x - mean) scale + bias
extern "C" __global__ void normalise(const float* values, float* out, const float* moments, const float* bias, u32 rows, u32 length) {
    u32 i = thread_number();
    if (i >= rows * length) return;
    u32 row = i / length;
    out[i] = fmaf(values[i] - moments[row], moments[2 * rows + row], bias[row]);
}

// The gradients of weight and bias, and what the gradient of a value needs: shift = mean(g), slope = mean(g n) / deviation.
extern "C" __global__ void norm_tensors(const double* parts, float* moments, float* weight_gradient, float* bias_gradient, double epsilon,
                                        u32 rows, u32 count, u32 length) {
    u32 row = thread_number();
    if (row >= rows) return;
    double deviation = sqrt((double)moments[rows + row] + epsilon);
    double bias = row_sum(parts, row, count, 0), weight = row_sum(parts, row, count, 1) / deviation;
    weight_gradient[row] = (float)weight;
    bias_gradient[row] = (float)bias;
    moments[3 * rows + row] = (float)(bias / (double)length);
    moments[4 * rows + row] = (float)(weight / (double)length / deviation);
}

// g = scale (g - shift - (x - mean) slope)
extern "C" __global__ void norm_gradient(const float* values, float* gradients, const float* moments, u32 rows, u32 length) {
    u32 i = thread_number();
    if (i >= rows * length) return;
    u32 row = i / length;
    gradients[i] = moments[2 * rows + row] * (gradients[i] - moments[3 * rows + row] - (values[i] - moments[row]) * moments[4 * rows + row]);
}
