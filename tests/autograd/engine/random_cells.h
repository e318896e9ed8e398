// Cells that nobody wrote: random graphs of products, gates, element-wise work, reductions, slices,
// joins, look-ups, captured tensors and masks, over several states, integers among them.
//
// A recipe is read twice, for the plan and for the plain loop, so all of it follows from its seed:
// what is drawn stands in a statement of its own, since compilers evaluate operands in other
// orders.
#pragma once

#include "autograd/engine/looks_at.h"
#include "autograd/engine/scan_comparison.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/unary.h"
#include "support/dice.h"

namespace rw::test {

enum class Masks : char { none, one_for_all_steps, one_a_step };

struct Recipe {
  std::uint64_t seed;
  Dtype dtype;
  Index time, batch;
  std::vector<Index> inputs, states;  // features
  Index context;                      // those of a state that is returned as it was taken; 0: none
  bool tokens, counter;               // an input of integers, a state of them
  Masks masks;
  int operations;
  Index least = 2;      // features of a product's result, at least
  Index unit = 1;       // of which there may be some more, and from multiples of which slices begin
  bool simple = false;  // nothing that ordinary kernels run
  bool lengths = true;  // may be drawn, or all rows count at all steps
};

inline constexpr Index kTokens = 5;

// The step that a recipe describes. Weights are made when they are first asked for, then found
// again in the same order.
class RandomStep {
 public:
  RandomStep(const Recipe& recipe, Tensors& weights) : recipe_(recipe), weights_(weights) {
    const Dims mask{recipe.batch, 1};
    mask_ = greater(numbers(mask, static_cast<double>(recipe.seed)), 0);
  }

  // Of x the last is the tokens, of the states the counter and then the context, if there are any.
  std::pair<Tensors, Tensors> operator()(const Tensors& x, Tensors states,
                                         const Tensors& weights) const {
    Run run{*this, Dice(recipe_.seed), weights, 0, {}};
    Tensors context;
    if (recipe_.context > 0) {
      context.push_back(states.back());
      states.pop_back();
    }
    run.pool = context;
    run.pool.insert(run.pool.end(), x.begin(), x.end());
    if (recipe_.tokens) run.pool.back() = run.looked_up(x.back());
    run.pool.insert(run.pool.end(), states.begin(), states.end());
    if (recipe_.counter) run.pool.back() = run.looked_up(states.back());
    for (int i = 0; i < recipe_.operations; i++) run.pool.push_back(run.operation());
    Tensors next, outputs;
    for (const Index size : recipe_.states) {
      const Tensor as_it_is = run.any();
      if (run.dice(4) == 0 && as_it_is.dim(1) == size) {
        next.push_back(as_it_is);
        continue;
      }
      const Tensor a = run.fitted(run.recent(), size);
      const Tensor b = run.fitted(run.any(), size);
      next.push_back(tanh(a + 0.5 * b));
    }
    if (recipe_.counter) {
      const Tensor later = states.back() + (recipe_.tokens ? x.back() : states.back() * 0 + 1);
      next.push_back(where(less(later, kTokens), later, later - kTokens));
      outputs.push_back(later);
    }
    next.insert(next.end(), context.begin(), context.end());
    const Index count = run.dice(2) + 1;
    for (Index i = 0; i < count; i++) outputs.push_back(run.recent());
    return {next, outputs};
  }

 private:
  struct Run {
    const RandomStep& step;
    Dice dice;
    const Tensors& given;
    std::size_t used;
    Tensors pool;

    const Recipe& recipe() const { return step.recipe_; }
    Tensor weight(const Dims& shape) {
      if (given.empty() || used >= given.size()) {
        const double seed = 50.0 + static_cast<double>(step.weights_.size());
        const double scale = shape.rank() == 2 && shape[0] > 16 ? 0.1 : 1;  // as initializations do
        step.weights_.push_back(cast(numbers(shape, seed) * scale, recipe().dtype));
        return used++, step.weights_.back();
      }
      return given[used++];
    }
    const Tensor& any() { return pool[static_cast<std::size_t>(dice(std::ssize(pool)))]; }
    const Tensor& recent() {
      const Index back = std::min<Index>(dice(3) + 1, std::ssize(pool));
      return pool[pool.size() - static_cast<std::size_t>(back)];
    }
    Index width() { return recipe().least + recipe().unit * dice(4); }
    // Of another width: cut, repeated or multiplied.
    Tensor fitted(const Tensor& v, Index size) {
      if (v.dim(1) == size) return v;
      if (v.dim(1) > size && dice(2) == 0) {
        const Index unit = recipe().unit;
        const Index from = unit * dice((v.dim(1) - size) / unit + 1);
        return slice(v, 1, from, from + size);
      }
      if (v.dim(1) == 1) return expand(v, {v.dim(0), size});
      return matmul(v, weight({v.dim(1), size}));
    }
    Tensor looked_up(const Tensor& tokens) { return take(weight({kTokens, 3}), tokens); }

