// Kernels of functions of single values, gates, dropout and sums.

// The functions, in the order of `number` in `functions.rs`.
enum { RELU, GELU, GELU_TANH, SILU, TANH, SIGMOID, LEAKY_RELU };

__device__ __forceinline__ float logistic(float x) { return 1.0f / (1.0f + expf(-x)); }

// out = f(values)
extern "C" __global__ void function(const float* values, float* out, u32 number, float slope, u32 count) {
    u32 i = thread_number();
    if (i >= count) return;
    float x = values[i], y = x;
    switch (number) {
        // A value that is undefined stays so.
        case RELU: y = x <= 0.0f ? 0.0f : x; break;
        case GELU: y = x * 0.5f * (1.0f + erff(x * 0.707106781f)); break;
        case GELU_TANH: y = 0.5f * x * (1.0f + tanhf(0.797884561f * (x + 0.044715f * x * x * x))); break;
        case SILU: y = x * logistic(x); break;
        case TANH: y = tanhf(x); break;
        case SIGMOID: y = logistic(x); break;
        case LEAKY_RELU: y = x > 0.0f ? x : slope * x; break;
    }
    out[i] = y;
}

// Multiplies `gradients` by the derivative of f. `kept` is what f makes for ReLU, tanh and the sigmoid, else what it reads.
extern "C" __global__ void function_gradient(const float* kept, float* gradients, u32 number, float slope, u32 count) {
    u32 i = thread_number();
    if (i >= count) return;
    float x = kept[i], factor = 1.0f;
    switch (number) {
        case RELU: factor = x <= 0.0f ? 0.0f : 1.0f; break;
        case GELU: factor = 0.5f * (1.0f + erff(x * 0.707106781f)) + x * 0.398942280f * expf(-0.5f * x * x); break;
        case GELU_TANH: {
            float t = tanhf(0.797884561f * (x + 0.044715f * x * x * x));
            factor = 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * 0.797884561f * (1.0f + 3.0f * 0.044715f * x * x);
            break;
        }
        case SILU: { float s = logistic(x); factor = s * (1.0f + x * (1.0f - s)); break; }
        case TANH: factor = 1.0f - x * x; break;
        case SIGMOID: factor = x * (1.0f - x); break;
        case LEAKY_RELU: factor = x > 0.0f ? 1.0f : slope; break;
    }
    // Not a product where the derivative is 0 or 1: an infinite gradient of a value that is cut off is 0.
    gradients[i] = factor == 0.0f ? 0.0f : gradients[i] * factor;
}

// out = the first `half` values times the others.
extern "C" __global__ void gate(const float* values, float* out, u32 half) {
    u32 i = thread_number();
    if (i >= half) return;
    out[i] = values[i] * values[half + i];
}

// The gradients of both factors.
extern "C" __global__ void gate_gradient(const float* values, const float* gradients, float* out, u32 half) {
    u32 i = thread_number();
    if (i >= half) return;
    float g = gradients[i];
    out[i] = g * values[half + i];
    out[half + i] = g * values[i];
}

// out = values times a mask, which is 0 or `kept`. The words of the mask are those of `[images, features]`, as in the stage `train`.
extern "C" __global__ void dropout(const float* values, float* out, const u32* words, u32 threshold, float kept, u32 features, u32 images) {
    u32 i = thread_number();
    if (i >= features * images) return;
    u32 feature = i / images, image = i % images;
    out[i] = values[i] * ((words[(size_t)image * features + feature] >> 1) < threshold ? 0.0f : kept);
}

extern "C" __global__ void copy(const float* values, float* out, u32 count) {
    u32 i = thread_number();
    if (i < count) out[i] = values[i];
}

// out = one + other; `out` may be one of them.
extern "C" __global__ void add(const float* one, const float* other, float* out, u32 count) {
    u32 i = thread_number();
    if (i < count) out[i] = one[i] + other[i];
}
