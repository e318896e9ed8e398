// Cells that nobody wrote: random graphs of products, gates, reductions, slices, joins, look-ups
// and captured tensors, over several states, in both directions, with lengths and resets.
#pragma once

#include "autograd/engine/scan_comparison.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/softmax.h"

namespace rw::test {

// Draws of a recipe, the same ones each time it is read.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  // 0 .. sides - 1
  Index operator()(Index sides) {
    state_ ^= state_ << 13, state_ ^= state_ >> 7, state_ ^= state_ << 17;
    return static_cast<Index>((state_ >> 11) % static_cast<std::uint64_t>(sides));
  }

 private:
  std::uint64_t state_;
};

struct Recipe {
  std::uint64_t seed;
  Index time, batch;
  std::vector<Index> inputs, states;  // features
  int operations;
};

// The step that a recipe describes. Weights are made when they are first asked for, then found
// again in the same order.
class RandomStep {
 public:
  RandomStep(const Recipe& recipe, Tensors& weights) : recipe_(recipe), weights_(weights) {}

  std::pair<Tensors, Tensors> operator()(const Tensors& x, const Tensors& states,
                                         const Tensors& weights) const {
    Run run{*this, Dice(recipe_.seed), weights, 0, {}};
    run.pool = x;
    if (x.back().dtype() == int64) run.pool.back() = run.looked_up(x.back());
    run.pool.insert(run.pool.end(), states.begin(), states.end());
    for (int i = 0; i < recipe_.operations; i++) run.pool.push_back(run.operation());
    Tensors next, outputs;
    for (const Index size : recipe_.states) {
      const Tensor a = run.fitted(run.recent(), size);
      const Tensor b = run.fitted(run.any(), size);
      next.push_back(tanh(a + 0.5 * b));
    }
    for (Index i = 0; i <= run.dice(2); i++) outputs.push_back(run.recent());
    return {next, outputs};
  }

 private:
  struct Run {
    const RandomStep& step;
    Dice dice;
    const Tensors& given;
    std::size_t used;
    Tensors pool;

    Tensor weight(const Dims& shape) {
      if (given.empty() || used >= given.size()) {
        step.weights_.push_back(numbers(shape, 50.0 + static_cast<double>(step.weights_.size())));
        return used++, step.weights_.back();
      }
      return given[used++];
    }
    const Tensor& any() { return pool[static_cast<std::size_t>(dice(std::ssize(pool)))]; }
    const Tensor& recent() {
      const Index back = std::min<Index>(dice(3) + 1, std::ssize(pool));
      return pool[pool.size() - static_cast<std::size_t>(back)];
    }
    // Of another width: cut, repeated or multiplied.
    Tensor fitted(const Tensor& v, Index size) {
      if (v.dim(1) == size) return v;
      if (v.dim(1) > size && dice(2) == 0) {
        const Index from = dice(v.dim(1) - size + 1);
        return slice(v, 1, from, from + size);
      }
      if (v.dim(1) == 1) return expand(v, {v.dim(0), size});
      return matmul(v, weight({v.dim(1), size}));
    }
    Tensor looked_up(const Tensor& tokens) { return take(weight({5, 3}), tokens); }

    Tensor operation() {
      const Tensor v = dice(2) ? recent() : any();
      const Index n = v.dim(1);
      switch (dice(16)) {
        case 0:
        case 1:
          return matmul(v, weight({n, dice(4) + 2})) + 0.1;
        case 2:
          return tanh(matmul(v, weight({n, dice(4) + 2})));
        case 3: {
          const Tensor both = concat({v, any()});
          const Tensor product = matmul(both, weight({both.dim(1), 3}));
          return sigmoid(product + weight({3}));
        }
        case 4:
          return v + fitted(any(), n);
        case 5:
          return v * fitted(any(), n);
        case 6:
          return (1 - sigmoid(v)) * fitted(any(), n);
        case 7:
          return concat({v, fitted(any(), 2)});
        case 8:
          return n > 2 ? slice(v, 1, 1, n) : sigmoid(v);
        case 9:
          return softmax(v, -1);
        case 10:
          return v - mean(v, -1, true);
        case 11:
          return v * sum(tanh(v), 1, true);
        case 12:
          return where(greater(v, 0.05), v, 0.2 * v);
        case 13:
          return v * weight({v.dim(0), n});  // a context
        case 14: {
          const Tensor scaled = v * weight({n});
          return scaled - weight({});
        }
        default: {
          const Tensor query = reshape(matmul(v, weight({n, 3})), {v.dim(0), 1, 3});
          const Tensor keys = weight({v.dim(0), 4, 3});
          const Tensor scores = softmax(matmul(query, transpose(keys)), -1);
          return reshape(matmul(scores, keys), {v.dim(0), 3});
        }
      }
    }
  };

  const Recipe& recipe_;
  Tensors& weights_;
};

inline Recipe recipe_of(std::uint64_t seed) {
  Dice dice(seed + 1000);
  Recipe recipe{seed, dice(4) + 1, dice(3) + 2, {}, {}, static_cast<int>(dice(9) + 2)};
  for (Index i = 0; i <= dice(2); i++) recipe.inputs.push_back(dice(4) + 1);
  for (Index i = 0; i <= dice(3); i++) recipe.states.push_back(dice(4) + 1);
  return recipe;
}

// Calls f with the cell of this number.
template <class F>
void with_random_cell(std::uint64_t seed, F f) {
  const Recipe recipe = recipe_of(seed);
  ScanCase c;
  for (const Index size : recipe.inputs) {
    c.xs.push_back(numbers({recipe.time, recipe.batch, size}, static_cast<double>(size)));
  }
  if (seed % 3 == 0) {
    Tensor tokens = zeros({recipe.time, recipe.batch}, int64);
    Index i = static_cast<Index>(seed);
    for (Index& token : tokens.mutable_span<Index>()) token = i++ % 5;
    c.xs.push_back(tokens);
  }
  for (const Index size : recipe.states) {
    c.initial.push_back(numbers({recipe.batch, size}, 7.0 + static_cast<double>(size)));
  }
  const RandomStep step(recipe, c.weights);
  Tensors first;  // once, for the weights that it wants
  for (const Tensor& x : c.xs) first.push_back(x[0]);
  step(first, c.initial, {});
  c.step = step;
  c.reverse = seed % 2 == 1;
  if (seed % 7 < 2) c.reset = greater(numbers({recipe.time, recipe.batch}, 4), 0.1);
  if (seed % 5 < 2) {
    Dice dice(seed);
    for (Index row = 0; row < recipe.batch; row++) c.lengths.push_back(dice(recipe.time + 1));
  }
  f(c);
}

}  // namespace rw::test
