// The memory of a training step over a long sequence, in floats per time step and row; x and dy are
// the caller's and do not count.
//
// kept_floats: in tensors that live when the forward pass is done, the outputs included.
// peak_floats: what the process grew by at most, forward and back. Good for an LSTM: 6 hidden kept
// (four gates, c, and h as the output), and a peak at most 15 % above that.
//
// With --segments N all but the states that N segments begin with is computed again by the rewind;
// train_ms tells what that costs. Its gflops do not count that work.
#include <cmath>

#include "rewind/tensor/memory.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/views.h"
#include "support/cells.h"
#include "support/resident_memory.h"
#include "support/training_step.h"

namespace {

using namespace rw;
using namespace rw::bench;

template <class Layer>
double bytes_kept(const Layer& layer, const Tensor& x,
                  const nn::RecurrentCall<typename Layer::CellState>& call) {
  Tape tape;
  const Tensor watched = tape.watch(x);
  const std::size_t before = memory::bytes_in_use();
  const auto result = layer(watched, call);
  return static_cast<double>(memory::bytes_in_use() - before);
}

void measure_cell(const Options& options, const std::string& cell, Index segments) {
  Run run(options);
  const Case c = options.quick ? Case{16, 100, 64} : Case{32, 1000, 256};
  const auto per_step_and_row = [&](double bytes) {
    return std::llround(bytes / sizeof(float) / static_cast<double>(c.time * c.batch));
  };
  Line line = run.line({{"cell", cell},
                        {"batch", c.batch},
                        {"time", c.time},
                        {"hidden", c.hidden},
                        {"segments", segments}});
  with_layer(cell, c.hidden, [&]<class Layer>(const Layer& layer) {
    const nn::RecurrentCall<typename Layer::CellState> call = {.segments = segments};
    Rng rng(2);
    const Tensor x = normal({c.time, c.batch, c.hidden}, {}, rng);
    const Tensor dy = normal(x.shape(), {}, rng);
    // What is made once in a process, BLAS buffers and workers, is no part of the step; what was
    // used before could serve it and would not be counted.
    training_step(layer, slice(x, 0, 0, 2), slice(dy, 0, 0, 2));
    memory::release_unused();
    const double peak = peak_bytes_of([&] { training_step(layer, x, dy, call); });
    line["peak_mb"] = std::llround(peak / 1e6);
    line["peak_floats"] = per_step_and_row(peak);
    line["kept_floats"] = per_step_and_row(bytes_kept(layer, x, call));
    const Timing train = measure(options.repetitions(), [&] { training_step(layer, x, dy, call); });
    run.put(line, "train_ms", train, 1e3);
    run.put_speed(line, "gflops", training_flops(cell, c), train.median);
  });
  run.print(line);
}

void measure_cells(const Options& options, Index segments) {
  for (const std::string& cell : options.cells) {
    in_own_process(cell, [&] { measure_cell(options, cell, segments); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The memory of a training step", "memory");
  Options options;
  add_options(app, options, kCells);
  Index segments = 0;
  app.add_option("--segments", segments, "that the rewind computes again; 0: it keeps everything")
      ->check(CLI::NonNegativeNumber);
  return run_program(app, argc, argv, [&] { measure_cells(options, segments); });
}