    Tensor product(const Tensor& v) {
      const Index columns = width();
      return matmul(v, weight({v.dim(1), columns}));
    }
    Tensor attention(const Tensor& v) {
      const Tensor query = reshape(matmul(v, weight({v.dim(1), 3})), {v.dim(0), 1, 3});
      const Tensor keys = weight({v.dim(0), 4, 3});
      const Tensor scores = softmax(matmul(query, transpose(keys)), -1);
      return reshape(matmul(scores, keys), {v.dim(0), 3});
    }
    // As dropout scales what it keeps.
    Tensor masked(const Tensor& v) {
      if (recipe().masks == Masks::one_for_all_steps) return v * to(step.mask_, v.dtype()) / 0.5;
      return v * bernoulli(v.shape(), {.p = 0.7, .dtype = v.dtype()}) / 0.7;
    }
    Tensor features_first(const Tensor& v) {
      const Index columns = width();
      const Tensor w = weight({columns, v.dim(1)});
      const Tensor z = matmul(w, transpose(v)) + weight({columns, 1});
      return transpose(tanh(z) * slice(z, 0, 0, 1));
    }
    Tensor with_several_entries(const Tensor& v) {
      const Index n = std::min<Index>(v.dim(1), 4);
      const Tensor apart = reshape(slice(v, 1, 0, n), {v.dim(0) * n, 1});
      return reshape(tanh(matmul(apart, weight({1, 2}))), {v.dim(0), 2 * n});
    }

    Tensor operation() {
      const Tensor v = dice(2) ? recent() : any();
      if (recipe().masks != Masks::none && dice(5) == 0) return masked(v);
      return dice(2) || recipe().simple ? simple(v) : special(v);
    }
    // What is run by packed products and element programs.
    Tensor simple(const Tensor& v) {
      const Index n = v.dim(1);
      switch (dice(10)) {
        case 0:
          return product(v) + 0.1;
        case 1:
          return tanh(product(v));
        case 2: {
          const Tensor both = concat({v, any()});
          const Tensor z = product(both);
          return sigmoid(z + weight({z.dim(1)}));
        }
        case 3:
          return v + fitted(any(), n);
        case 4:
          return v * fitted(any(), n);
        case 5:
          return (1 - sigmoid(v)) * fitted(any(), n);
        case 6:
          return concat({v, fitted(any(), 2)});
        case 7:
          return n > 2 ? slice(v, 1, 1, n) : sigmoid(v);
        case 8:
          return where(greater(v, 0.05), v, 0.2 * v);
        default: {
          const Tensor scaled = v * weight({n});
          return scaled - weight({});
        }
      }
    }
    // What is not, or not always.
    Tensor special(const Tensor& v) {
      const Index n = v.dim(1);
      switch (dice(13)) {
        case 0:
          return softmax(v, -1);
        case 1:
          return v - mean(v, -1, true);
        case 2:
          return v * sum(tanh(v), 1, true);
        case 3:
          return v * weight({v.dim(0), n});  // a context
        case 4:
          return attention(v);
        case 5:
          return n < 5 || dice(2) ? with_several_entries(v) : relu(v);
        case 6:
          return max(v, 1, true) * v;
        case 7:
          return v * reshape(arange(0, v.dim(0), 1, v.dtype()), {v.dim(0), 1}) * 0.3;
        case 8:
          return apply(LooksAt{}, v);
        case 9:
          return features_first(v);
        case 10:  // one column, spread
          return 0.3 * v + matmul(v, weight({n, 1}));
        case 11:
          return v * sigmoid(unsqueeze(matmul(v, weight({n})), 1));
        default:
          return sin(v) / (1 + square(fitted(any(), n)));
      }
    }
  };

  const Recipe& recipe_;
  Tensors& weights_;
  Tensor mask_;
};

}  // namespace rw::test
