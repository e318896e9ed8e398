// What surrounds a recurrence in the training of a language model: the output layer over a large
// vocabulary with its loss, the dropout's draws, the clip and the optimizer's update. Two ways to
// the same take turns, so that what else the machine does meets both.
//
// ns_per_element: of a logit, a weight or a number that is drawn. peak_mb: what the first step of a
// process takes beyond what was in use before it.
#include "rewind/autograd/tape.h"
#include "rewind/nn/linear.h"
#include "rewind/nn/loss/cross_entropy.h"
#include "rewind/nn/loss/linear_cross_entropy.h"
#include "rewind/nn/parameters.h"
#include "rewind/optim/adam.h"
#include "rewind/optim/clip.h"
#include "rewind/optim/rmsprop.h"
#include "rewind/optim/sgd.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/views.h"
#include "support/resident_memory.h"
#include "support/run.h"

namespace {

using namespace rw;
using namespace rw::bench;

void report(Run& run, std::string_view name, double count, const Timing& timing) {
  Line line = run.line({{"case", name}});
  run.put(line, "ms", timing, 1e3);
  run.put(line, "ns_per_element", timing, 1e9 / count);
  run.print(line);
}

template <class F>
void measure_case(Run& run, std::string_view name, double count, F f) {
  report(run, name, count, measure(run.options().repetitions(), f));
}

template <class F, class G>
void measure_in_turns(Run& run, double count, std::string_view name, F f, std::string_view other,
                      G g) {
  std::vector<double> first, second;
  for (int turn = 0; turn <= (run.options().quick ? 3 : 7); turn++) {
    const double one = seconds_of(f), two = seconds_of(g);
    if (turn == 0) continue;  // warms up
    first.push_back(one);
    second.push_back(two);
  }
  report(run, name, count, summary(first));
  report(run, other, count, summary(second));
}

struct Sizes {
  Index rows, features, classes;

  explicit Sizes(const Options& options)
      : rows(options.quick ? 160 : 1600),
        features(options.quick ? 64 : 512),
        classes(options.quick ? 1000 : 10000) {}
  double logits() const { return static_cast<double>(rows * classes); }
};

// A layer and its loss, as two operations and as one.
struct OutputLayer {
  using Loss = Tensor (OutputLayer::*)(const Tensor& x) const;
  Tensor x, targets;
  Parameter weight, bias;

  OutputLayer(const Sizes& sizes, Rng rng)
      : x(normal({sizes.rows, sizes.features}, {}, rng)),
        targets(
            to(uniform({sizes.rows}, {.high = static_cast<double>(sizes.classes)}, rng), int64)),
        weight(normal({sizes.classes, sizes.features}, {.deviation = 0.05}, rng)),
        bias(zeros({sizes.classes})) {}

  Tensor apart(const Tensor& in) const {
    return nn::cross_entropy(nn::linear(in, weight, bias), targets);
  }
  Tensor fused(const Tensor& in) const {
    return nn::linear_cross_entropy(in, weight, bias, targets);
  }

  auto forward(Loss loss) const {
    return [this, loss] { (this->*loss)(x); };
  }
  auto step(Loss loss) const {
    return [this, loss] {
      Tape tape;
      const Tensor watched = tape.watch(x);
      tape.backward((this->*loss)(watched));
    };
  }
};

void measure_peak(const Options& options, std::string_view name, OutputLayer::Loss loss) {
  in_own_process(name, [&] {
    const Threads threads(options.threads);
    const OutputLayer layer(Sizes(options), Rng(1));
    const double peak = peak_bytes_of(layer.step(loss));
    Run run(options);
    Line line = run.line({{"case", name}});
    run.put_number(line, "peak_mb", peak * 1e-6);
    run.print(line);
  });
}

void measure_output_layer(Run& run) {
  const Sizes sizes(run.options());
  const OutputLayer layer(sizes, Rng(1));
  const double count = sizes.logits();
  const Tensor w = layer.weight, logits = nn::linear(layer.x, w, layer.bias);
  measure_case(run, "softmax", count, [&] { softmax(logits, -1); });
  measure_case(run, "cross_entropy forward", count,
               [&] { nn::cross_entropy(logits, layer.targets); });
  measure_case(run, "cross_entropy step", count, [&] {
    Tape tape;
    const Tensor x = tape.watch(logits);
    tape.backward(nn::cross_entropy(x, layer.targets));
  });
  const OutputLayer::Loss apart = &OutputLayer::apart, fused = &OutputLayer::fused;
  measure_in_turns(run, count, "output layer forward", layer.forward(apart),
                   "linear_cross_entropy forward", layer.forward(fused));
  measure_in_turns(run, count, "output layer step", layer.step(apart), "linear_cross_entropy step",
                   layer.step(fused));
  measure_case(run, "its three products", count, [&] {
    matmul(layer.x, transpose(w));
    matmul(transpose(logits), layer.x);
    matmul(logits, w);
  });
}

void measure_updates(Run& run, Index size) {
  Rng rng(2);
  const nn::Linear layer(size / 256, 256, rng, {.bias = false});
  const auto parameters = [&] { return nn::parameters(layer); };
  Gradients gradients;
  {
    Tape tape;
    gradients = tape.backward(sum(Tensor(layer.weight) * normal({256, size / 256}, {}, rng)));
  }
  const auto of_all = [&](std::string_view name, auto f) {
    measure_case(run, fmt::format("{} of {}", name, size), static_cast<double>(size), f);
  };
  const auto steps = [&](std::string_view name, auto optimizer) {
    of_all(name, [&] { optimizer.step(gradients); });
  };
  steps("sgd", optim::SGD(parameters(), {.learning_rate = 1e-6}));
  steps("sgd with momentum",
        optim::SGD(parameters(), {.learning_rate = 1e-6, .momentum = 0.9, .nesterov = true}));
  steps("rmsprop", optim::RMSprop(parameters(), {.learning_rate = 1e-6}));
  steps("adam", optim::Adam(parameters(), {.learning_rate = 1e-6}));
  of_all("norm", [&] { optim::clip_norm(gradients, 1e30); });
  // By so little that many clips leave the gradients as large as they are.
  of_all("clip",
         [&] { optim::clip_norm(gradients, optim::clip_norm(gradients, 1e30) * (1 - 1e-6)); });
}

void measure_draws(Run& run) {
  Rng rng(3);
  constexpr Index kCount = 1 << 20;
  const auto draw = [&](std::string_view name, auto f) { measure_case(run, name, kCount, f); };
  draw("uniform float32", [&] { uniform({kCount}, {}, rng); });
  draw("uniform float64", [&] { uniform({kCount}, {.dtype = float64}, rng); });
  draw("bernoulli bool", [&] { bernoulli({kCount}, {.p = 0.3, .dtype = boolean}, rng); });
  draw("bernoulli float32", [&] { bernoulli({kCount}, {.p = 0.3}, rng); });
  draw("normal float32", [&] { normal({kCount}, {}, rng); });
}

void measure_all(const Options& options) {
  measure_peak(options, "output layer step", &OutputLayer::apart);
  measure_peak(options, "linear_cross_entropy step", &OutputLayer::fused);
  Run run(options);
  // First: idle blocks of other sizes would push its large ones out of memory.
  measure_output_layer(run);
  measure_updates(run, 1 << 16);
  if (!options.quick) measure_updates(run, 1 << 22);
  measure_draws(run);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("What surrounds a recurrence in the training of a language model", "vocabulary");
  Options options;
  add_options(app, options);
  return run_program(app, argc, argv, [&] { measure_all(options); });
}
