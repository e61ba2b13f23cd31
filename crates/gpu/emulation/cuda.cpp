// An emulated card for tests: the driver, NVRTC and cuBLAS as one library, as far as the crate `gpu` uses them. Kernels are compiled
// by the C++ compiler and run on the processor. It checks what a driver checks: handles, lengths of buffers, the use of freed memory.
//
// EMULATED_CUDA chooses what it is like, words between commas: `fails` (the driver does not start), `none` (no card), `cards=2`,
// `memory=4096` (MiB).
#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>
#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {
const int INVALID = 1, NO_MEMORY = 2, NOT_STARTED = 3, NO_DEVICE = 100, BAD_DEVICE = 101, NOT_FOUND = 500, BAD_MODE = 999;
typedef std::function<void()> Work;
struct Graph { std::vector<Work> work; };
struct Stream { bool captures = false; Graph recorded; };
std::map<uint64_t, size_t> buffers;
std::set<Stream*> streams;
size_t used = 0;
bool started = false;

std::string option(const char* name, const char* otherwise) {
    const char* all = getenv("EMULATED_CUDA");
    std::stringstream words(all ? all : "");
    for (std::string word; std::getline(words, word, ',');) {
        if (word == name) return "yes";
        if (word.rfind(std::string(name) + "=", 0) == 0) return word.substr(strlen(name) + 1);
    }
    return otherwise;
}
int count() { return option("none", "") == "yes" ? 0 : atoi(option("cards", "1").c_str()); }
size_t total() { return (size_t)atol(option("memory", "8192").c_str()) << 20; }
bool holds(uint64_t address, size_t bytes) {
    auto after = buffers.upper_bound(address);
    if (after == buffers.begin()) return false;
    auto buffer = std::prev(after);
    return address + bytes <= buffer->first + buffer->second;
}
int put(void* handle, Work work) {
    Stream* stream = (Stream*)handle;
    if (!streams.count(stream)) return INVALID;
    if (stream->captures) stream->recorded.work.push_back(work); else work();
    return 0;
}
}

