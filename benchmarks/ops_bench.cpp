// What one small operation costs on the tape: tanh of 8 floats, a chain of 10,000. Nanoseconds per
// operation.
//
// record_ns: the forward call under a tape. backward_ns: its part of the rewind. eager_ns: the same
// call without a tape. Good: at most 80 and 100.
#include <optional>

#include "rewind/autograd/tape.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/creation.h"
#include "support/run.h"

namespace {

using namespace rw;
using namespace rw::bench;

constexpr int kChain = 10'000;

Tensor chain(const Tensor& x) {
  Tensor y = tanh(x);
  for (int i = 1; i < kChain; i++) y = tanh(y);
  return y;
}

void measure_chain(const Options& options) {
  Run run(options);
  const Tensor start = ones({8});
  std::vector<double> record, backward, eager;
  for (int repetition = 0; repetition < (options.quick ? 21 : 201); repetition++) {
    Tensor y;
    std::optional<Tape> tape(std::in_place);
    const Tensor x = tape->watch(start);
    record.push_back(seconds_of([&] { y = chain(x); }));
    backward.push_back(seconds_of([&] { tape->backward({{y, start}}); }));
    tape.reset();
    eager.push_back(seconds_of([&] { chain(start); }));
  }
  Line line = run.line({{"op", "tanh[8]"}});
  run.put(line, "record_ns", summary(record), 1e9 / kChain);
  run.put(line, "backward_ns", summary(backward), 1e9 / kChain);
  run.put(line, "eager_ns", summary(eager), 1e9 / kChain);
  run.print(line);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A small operation on the tape", "ops");
  Options options;
  add_options(app, options);
  return run_program(app, argc, argv, [&] { measure_chain(options); });
}
