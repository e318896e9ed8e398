// Random tensors. A number is a pure function of (seed, number of the draw, position): the same for
// any count of threads, and two 64-bit integers are all that a checkpoint must remember.
//
//   Rng rng(42);
//   Tensor w = normal({128, 64}, {.deviation = 0.1}, rng);   // draws from a generator
//   Random scope(42);
//   Tensor u = uniform({3});                                 // draws from this thread's generator
//
// Every call takes the next draw of its generator, whatever the shape. A recorded call keeps seed
// and draw, so what runs it again gets the same numbers.
#pragma once

#include "rewind/tensor/kernels/philox.h"
#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// A generator: a seed and the number of the next draw. A copy goes on by itself, with the same
// numbers.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : seed_(seed) {}
  constexpr Rng(std::uint64_t seed, std::uint64_t draw) : seed_(seed), draw_(draw) {}

  std::uint64_t seed() const { return seed_; }
  std::uint64_t draw() const { return draw_; }
  kernels::PhiloxStream next() { return {seed_, draw_++}; }

  friend bool operator==(const Rng& a, const Rng& b) {
    return a.seed_ == b.seed_ && a.draw_ == b.draw_;
  }

 private:
  std::uint64_t seed_;
  std::uint64_t draw_ = 0;
};

// Until its end, this thread draws from a new generator; then from the one before. Without any
// scope a thread draws from Rng(0), each thread from its own: threads that should differ open
// scopes of different seeds. To be destroyed by the thread that made it, in reverse order.
class Random {
 public:
  [[nodiscard]] explicit Random(std::uint64_t seed) : Random(Rng(seed)) {}
  [[nodiscard]] explicit Random(Rng rng) : before_(std::exchange(Random::rng(), rng)) {}
  ~Random() { rng() = before_; }
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;

  // The generator of this thread.
  static Rng& rng();

  // For checkpoints: what it would draw next.
  static Rng state() { return rng(); }
  static void set_state(Rng state) { rng() = state; }

 private:
  Rng before_;
};

struct Uniform {
  Dims shape;
  Dtype dtype;
  double low, high;
  std::uint64_t seed, draw;
  Index first = 0;  // of its positions in the draw
  static constexpr std::string_view name = "uniform";
  Spec infer() const;
  void run(Tensor& y) const;
};

struct Normal {
  Dims shape;
  Dtype dtype;
  double mean, deviation;
  std::uint64_t seed, draw;
  Index first = 0;  // of its positions in the draw
  static constexpr std::string_view name = "normal";
  Spec infer() const;
  void run(Tensor& y) const;
};

struct Bernoulli {
  Dims shape;
  Dtype dtype;
  double p;
  std::uint64_t seed, draw;
  Index first = 0;  // of its positions in the draw
  static constexpr std::string_view name = "bernoulli";
  Spec infer() const;
  void run(Tensor& y) const;
};

struct Permutation {
  Index n;
  std::uint64_t seed, draw;
  static constexpr std::string_view name = "permutation";
  Spec infer() const { return {{n}, int64}; }
  void run(Tensor& y) const;
};

struct Categorical {
  std::uint64_t seed, draw;
  static constexpr std::string_view name = "categorical";
  Spec infer(const Spec& logits) const;
  void run(const Tensor& logits, Tensor& y) const;
};

struct UniformOptions {
  double low = 0, high = 1;
  Dtype dtype = float32;
};
struct NormalOptions {
  double mean = 0, deviation = 1;
  Dtype dtype = float32;
};
struct BernoulliOptions {
  double p = 0.5;
  Dtype dtype = float32;
};

// Numbers in [low, high); all low when they are equal. Both, and their distance, are finite in the
// dtype, and low <= high. float32 or float64.
Tensor uniform(const Dims& shape, const UniformOptions& options, Rng& rng);
Tensor uniform(const Dims& shape, const UniformOptions& options = {});

// The normal distribution; deviation >= 0, and both are finite in the dtype. float32 or float64.
Tensor normal(const Dims& shape, const NormalOptions& options, Rng& rng);
Tensor normal(const Dims& shape, const NormalOptions& options = {});

// 1 with probability p, else 0, in any dtype. p is met to within 2^-24.
Tensor bernoulli(const Dims& shape, const BernoulliOptions& options, Rng& rng);
Tensor bernoulli(const Dims& shape, const BernoulliOptions& options = {});

// 0, 1, ..., n - 1 in random order, as int64.
Tensor permutation(Index n, Rng& rng);
Tensor permutation(Index n);

// One class for each row of `logits` [..., classes], with the probabilities softmax(logits): int64
// [...]. Of probabilities p: categorical(log(p)). A logit is finite or -infinity, which is never
// drawn, and not all of a row are -infinity (ValueError).
Tensor categorical(const Tensor& logits, Rng& rng);
Tensor categorical(const Tensor& logits);

}  // namespace rw