EXPORT int cuInit(unsigned) {
    if (option("fails", "") == "yes") return BAD_MODE;
    if (count() == 0) return NO_DEVICE;
    started = true;
    return 0;
}
EXPORT int cuDriverGetVersion(int* v) { *v = 13000; return 0; }
EXPORT int cuDeviceGetCount(int* n) { *n = count(); return started ? 0 : NOT_STARTED; }
EXPORT int cuDeviceGet(int* d, int index) { *d = index; return index < count() ? 0 : BAD_DEVICE; }
EXPORT int cuDeviceGetName(char* name, int length, int) { snprintf(name, length, "emulated card"); return 0; }
EXPORT int cuDeviceGetAttribute(int* v, int attribute, int) {
    switch (attribute) { case 10: *v = 1; return 0; case 75: *v = 9; return 0; case 76: *v = 0; return 0; default: return INVALID; }
}
EXPORT int cuDeviceTotalMem_v2(size_t* bytes, int) { *bytes = total(); return 0; }
EXPORT int cuDevicePrimaryCtxRetain(void** c, int d) { *c = (void*)(intptr_t)(d + 1); return started ? 0 : NOT_STARTED; }
EXPORT int cuDevicePrimaryCtxRelease_v2(int) {
    if (!buffers.empty() || !streams.empty()) { fprintf(stderr, "emulated card: %zu buffers and %zu streams are left\n", buffers.size(), streams.size()); abort(); }
    return 0;
}
EXPORT int cuCtxSetCurrent(void*) { return 0; }
EXPORT int cuCtxSynchronize() {
    for (Stream* s : streams) if (s->captures) return INVALID;
    return 0;
}
EXPORT int cuMemGetInfo_v2(size_t* free, size_t* all) { *free = total() - used; *all = total(); return 0; }
EXPORT int cuMemAlloc_v2(uint64_t* address, size_t bytes) {
    if (bytes == 0) return INVALID;
    if (used + bytes > total()) return NO_MEMORY;
    void* p = malloc(bytes);
    memset(p, 0xab, bytes);
    *address = (uint64_t)p;
    buffers[*address] = bytes;
    used += bytes;
    return 0;
}
EXPORT int cuMemFree_v2(uint64_t address) {
    auto buffer = buffers.find(address);
    if (buffer == buffers.end()) return INVALID;
    used -= buffer->second;
    buffers.erase(buffer);
    free((void*)address);
    return 0;
}
EXPORT int cuMemsetD8_v2(uint64_t a, unsigned char v, size_t n) { if (!holds(a, n)) return INVALID; memset((void*)a, v, n); return 0; }
EXPORT int cuMemcpyHtoD_v2(uint64_t a, const void* from, size_t n) { if (!holds(a, n)) return INVALID; memcpy((void*)a, from, n); return 0; }
EXPORT int cuMemcpyDtoH_v2(void* to, uint64_t a, size_t n) { if (!holds(a, n)) return INVALID; memcpy(to, (void*)a, n); return 0; }
EXPORT int cuStreamCreate(void** s, unsigned) { Stream* stream = new Stream; streams.insert(stream); *s = stream; return 0; }
EXPORT int cuStreamDestroy_v2(void* s) { if (!streams.erase((Stream*)s)) return INVALID; delete (Stream*)s; return 0; }
EXPORT int cuStreamSynchronize(void* s) { return streams.count((Stream*)s) && !((Stream*)s)->captures ? 0 : INVALID; }
EXPORT int cuStreamBeginCapture_v2(void* s, int) { Stream* stream = (Stream*)s; if (stream->captures) return INVALID; stream->captures = true; stream->recorded = Graph(); return 0; }
EXPORT int cuStreamEndCapture(void* s, void** g) { Stream* stream = (Stream*)s; if (!stream->captures) return INVALID; stream->captures = false; *g = new Graph(std::move(stream->recorded)); stream->recorded = Graph(); return 0; }
EXPORT int cuGraphInstantiateWithFlags(void** e, void* g, unsigned long long) { *e = new Graph(*(Graph*)g); return 0; }
EXPORT int cuGraphLaunch(void* e, void* s) { for (Work& work : ((Graph*)e)->work) if (int status = put(s, work)) return status; return 0; }
EXPORT int cuGraphDestroy(void* g) { delete (Graph*)g; return 0; }
EXPORT int cuGraphExecDestroy(void* e) { delete (Graph*)e; return 0; }
EXPORT int cuModuleLoadData(void** m, const void* code) { *m = dlopen((const char*)code, RTLD_NOW | RTLD_LOCAL); return *m ? 0 : NOT_FOUND; }
EXPORT int cuModuleUnload(void* m) { dlclose(m); return 0; }
EXPORT int cuModuleGetFunction(void** f, void* m, const char* name) { *f = dlsym(m, (std::string("bind_") + name).c_str()); return *f ? 0 : NOT_FOUND; }
EXPORT int cuLaunchKernel(void* f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned, void* s, void** arguments, void**) {
    if (gx == 0 || gy != 1 || gz != 1 || bx == 0 || bx > 1024 || by != 1 || bz != 1) return INVALID;
    unsigned grid[3] = {gx, gy, gz}, block[3] = {bx, by, bz};
    auto bind = (Work * (*)(const unsigned*, const unsigned*, void**)) f;
    std::unique_ptr<Work> work(bind(grid, block, arguments));
    return put(s, *work);
}
EXPORT int cuGetErrorString(int status, const char** text) {
    switch (status) {
    case INVALID: *text = "invalid argument"; break;
    case NO_MEMORY: *text = "out of memory"; break;
    case NOT_STARTED: *text = "initialization error"; break;
    case BAD_MODE: *text = "unknown error"; break;
    default: *text = nullptr;
    }
    return 0;
}

