// What all trainings share: random numbers, sums of losses, optimisers.
//
// NVRTC compiles these kernels for the card; tests compile the same text for the processor and run one thread after another there, so no
// thread may wait for another one of its block. Macro: WARP, threads that run in step. Products and sums are fused only by `fmaf`, as in
// the Rust code that some of these follow bit by bit.

typedef unsigned int u32;
typedef unsigned short u16;

__device__ __forceinline__ u32 thread_number() { return blockIdx.x * blockDim.x + threadIdx.x; }

// Adds `x` over the threads of a warp, in one order; every thread gets the sum.
template <class T> __device__ __forceinline__ T warp_sum(T x) {
    for (int offset = WARP / 2; offset > 0; offset /= 2) x += __shfl_xor_sync(0xffffffffu, x, offset);
    return x;
}

__device__ __forceinline__ u32 rotate_left(u32 x, int by) { return (x << by) | (x >> (32 - by)); }

// Bits as a number and back.
__device__ __forceinline__ float to_float(u32 bits) { return __uint_as_float(bits); }
__device__ __forceinline__ u32 to_bits(float x) { return __float_as_uint(x); }

// xoshiro128++ (Blackman and Vigna), one generator.
struct Generator { u32 s[4]; };

__device__ __forceinline__ u32 next(Generator& g) {
    u32 result = rotate_left(g.s[0] + g.s[3], 7) + g.s[0];
    u32 shifted = g.s[1] << 9;
    g.s[2] ^= g.s[0];
    g.s[3] ^= g.s[1];
    g.s[1] ^= g.s[2];
    g.s[0] ^= g.s[3];
    g.s[2] ^= shifted;
    g.s[3] = rotate_left(g.s[3], 11);
    return result;
}

// The state `matrix` steps on: a product over the field of two elements. `matrix` has a column of four words for each bit.
__device__ __forceinline__ void jump(Generator& g, const u32* matrix) {
    u32 sum[4] = {0, 0, 0, 0};
    for (int word = 0; word < 4; word++) {
        for (int bit = 0; bit < 32; bit++) {
            u32 chosen = 0u - ((g.s[word] >> bit) & 1u);
            const u32* column = matrix + 4 * (32 * word + bit);
            for (int k = 0; k < 4; k++) sum[k] ^= chosen & column[k];
        }
    }
    for (int k = 0; k < 4; k++) g.s[k] = sum[k];
}

// Generator number `lane` of the sixteen with the states `starts`, `[4, 16]`, after `count` jumps. `jumps` has matrices for 0, 1, ..., 63
// jumps, then for 0, 64, ..., and so on.
__device__ __forceinline__ Generator generator(const u32* starts, u32 lane, const u32* jumps, u32 count) {
    Generator g;
    for (int k = 0; k < 4; k++) g.s[k] = starts[16 * k + lane];
    for (u32 rest = count; rest > 0; rest /= 64, jumps += 64 * 512) jump(g, jumps + (rest % 64) * 512);
    return g;
}

// Natural logarithm, as `ln` of the stage `train`: Cephes' polynomial for ln(1 + m).
__device__ __forceinline__ float logarithm(float x) {
    int bits = (int)to_bits(x);
    int exponent = (bits - 0x3f3504f3) >> 23;
    float m = to_float((u32)(bits - (int)((u32)exponent << 23))) - 1.0f;
    float p = 7.0376836e-2f;
    p = fmaf(p, m, -1.151461e-1f);
    p = fmaf(p, m, 1.1676999e-1f);
    p = fmaf(p, m, -1.2420141e-1f);
    p = fmaf(p, m, 1.4249323e-1f);
    p = fmaf(p, m, -1.6668057e-1f);
    p = fmaf(p, m, 2.0000715e-1f);
    p = fmaf(p, m, -2.4999994e-1f);
    p = fmaf(p, m, 3.333333e-1f);
    float square = m * m;
    return fmaf(p * square, m, -0.5f * square + m) + (float)exponent * 0.693147180559945309f;
}

