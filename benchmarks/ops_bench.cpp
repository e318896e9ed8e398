// What one small operation costs on the tape: tanh of 8 floats, a chain of 10,000, one thread.
// Prints one JSON line with the medians in nanoseconds per operation.
//
// record_ns: the forward call under a tape. backward_ns: its part of the rewind. eager_ns: the same
// call without a tape. Good: at most 80 and 100.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "rewind/autograd/tape.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/parallel.h"

namespace {

using namespace rw;

constexpr int kChain = 10'000;
constexpr int kRepetitions = 201;

double now() {
  return std::chrono::duration<double, std::nano>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Tensor chain(const Tensor& x) {
  Tensor y = tanh(x);
  for (int i = 1; i < kChain; i++) y = tanh(y);
  return y;
}

}  // namespace

int main() {
  const Threads one(1);
  const Tensor ones_of_result = ones({8});
  std::vector<double> record, backward, eager;
  for (int repetition = 0; repetition < kRepetitions; repetition++) {
    std::optional<Tape> tape(std::in_place);
    const Tensor x = tape->watch(ones({8}));
    const double start = now();
    const Tensor y = chain(x);
    const double recorded = now();
    const Gradients gradients = tape->backward({{y, ones_of_result}});
    const double rewound = now();
    tape.reset();
    const double before = now();
    chain(ones_of_result);
    record.push_back((recorded - start) / kChain);
    backward.push_back((rewound - recorded) / kChain);
    eager.push_back((now() - before) / kChain);
  }
  fmt::print(
      "{{\"op\": \"tanh\", \"elements\": 8, \"chain\": {}, \"threads\": 1, \"record_ns\": {:.1f}, "
      "\"backward_ns\": {:.1f}, \"eager_ns\": {:.1f}}}\n",
      kChain, median(record), median(backward), median(eager));
}
