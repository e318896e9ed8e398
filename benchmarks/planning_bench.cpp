// What planning a layer's step costs. Good: `plan_us`, the first training step of a layer of a size
// that was not met before, less the steps that follow it (trace, passes, both directions), under
// 1000; `look_up_us`, following a known step and finding its plan, under 2.
#include "rewind/autograd/engine/plans.h"
#include "rewind/autograd/engine/trace/follow.h"
#include "rewind/tensor/random.h"
#include "support/cells.h"
#include "support/training_step.h"

namespace {

using namespace rw;
using namespace rw::bench;

// Small, so that the work of a step is little beside its planning.
constexpr Case kCase = {1, 1, 8};

// Of layers each one unit wider than the last: no plan fits the next.
Timing planning(const std::string& cell, int layers) {
  std::vector<double> seconds;
  for (int i = 0; i < layers; i++) {
    const Index hidden = kCase.hidden + i;
    with_layer(cell, hidden, [&](const auto& layer) {
      Rng rng(2);
      const Tensor x = normal({kCase.time, kCase.batch, hidden}, {}, rng);
      const Tensor dy = normal(x.shape(), {}, rng);
      const double first = seconds_of([&] { training_step(layer, x, dy); });
      double later = first;
      for (int k = 0; k < 5; k++) {
        later = std::min(later, seconds_of([&] { training_step(layer, x, dy); }));
      }
      seconds.push_back(first - later);
    });
  }
  return summary(seconds);
}

Timing looking_up(const std::string& cell, const Repetitions& repetitions) {
  Timing timing;
  with_layer(cell, kCase.hidden, [&](const auto& layer) {
    const auto states = layer.initial(kCase.batch);
    const std::vector<Tensor> initial = tensors_of(states);
    const engine::StepFunction step = [&](const std::vector<Tensor>& in) {
      auto own = states;
      std::size_t field = 1;
      for_each_tensor(own, [&](Tensor& x) { x = in[field++]; });
      const auto [next, outputs] = layer.step(in[0], own);
      std::vector<Tensor> results = tensors_of(next);
      results.push_back(outputs);
      return results;
    };
    std::vector<Spec> specs = {{{kCase.batch, kCase.hidden}, float32}};
    for (const Tensor& x : initial) specs.push_back(x.spec());
    const engine::Traced traced{engine::trace_as_written(specs, step), 1, initial.size()};
    const engine::Followed none{std::vector<bool>(traced.trace.captured.size()), {false}, false};
    const engine::KnownStep known = engine::known_step(traced);
    timing = measure(repetitions, [&] {
      require(engine::follow(known->trace, step).same, "planning: the step was not known");
      engine::plan_of(known, kCase.batch, none);
    });
  });
  return timing;
}

void measure_cells(const Options& options) {
  Run run(options);
  for (const std::string& cell : options.cells) {
    Line line = run.line({{"cell", cell}});
    run.put(line, "plan_us", planning(cell, options.quick ? 5 : 40), 1e6);
    run.put(line, "look_up_us", looking_up(cell, options.repetitions()), 1e6);
    run.print(line);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Planning a layer's step, and finding the plan again", "planning");
  Options options;
  add_options(app, options, kCells);
  return run_program(app, argc, argv, [&] { measure_cells(options); });
}
