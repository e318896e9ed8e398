// What denormal numbers cost: a training step of a layer whose state has decayed to them, and the
// same with normal numbers. Good: `ratio`, denormal to normal, at most 1.2. (How much slower
// arithmetic on them is depends on the processor: up to a hundred times, or not at all.)
//
// The layer keeps 0.9 of its state from step to step. With x = 0 and a first state of 1e-36 its
// numbers are denormal after some fifty of the 200 steps, and stay so: 0.9 of a few denormal units
// rounds to as many. `denormal_part` of them are in the end, where nobody flushes them to zero.
#include <cmath>
#include <span>

#include "rewind/nn/parameters.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/regions.h"
#include "support/cells.h"
#include "support/training_step.h"

namespace {

using namespace rw;
using namespace rw::bench;

constexpr Case kCase = {32, 200, 128};
constexpr double kKept = 0.9;

// Gives the layer's parameters values with which its state decays by kKept. (Recurrent weights are
// drawn so large that a state may feed itself; a tenth of that cannot.)
template <class Layer>
void make_decaying(Layer& layer, const std::string& cell) {
  const double bias = std::log(kKept / (1 - kKept));  // whose sigmoid is kKept
  const Index hidden = kCase.hidden;
  for (auto& [name, parameter] : nn::named_parameters(layer)) {
    Tensor& value = parameter.value();
    value = value.rank() == 1 ? zeros_like(value) : value * (1 - kKept);
    if (cell == "RNN" && name == "weight_hh_l0") value = eye(hidden) * kKept;
    if (cell == "MGC" && name == "gate.bias_l0") value = full({hidden}, -bias);
    const bool gated = cell == "LSTM" || cell == "GRU";
    // The second gate: forget of LSTM, update of GRU.
    if (gated && name == "bias_ih_l0") value.set(Range{hidden, 2 * hidden}, bias);
  }
}

// The first state of a layer with `value` everywhere.
template <class Layer>
nn::RecurrentCall<typename Layer::CellState> starting_at(const Layer& layer, double value) {
  auto state = layer.initial(kCase.batch);
  for_each_tensor(state, [&](Tensor& x) { x = full(x.shape(), value); });
  return {.initial = std::move(state)};
}

// The part of the state that is denormal in the end, by steps that nobody accelerates.
template <class Layer>
double denormal_part(const Layer& layer, const Tensor& x, typename Layer::State state) {
  for (Index t = 0; t < kCase.time; t++) state = layer.step(x[t], state).first;
  Index denormal = 0, all = 0;
  for_each_tensor(state, [&](const Tensor& values) {
    for (const float value :
         std::span(values.data<float>(), static_cast<std::size_t>(values.size()))) {
      denormal += std::fpclassify(value) == FP_SUBNORMAL;
      all++;
    }
  });
  return static_cast<double>(denormal) / static_cast<double>(all);
}

void measure_cell(Run& run, const std::string& cell) {
  Line line = run.line(
      {{"cell", cell}, {"batch", kCase.batch}, {"time", kCase.time}, {"hidden", kCase.hidden}});
  with_layer(cell, kCase.hidden, [&](auto layer) {
    make_decaying(layer, cell);
    Rng rng(2);
    const Tensor x = normal({kCase.time, kCase.batch, kCase.hidden}, {}, rng);
    const Tensor dy = normal(x.shape(), {}, rng);
    const Tensor nothing = zeros_like(x);
    const auto unity = starting_at(layer, 1), tiny = starting_at(layer, 1e-36);
    run.put_number(line, "denormal_part", denormal_part(layer, nothing, tiny.initial));
    // In turns, so that both meet the same machine; the first turn warms up.
    std::vector<double> normals, denormals;
    for (int turn = 0; turn <= (run.options().quick ? 5 : 11); turn++) {
      const double on_normals = seconds_of([&] { training_step(layer, x, dy, unity); });
      const double on_denormals = seconds_of([&] { training_step(layer, nothing, dy, tiny); });
      if (turn == 0) continue;
      normals.push_back(on_normals);
      denormals.push_back(on_denormals);
    }
    const Timing normal_step = summary(normals), denormal_step = summary(denormals);
    run.put(line, "normal_ms", normal_step, 1e3);
    run.put(line, "denormal_ms", denormal_step, 1e3);
    run.put_number(line, "ratio", denormal_step.median / normal_step.median);
    run.put_number(line, "least_ratio", denormal_step.least / normal_step.least);
  });
  run.print(line);
}

void measure_cells(const Options& options) {
  Run run(options);
  for (const std::string& cell : options.cells) measure_cell(run, cell);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A training step on a state that has decayed to denormals", "denormals");
  Options options;
  add_options(app, options, kCells);
  return run_program(app, argc, argv, [&] { measure_cells(options); });
}
