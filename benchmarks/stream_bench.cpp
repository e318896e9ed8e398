// One time step of one sequence, the state carried from step to step: the time in microseconds from
// numbers in to numbers out. The weights of large layers do not fit the caches near the core; their
// limit is the bandwidth of the cache that holds them, and not the sgemm peak.
#include "rewind/tensor/random.h"
#include "support/cells.h"

namespace {

using namespace rw;
using namespace rw::bench;

constexpr int kSteps = 100;  // timed together

void measure_size(Run& run, const std::string& cell, Index hidden) {
  Line line = run.line({{"cell", cell}, {"hidden", hidden}});
  with_layer(cell, hidden, [&](const auto& layer) {
    Rng rng(2);
    const Tensor x = normal({hidden}, {}, rng);
    auto stream = layer.stream(1);
    std::vector<float> in(x.data<float>(), x.data<float>() + hidden), out(in.size());
    const Timing timing = measure(run.options().repetitions(), [&] {
      for (int i = 0; i < kSteps; i++) stream.step(in, out);
    });
    run.put(line, "stream_us", timing, 1e6 / kSteps);
    run.put_speed(line, "gflops", kSteps * inference_flops(cell, {1, 1, hidden}), timing.median);
  });
  run.print(line);
}

void measure_sizes(const Options& options) {
  Run run(options);
  for (const std::string& cell : options.cells) {
    for (const Index hidden : {32, 128, 256, 512}) {
      if (!options.quick || hidden <= 128) measure_size(run, cell, hidden);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("One step of one sequence", "stream");
  Options options;
  add_options(app, options, kCells);
  return run_program(app, argc, argv, [&] { measure_sizes(options); });
}
