// An output layer and rows for it: for tests of its loss as one operation.
#pragma once

#include "nn/differences.h"
#include "rewind/nn/linear.h"
#include "rewind/nn/loss/linear_cross_entropy.h"
#include "rewind/tensor/convert.h"

namespace rw::test {

// A layer and rows for it, some of them ignored.
struct Given {
  Parameter x, weight, bias;
  Tensor targets;

  Given(Index rows, Index features, Index classes, Dtype dtype = float64)
      : x(to(wave({rows, features}), dtype), "x"),
        weight(to(wave({classes, features}, 1), dtype), "weight"),
        bias(to(wave({classes}, 2), dtype), "bias") {
    std::vector<Index> numbers;
    for (Index i = 0; i < rows; i++) numbers.push_back(i % 5 == 3 ? -100 : i * 7 % classes);
    targets = from_span(numbers, {rows});
  }

  Tensor fused(const nn::CrossEntropyOptions& options = {}) const {
    return nn::linear_cross_entropy(x, weight, bias, targets, options);
  }
  Tensor apart(const nn::CrossEntropyOptions& options = {}) const {
    return nn::cross_entropy(nn::linear(x, weight, bias), targets, options);
  }
};

}  // namespace rw::test
