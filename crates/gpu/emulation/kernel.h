// What a kernel finds when it is compiled for the processor: the language of CUDA as far as our kernels use it. A warp is one
// thread, and the threads of a grid run one after another.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#define __global__
#define __device__
#define __forceinline__ inline
struct Coordinates { unsigned x, y, z; };
static Coordinates blockIdx, threadIdx, blockDim, gridDim;
template <class T> static inline T __shfl_xor_sync(unsigned, T x, int) { return x; }
static inline float __uint_as_float(unsigned bits) { float x; memcpy(&x, &bits, 4); return x; }
static inline unsigned __float_as_uint(float x) { unsigned bits; memcpy(&bits, &x, 4); return bits; }

// A copy of the arguments, and the work on them.
template <class... A, size_t... I>
static std::function<void()>* bind_kernel(void (*kernel)(A...), const unsigned* grid, const unsigned* block, void** pointers, std::index_sequence<I...>) {
    std::tuple<A...> arguments{*(A*)pointers[I]...};
    Coordinates blocks{grid[0], grid[1], grid[2]}, threads{block[0], block[1], block[2]};
    return new std::function<void()>([=] {
        gridDim = blocks;
        blockDim = threads;
        for (unsigned b = 0; b < blocks.x; b++)
            for (unsigned t = 0; t < threads.x; t++) {
                blockIdx = {b, 0, 0};
                threadIdx = {t, 0, 0};
                std::apply(kernel, arguments);
            }
    });
}
template <class... A>
static std::function<void()>* bind_kernel(void (*kernel)(A...), const unsigned* grid, const unsigned* block, void** pointers) {
    return bind_kernel(kernel, grid, block, pointers, std::index_sequence_for<A...>());
}
