// What surrounds a recurrence in the training of a language model: the output layer over a large
// vocabulary with its loss, the dropout's draws, the clip and the optimizer's update. Prints one
// JSON line per case; the least time of many runs counts.
//
// vocabulary_bench [threads]
#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

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
#include "rewind/tensor/memory.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/views.h"
#include "support/resident_memory.h"

namespace {

using namespace rw;

// The least milliseconds of `runs` calls.
template <class F>
double least(int runs, F f) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30;
  for (int run = 0; run < runs; run++) {
    const Clock::time_point start = Clock::now();
    f();
    const std::chrono::duration<double, std::milli> took = Clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

void report(std::string_view name, double count, double milliseconds) {
  fmt::print("{{\"case\": \"{}\", \"threads\": {}, \"ms\": {:.3f}, \"ns_per_element\": {:.3f}}}\n",
             name, thread_count(), milliseconds, milliseconds * 1e6 / count);
  std::fflush(stdout);
}

// Two ways to the same, in turns, so that what else the machine does meets both.
template <class F, class G>
void report_in_turns(std::string_view name, double count, F f, std::string_view other, G g) {
  double first = 1e30, second = 1e30;
  for (int run = 0; run < 5; run++) {
    first = std::min(first, least(1, f));
    second = std::min(second, least(1, g));
  }
  report(name, count, first);
  report(other, count, second);
}

// What a call takes beyond what is in use before it. In a process of its own: here memory that was
// used before may come back.
template <class F>
void report_peak(std::string_view name, F f) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    fmt::print("{{\"case\": \"{}\", \"threads\": {}, \"peak_mb\": {:.1f}}}\n", name, thread_count(),
               bench::peak_bytes_of(f) * 1e-6);
    std::fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

constexpr Index kRows = 1600, kHidden = 512, kClasses = 10000;

void output_layer() {
  Rng rng(1);
  const Tensor hidden = normal({kRows, kHidden}, {}, rng);
  const Parameter weight(normal({kClasses, kHidden}, {.deviation = 0.05}, rng));
  const Parameter bias(zeros({kClasses}));
  const Tensor targets = to(uniform({kRows}, {.high = kClasses}, rng), int64);
  constexpr double kLogits = double{kRows} * kClasses;

  const auto forward = [&](auto loss) { return [&, loss] { loss(hidden); }; };
  const auto step = [&](auto loss) {
    return [&, loss] {
      Tape tape;
      const Tensor h = tape.watch(hidden);
      tape.backward(loss(h));
    };
  };
  const auto apart = [&](const Tensor& h) {
    return nn::cross_entropy(nn::linear(h, weight, bias), targets);
  };
  const auto fused = [&](const Tensor& h) {
    return nn::linear_cross_entropy(h, weight, bias, targets);
  };
  report_peak("output layer step", step(apart));
  report_peak("linear_cross_entropy step", step(fused));
  const Tensor logits = nn::linear(hidden, weight, bias);
  report("softmax", kLogits, least(5, [&] { softmax(logits, -1); }));
  report("cross_entropy forward", kLogits, least(5, [&] { nn::cross_entropy(logits, targets); }));
  report("cross_entropy step", kLogits, least(5, [&] {
           Tape tape;
           const Tensor x = tape.watch(logits);
           tape.backward(nn::cross_entropy(x, targets));
         }));
  report_in_turns("output layer forward", kLogits, forward(apart), "linear_cross_entropy forward",
                  forward(fused));
  report_in_turns("output layer step", kLogits, step(apart), "linear_cross_entropy step",
                  step(fused));
  const Tensor w = weight;
  report("its three products", kLogits, least(3, [&] {
           matmul(hidden, transpose(w));
           matmul(transpose(logits), hidden);
           matmul(logits, w);
         }));
}

void updates() {
  constexpr Index kSmall = 1 << 16, kLarge = 1 << 22;
  for (const Index size : {kSmall, kLarge}) {
    Rng rng(2);
    const nn::Linear layer(size / 256, 256, rng, {.bias = false});
    const auto parameters = [&] { return nn::parameters(layer); };
    Gradients gradients;
    {
      Tape tape;
      gradients = tape.backward(sum(Tensor(layer.weight) * normal({256, size / 256}, {}, rng)));
    }
    const auto measure = [&](std::string_view name, auto& optimizer) {
      const double runs = size == kSmall ? 200 : 10;
      report(fmt::format("{} of {}", name, size), static_cast<double>(size),
             least(static_cast<int>(runs), [&] { optimizer.step(gradients); }));
    };
    optim::SGD sgd(parameters(), {.learning_rate = 1e-6});
    optim::SGD nesterov(parameters(), {.learning_rate = 1e-6, .momentum = 0.9, .nesterov = true});
    optim::RMSprop rmsprop(parameters(), {.learning_rate = 1e-6});
    optim::Adam adam(parameters(), {.learning_rate = 1e-6});
    measure("sgd", sgd);
    measure("sgd with momentum", nesterov);
    measure("rmsprop", rmsprop);
    measure("adam", adam);
    report(fmt::format("norm of {}", size), static_cast<double>(size),
           least(50, [&] { optim::clip_norm(gradients, 1e30); }));
    report(fmt::format("clip of {}", size), static_cast<double>(size),
           least(50, [&] { optim::clip_norm(gradients, optim::clip_norm(gradients, 1e30) / 2); }));
  }
}

void draws() {
  Rng rng(3);
  constexpr Index kCount = 1 << 20;
  const auto measure = [&](std::string_view name, auto f) { report(name, kCount, least(20, f)); };
  measure("uniform float32", [&] { uniform({kCount}, {}, rng); });
  measure("uniform float64", [&] { uniform({kCount}, {.dtype = float64}, rng); });
  measure("bernoulli bool", [&] { bernoulli({kCount}, {.p = 0.3, .dtype = boolean}, rng); });
  measure("bernoulli float32", [&] { bernoulli({kCount}, {.p = 0.3}, rng); });
  measure("normal float32", [&] { normal({kCount}, {}, rng); });
}

}  // namespace

int main(int argc, char** argv) {
  const Threads threads(argc > 1 ? std::atoi(argv[1]) : 1);
  output_layer();  // first: idle blocks of other sizes would push its large ones out of memory
  updates();
  draws();
}