// NVRTC: the code of a program is the path of a library.
namespace { struct Program { std::string source, log, code; }; }
EXPORT int nvrtcVersion(int* major, int* minor) { *major = 13; *minor = 0; return 0; }
EXPORT int nvrtcCreateProgram(void** p, const char* source, const char*, int, const char* const*, const char* const*) { *p = new Program{source, "", ""}; return 0; }
EXPORT int nvrtcDestroyProgram(void** p) { delete (Program*)*p; *p = nullptr; return 0; }
EXPORT int nvrtcCompileProgram(void* handle, int n, const char* const* options) {
    Program& program = *(Program*)handle;
    Dl_info info;
    dladdr((void*)&nvrtcCompileProgram, &info);
    std::string here = info.dli_fname;
    here = here.substr(0, here.rfind('/'));
    std::string command = "c++ -std=c++17 -O2 -march=native -ffp-contract=off -w -shared -fPIC";
    for (int i = 0; i < n; i++) {
        std::string option = options[i];
        if (option.rfind("--define-macro=", 0) == 0) command += " -D" + option.substr(15);
    }
    // What has been compiled once, by any process, lies beside this library.
    program.code = here + "/kernels-" + std::to_string(std::hash<std::string>()(command + program.source)) + ".so";
    if (access(program.code.c_str(), R_OK) == 0) return 0;
    static int number = 0;
    std::string base = here + "/new-" + std::to_string(getpid()) + "-" + std::to_string(number++);
    std::ofstream file(base + ".cpp");
    file << "#include \"" << here << "/kernel.h\"\n" << program.source << "\n";
    const std::string mark = "__global__ void ";
    for (size_t at = program.source.find(mark); at != std::string::npos; at = program.source.find(mark, at + 1)) {
        size_t start = at + mark.size(), end = program.source.find('(', start);
        std::string name = program.source.substr(start, end - start);
        file << "extern \"C\" std::function<void()>* bind_" << name << "(const unsigned* grid, const unsigned* block, void** arguments)"
             << " { return bind_kernel(" << name << ", grid, block, arguments); }\n";
    }
    file.close();
    command += " -o " + base + ".so " + base + ".cpp 2> " + base + ".log";
    int status = system(command.c_str());
    std::ifstream log(base + ".log");
    program.log.assign(std::istreambuf_iterator<char>(log), {});
    unlink((base + ".cpp").c_str());
    unlink((base + ".log").c_str());
    return status == 0 && rename((base + ".so").c_str(), program.code.c_str()) == 0 ? 0 : 6;
}
EXPORT int nvrtcGetProgramLogSize(void* p, size_t* n) { *n = ((Program*)p)->log.size() + 1; return 0; }
EXPORT int nvrtcGetProgramLog(void* p, char* log) { strcpy(log, ((Program*)p)->log.c_str()); return 0; }
EXPORT int nvrtcGetCUBINSize(void* p, size_t* n) { *n = ((Program*)p)->code.size() + 1; return 0; }
EXPORT int nvrtcGetCUBIN(void* p, char* code) { strcpy(code, ((Program*)p)->code.c_str()); return 0; }

// cuBLAS: matrices are stored by columns.
namespace { struct Blas { void* stream = nullptr; }; }
EXPORT int cublasCreate_v2(void** h) { *h = new Blas; return 0; }
EXPORT int cublasDestroy_v2(void* h) { delete (Blas*)h; return 0; }
EXPORT int cublasGetProperty(int property, int* v) { *v = property == 0 ? 13 : 0; return 0; }
EXPORT int cublasSetStream_v2(void* h, void* s) { ((Blas*)h)->stream = s; return 0; }
EXPORT int cublasSetWorkspace_v2(void*, void* space, size_t bytes) { return holds((uint64_t)space, bytes) ? 0 : 7; }
EXPORT int cublasGemmEx(void* h, int ta, int tb, int m, int n, int k, const void* alpha, const void* A, int, int lda, const void* B, int, int ldb,
                        const void* beta, void* C, int, int ldc, int compute, int) {
    if (*(const float*)alpha != 1.0f || (*(const float*)beta != 0.0f && *(const float*)beta != 1.0f) || (compute != 68 && compute != 77)) return 7;
    auto inside = [](const void* at, int rows, int columns, int ld) { return ld >= rows && holds((uint64_t)at, 4 * ((size_t)ld * (columns - 1) + rows)); };
    if (!inside(A, ta ? k : m, ta ? m : k, lda) || !inside(B, tb ? n : k, tb ? k : n, ldb) || !inside(C, m, n, ldc)) return 7;
    const float *a = (const float*)A, *b = (const float*)B;
    float* c = (float*)C;
    bool tf32 = compute == 77, replaces = *(const float*)beta == 0.0f;
    auto round = [tf32](float x) {
        if (!tf32) return x;
        uint32_t bits;
        memcpy(&bits, &x, 4);
        bits = (bits + 0x0fffu + ((bits >> 13) & 1)) & 0xffffe000u;
        memcpy(&x, &bits, 4);
        return x;
    };
    return put(((Blas*)h)->stream, [=] {
        // Columns of op(A) next to each other, so that the inner loop runs along them.
        std::vector<float> left((size_t)m * k);
        for (int p = 0; p < k; p++) for (int i = 0; i < m; i++) left[(size_t)p * m + i] = round(ta ? a[(size_t)i * lda + p] : a[(size_t)p * lda + i]);
        for (int j = 0; j < n; j++) {
            float* column = c + (size_t)j * ldc;
            if (replaces) memset(column, 0, 4 * (size_t)m);
            for (int p = 0; p < k; p++) {
                float x = round(tb ? b[(size_t)p * ldb + j] : b[(size_t)j * ldb + p]);
                const float* q = &left[(size_t)p * m];
                for (int i = 0; i < m; i++) column[i] += x * q[i];
            }
        }
    }) ? 13 : 0;
}