// Sine and cosine of a uniform angle, as `sin_cos` of the stage `train`.
__device__ __forceinline__ void circle(u32 bits, float* sine, float* cosine) {
    float angle = (float)((int)bits >> 3) * (0.785398163397448309616f / 268435456.0f);
    float square = angle * angle;
    float s = fmaf(-1.9515296e-4f, square, 8.332161e-3f);
    s = fmaf(fmaf(s, square, -1.6666655e-1f), square * angle, angle);
    float c = fmaf(2.4433157e-5f, square, -1.3887316e-3f);
    c = fmaf(fmaf(c, square, 4.1666646e-2f), square * square, fmaf(-0.5f, square, 1.0f));
    u32 swap = 0u - (bits & 1u), s_bits = to_bits(s), c_bits = to_bits(c);
    u32 difference = (s_bits ^ c_bits) & swap;
    *sine = to_float((s_bits ^ difference) ^ ((bits & 4u) << 29));
    *cosine = to_float((c_bits ^ difference) ^ ((bits & 2u) << 30));
}

// The words that the sixteen generators make one after another, as `BitLanes` of the stage `train`: `count` times 32 of each. A jump is
// 32 words.
extern "C" __global__ void random_words(const u32* starts, const u32* jumps, u32* words, u32 count) {
    u32 i = thread_number();
    if (i >= count * 16) return;
    u32 chunk = i / 16, lane = i % 16;
    Generator g = generator(starts, lane, jumps, chunk);
    for (u32 k = 0; k < 32; k++) words[(size_t)(chunk * 32 + k) * 16 + lane] = next(g);
}

// Adam, as that of the stage `train`: constants = 1 - b1, b2, 1 - b2, epsilon, penalty; schedule = 1 - lr wd, lr / (1 - b1^t),
// 1 / sqrt(1 - b2^t) of this step.
extern "C" __global__ void adam(float* parameters, const float* gradients, float* first, float* second, const float* constants,
                                const float* schedule, u32 count) {
    u32 i = thread_number();
    if (i >= count) return;
    float g = gradients[i], m = first[i], v = second[i], penalty = constants[4];
    if (penalty != 0.0f) g = g + penalty * parameters[i];
    m += constants[0] * (g - m);
    v = constants[1] * v + constants[2] * g * g;
    parameters[i] = parameters[i] * schedule[0] - schedule[1] * m / (sqrtf(v) * schedule[2] + constants[3]);
    first[i] = m;
    second[i] = v;
}

// SGD, as `Sgd` of the stage `train`: constants = momentum, weight decay, whether the momentum is Nesterov's; schedule = the rate.
extern "C" __global__ void sgd(float* parameters, const float* gradients, float* velocities, const float* constants,
                               const float* schedule, u32 count) {
    u32 i = thread_number();
    if (i >= count) return;
    float g = gradients[i], p = parameters[i], momentum = constants[0], decay = constants[1], rate = schedule[0];
    bool nesterov = constants[2] != 0.0f;
    if (nesterov || decay != 0.0f) g = g + decay * p;
    float v = momentum * velocities[i] + g;
    velocities[i] = v;
    parameters[i] = p - rate * (nesterov ? g + momentum * v : v);
}

// parts[k] = sum of the losses and number of correct answers of images k, k + parts, ...; in f64, in one order.
extern "C" __global__ void partial_sums(const float* losses, const u32* correct, double* parts, u32 images, u32 count) {
    u32 k = thread_number();
    if (k >= count) return;
    double loss = 0, right = 0;
    for (u32 image = k; image < images; image += count) { loss += losses[image]; right += correct[image]; }
    parts[2 * k] = loss;
    parts[2 * k + 1] = right;
}

// sums[0] and sums[1]: the sums of `parts`, in one order.
extern "C" __global__ void total_sums(const double* parts, double* sums, u32 count) {
    u32 k = thread_number();
    if (k >= 2) return;
    double sum = 0;
    for (u32 i = 0; i < count; i++) sum += parts[2 * i + k];
    sums[k] = sum;
}
