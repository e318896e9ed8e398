// One recurrent layer over a grid of sizes, input size = hidden size: a training step (gradients of
// x and of all weights and biases) and inference (no tape). Good: as near as possible to the sgemm
// peak of the same run, of which `fraction` is the training step's part. Cells that no peer has
// (support/other_cells.h) are measured where --cell names them, over a grid of their own.
#include <algorithm>
#include <span>

#include "rewind/nn/parameters.h"
#include "rewind/tensor/random.h"
#include "support/cells.h"
#include "support/other_cells.h"
#include "support/training_step.h"

namespace {

using namespace rw;
using namespace rw::bench;

constexpr Case kGrid[] = {{1, 50, 32},   {1, 50, 128},  {16, 50, 64},  {32, 50, 128},
                          {32, 50, 256}, {32, 50, 512}, {64, 50, 512}, {32, 25, 1024}};
constexpr Case kOtherGrid[] = {
    {1, 50, 32}, {1, 50, 128}, {16, 50, 64}, {32, 50, 128}, {64, 50, 256}};
constexpr Case kQuickGrid[] = {{1, 50, 32}, {16, 50, 64}, {32, 50, 128}};

template <class Layer>
void require_all_gradients(const Layer& layer, const Gradients& gradients) {
  const std::size_t wanted = nn::parameters(layer).size() + 1;
  require(gradients.entries().size() == wanted, "recurrent: {} gradients instead of {}",
          gradients.entries().size(), wanted);
}

bool is_other(const std::string& cell) { return std::ranges::count(kOtherCells, cell) > 0; }

void measure_case(Run& run, const std::string& cell, const Case& c) {
  Line line =
      run.line({{"cell", cell}, {"batch", c.batch}, {"time", c.time}, {"hidden", c.hidden}});
  const auto measure_layer = [&](const auto& layer) {
    Rng rng(2);
    const Tensor x = normal({c.time, c.batch, c.hidden}, {}, rng);
    const Tensor dy = normal({c.time, c.batch, c.hidden}, {}, rng);
    require_all_gradients(layer, training_step(layer, x, dy));
    const Repetitions repetitions = run.options().repetitions();
    const Timing train = measure(repetitions, [&] { training_step(layer, x, dy); });
    const Timing infer = measure(repetitions, [&] { layer(x); });
    run.put(line, "train_ms", train, 1e3);
    run.put(line, "infer_ms", infer, 1e3);
    if (is_other(cell)) return;  // whose products nobody has counted
    run.put_speed(line, "gflops", training_flops(cell, c), train.median);
    run.put_speed(line, "infer_gflops", inference_flops(cell, c), infer.median);
  };
  if (is_other(cell)) {
    with_other_layer(cell, c, measure_layer);
  } else {
    with_layer(cell, c.hidden, measure_layer);
  }
  run.print(line);
}

void measure_grid(const Options& options) {
  Run run(options);
  for (const std::string& cell : options.cells) {
    std::span<const Case> grid = kGrid;
    if (is_other(cell)) grid = kOtherGrid;
    if (options.quick) grid = kQuickGrid;
    for (const Case& c : grid) measure_case(run, cell, c);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A recurrent layer, training and inference", "recurrent");
  Options options;
  add_options(app, options, kCells, kOtherCells);
  return run_program(app, argc, argv, [&] { measure_grid(options); });
}
