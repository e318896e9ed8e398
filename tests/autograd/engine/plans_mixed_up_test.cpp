// Steps that differ in a single thing, met in any order by several threads: none may be run by the
// plan of another.
#include <gtest/gtest.h>

#include <thread>

#include "autograd/engine/random_cells.h"
#include "rewind/autograd/engine/plans.h"

namespace rw::test {
namespace {

using Results = std::pair<Tensors, Tensors>;
using AnyStep =
    std::function<Results(const Tensor& x, const Tensors& s, const Tensor& u, const Tensor& w)>;

constexpr Index kSize = 3;

template <int which>
struct Shifted {  // two types of one name and one layout
  double by;
  static constexpr std::string_view name = "shifted";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    const Tensor from = contiguous(x);
    for (Index i = 0; i < x.size(); i++) {
      output_data<double>(y)[i] = from.data<double>()[i] + which * by;
    }
  }
  static void derivative(Rules<Shifted> d) {
    d([](const Tensor& dy) { return dy; });
  }
};

std::vector<AnyStep> family() {
  const auto of = [](auto h) -> AnyStep {
    return [h](const Tensor& x, const Tensors& s, const Tensor& u, const Tensor& w) {
      const Tensor next = h(x, s, u, w);
      return Results{{next, s[1]}, {next}};
    };
  };
#define STEP(expression)                                                     \
  of([]([[maybe_unused]] const Tensor& x, [[maybe_unused]] const Tensors& s, \
        [[maybe_unused]] const Tensor& u,                                    \
        [[maybe_unused]] const Tensor& w) -> Tensor { return expression; })
  std::vector<AnyStep> steps{
      STEP(tanh(matmul(x, u) + matmul(s[0], w))),
      STEP(tanh(matmul(x, w) + matmul(s[0], u))),
      STEP(tanh(matmul(s[0], w) + matmul(x, u))),
      STEP(tanh(matmul(x, u) + matmul(s[0], u))),
      STEP(tanh(matmul(x, u) + matmul(s[1], w))),
      STEP(tanh(matmul(x, u) - matmul(s[0], w))),
      STEP(sigmoid(matmul(x, u) + matmul(s[0], w))),
      STEP(tanh(matmul(x, u) + matmul(s[0], transpose(w)))),
      STEP(tanh(matmul(x, u) + 0.5 * matmul(s[0], w))),
      STEP(tanh(matmul(x, u) + 0.25 * matmul(s[0], w))),
      STEP(tanh(matmul(x, u) + matmul(s[0], w)) * 1.0),
      STEP(tanh(tanh(matmul(x, u) + matmul(s[0], w)))),
      STEP(slice(concat({x, s[0]}), 1, 0, kSize) * s[1]),
      STEP(slice(concat({x, s[0]}), 1, 1, kSize + 1) * s[1]),
      STEP(slice(concat({s[0], x}), 1, 1, kSize + 1) * s[1]),
      STEP(apply(Shifted<1>{0.5}, x) * s[0]),
      STEP(apply(Shifted<2>{0.5}, x) * s[0]),
      STEP(apply(Shifted<1>{0.75}, x) * s[0]),
      STEP(s[0] * bernoulli({2, kSize}, {.p = 0.5, .dtype = float64})),
      STEP(s[0] * bernoulli({2, kSize}, {.p = 0.6, .dtype = float64})),
      STEP(s[0] * uniform({2, kSize}, {.dtype = float64}) *
           uniform({2, kSize}, {.dtype = float64})),
      STEP(s[0] * normal({2, kSize}, {.dtype = float64})),
  };
#undef STEP
  const auto both = [](const Tensor& x, const Tensors& s, const Tensor& u, const Tensor& w) {
    const Tensor a = tanh(matmul(x, u) + s[0]), b = sigmoid(matmul(s[1], w));
    return std::pair(a, b);
  };
  // The same operations, with other roles.
  steps.push_back([both](const auto& x, const auto& s, const auto& u, const auto& w) {
    const auto [a, b] = both(x, s, u, w);
    return Results{{a, b}, {a}};
  });
  steps.push_back([both](const auto& x, const auto& s, const auto& u, const auto& w) {
    const auto [a, b] = both(x, s, u, w);
    return Results{{b, a}, {a}};
  });
  steps.push_back([both](const auto& x, const auto& s, const auto& u, const auto& w) {
    const auto [a, b] = both(x, s, u, w);
    return Results{{a, b}, {b}};
  });
  steps.push_back([both](const auto& x, const auto& s, const auto& u, const auto& w) {
    const auto [a, b] = both(x, s, u, w);
    return Results{{a, s[1]}, {b}};
  });
  steps.push_back([both](const auto& x, const auto& s, const auto& u, const auto& w) {
    const auto [a, b] = both(x, s, u, w);
    return Results{{a, a}, {a, a}};
  });
  return steps;
}

// Results and gradients, of whatever is asked for.
Tensors all_of(const AnyStep& any, int watched, bool states, bool reverse) {
  const Random same(3);
  Tape tape;
  Tensors leaves{numbers({4, 2, kSize}, 1), numbers({2, kSize}, 2), numbers({kSize, kSize}, 3),
                 numbers({kSize, kSize}, 4)};
  for (std::size_t i = 0; i < leaves.size(); i++) {
    if (watched >> i & 1) tape.watch(leaves[i]);
  }
  const auto step = [&](const Tensor& x, const Tensors& s) {
    return any(x, s, leaves[2], leaves[3]);
  };
  const Tensors initial{leaves[1], leaves[1] * 0.5};
  const auto result = scan(step, leaves[0], initial, {.reverse = reverse, .states = states});
  Tensors found = result.outputs;
  found.insert(found.end(), result.final.begin(), result.final.end());
  found.insert(found.end(), result.states.begin(), result.states.end());
  Tensor loss = zeros({}, float64);
  for (const Tensor& y : found) loss = loss + sum(y * y);
  if (!Interpreter::any_holds(loss.mark())) return found;
  const Gradients gradients = tape.backward(loss);
  for (std::size_t i = 0; i < leaves.size(); i++) {
    if (gradients.find(leaves[i])) found.push_back(gradients[leaves[i]]);
  }
  return found;
}

int count_of_wrong_results(std::uint64_t seed) {
  const std::vector<AnyStep> steps = family();
  Dice dice(seed);
  int wrong = 0;
  for (int i = 0; i < 250; i++) {
    const AnyStep& step = steps[static_cast<std::size_t>(dice(std::ssize(steps)))];
    const auto watched = static_cast<int>(dice(16));
    const bool states = dice(2) == 1;
    const bool reverse = dice(2) == 1;
    const Tensors planned = all_of(step, watched, states, reverse);
    const PlainLoops plainly;
    const Tensors plain = all_of(step, watched, states, reverse);
    bool same = planned.size() == plain.size();
    for (std::size_t k = 0; same && k < plain.size(); k++) {
      same = largest_difference(planned[k], plain[k]) <= 1e-12;
    }
    wrong += !same;
  }
  return wrong;
}

TEST(Plans, OfStepsThatDifferInOneThingAreNotMixedUp) { EXPECT_EQ(count_of_wrong_results(1), 0); }

TEST(Plans, OfStepsThatDifferInOneThingAreNotMixedUpBetweenThreads) {
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < wrong.size(); i++) {
    threads.emplace_back([&, i] { wrong[i] = count_of_wrong_results(i + 2); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
  EXPECT_LE(engine::remembered_plans(), engine::kRememberedPlans);
}

}  // namespace
}  // namespace rw::test
