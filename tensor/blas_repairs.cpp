// What OpenBLAS has to be helped with: its core, its threads, its buffers.
//
// The core. OpenBLAS chooses its kernels by the model number of the processor when it is loaded,
// and a release takes models that came after it for a Pentium 4: OpenBLAS 0.3.21 (Debian 12) ran a
// server processor with AVX-512 at 39 instead of 171 GF/s. So at the first product we compare the
// core it chose with what the processor can do. If it is too old, OPENBLAS_CORETYPE is set for a
// moment and OpenBLAS chooses again, by the two functions that its own constructor calls; the
// environment is as before afterwards. What counts is the instructions: a Zen 5 multiplies at 219
// GF/s with Intel's kernels for AVX-512, and at 125 with those of the first Zen. A user who set the
// variable has chosen, and is left alone. This happens at the first product and not when the
// library is loaded, so that a program which merely loads us is not disturbed. A product that
// another thread runs through OpenBLAS by itself at that moment is not protected.
//
// The threads. Every product runs on its calling thread (blas.cpp); parallel work is cut above
// (matmul.cpp), where the cut can depend on sizes alone. OpenBLAS's own cut depends on the number
// of threads, and with it the last bits of the result; and changing that number is a change of the
// whole process, which frees buffers that a product of another thread may be using.
//
// The buffers. A product packs what it reads into a buffer, one of a pool, and its kernels prefetch
// what lies behind the packed numbers. If nobody ever touched these pages they are not mapped,
// and a processor does not remember what is not mapped: every such request walks through the page
// tables, of which there are two in a virtual machine. Products of up to 320 rows reuse the place
// of 12 packed columns for all others, so the pages behind it stayed as they were, and took three
// times as long (two cores of a Zen 1): a training step of an LSTM of 32 x 128 was 65 instead of 39
// ms, unless the program had multiplied larger matrices before. So when a thread multiplies for the
// first time, pages are read: of as many buffers as there are threads that multiply by now, since
// so many products may be under way. What is only read maps to one page of zeros, and takes no
// memory.
//
// OpenBLAS's own functions are weak references: without them (another BLAS, or a build for one
// kind of processor) there is nothing to repair and products work all the same.
#include "rewind/tensor/blas_repairs.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <span>

#include "rewind/tensor/index.h"

extern "C" {
[[gnu::weak]] char* openblas_get_corename();
[[gnu::weak]] char* openblas_get_config();
[[gnu::weak]] int openblas_get_parallel();
[[gnu::weak]] void openblas_set_num_threads(int);
[[gnu::weak]] void gotoblas_dynamic_quit();
[[gnu::weak]] void gotoblas_dynamic_init();
[[gnu::weak]] void* blas_memory_alloc(int);
[[gnu::weak]] void blas_memory_free(void*);
}

namespace rw::blas {
namespace {

constexpr std::string_view kBeforeAvx[] = {
    "Unknown",      "Katmai",    "Coppermine", "Northwood", "Prescott", "Banias",
    "Core2",        "Penryn",    "Dunnington", "Nehalem",   "Athlon",   "Opteron",
    "Opteron_SSE3", "Barcelona", "Bobcat",     "Atom",      "Nano"};
constexpr std::string_view kBeforeAvx2[] = {"Sandybridge", "Bulldozer", "Piledriver",
                                            "Steamroller"};

bool one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Processor this_processor() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  Processor p;
  p.amd = __builtin_cpu_is("amd");
  p.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  p.avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
  return p;
#else
  return {};
#endif
}

void choose_again(std::string_view core) {
  setenv("OPENBLAS_CORETYPE", std::string(core).c_str(), 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv("OPENBLAS_CORETYPE");
}

bool repair() {
  // OpenBLAS's own kind of threads knows no per-thread limit.
  if (openblas_get_parallel && openblas_set_num_threads && openblas_get_parallel() == 1) {
    openblas_set_num_threads(1);
  }
  if (!openblas_get_corename || !gotoblas_dynamic_quit || !gotoblas_dynamic_init) return true;
  if (std::getenv("OPENBLAS_CORETYPE")) return true;
  const auto better = better_core(this_processor(), openblas_get_corename());
  if (better) choose_again(*better);
  return true;
}

// Of as many products as there can be at a time by now. One thread does so at a time, and for few
// of all threads: the pool is of 128 buffers, and ends the program when there are no more.
bool map_buffers() {
  constexpr Index kBytes = Index{4} << 20;  // those behind are reached by large products alone
  constexpr Index kPage = 4096;
  constexpr std::size_t kMost = 16;
  static std::mutex mutex;
  static std::size_t threads = 0;
  if (!blas_memory_alloc || !blas_memory_free) return true;
  const std::scoped_lock lock(mutex);
  if (threads == kMost) return true;
  threads++;
  std::array<void*, kMost> buffers{};
  for (std::size_t i = 0; i < threads; i++) buffers[i] = blas_memory_alloc(0);
  for (std::size_t i = 0; i < threads && buffers[i]; i++) {
    const volatile char* const bytes = static_cast<const char*>(buffers[i]);
    for (Index k = 0; k < kBytes; k += kPage) static_cast<void>(bytes[k]);
    blas_memory_free(buffers[i]);
  }
  return true;
}

}  // namespace

void prepare() {
  [[maybe_unused]] static const bool repaired = repair();
  [[maybe_unused]] static thread_local const bool mapped = map_buffers();
}

std::string config() { return openblas_get_config ? openblas_get_config() : "unknown"; }

std::string core() {
  prepare();
  return openblas_get_corename ? openblas_get_corename() : "unknown";
}

std::optional<std::string_view> better_core(const Processor& processor, std::string_view detected) {
  const bool old = one_of(kBeforeAvx, detected) || one_of(kBeforeAvx2, detected);
  if (!old || !processor.avx2) return std::nullopt;
  if (processor.avx512) return "SkylakeX";
  return processor.amd ? "Zen" : "Haswell";
}

}  // namespace rw::blas
