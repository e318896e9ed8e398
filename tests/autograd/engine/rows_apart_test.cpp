// Ordinary kernels in a loop whose rows workers share.
#include <gtest/gtest.h>

#include <cmath>

#include "autograd/engine/shared_rows.h"
#include "rewind/autograd/engine/run/lifted.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/autograd/explain.h"
#include "rewind/autograd/rules.h"
#include "rewind/autograd/scan.h"
#include "rewind/tensor/map.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/random.h"
#include "support/message_of.h"
#include "support/same_bits.h"

namespace rw::test {
namespace {

using engine::Operation;

Tensor result_of(const Operation& operation) {
  Tensor y;
  engine::execute(operation, {}, {&y, 1});
  return y;
}

TEST(RowsApart, RandomNumbersCanBeDrawnFromAnyPositionOn) {
  const auto expect = [](const auto& whole, auto part) {
    part.shape = {3, 5};
    const Operation from = engine::starting_at(Operation::of(part), 4 * 5);
    EXPECT_TRUE(same_bits(result_of(from), slice(result_of(Operation::of(whole)), 0, 4, 7)))
        << whole.name;
  };
  for (const Dtype dtype : {float32, float64}) {
    const Uniform uniform{{9, 5}, dtype, -1, 2, 3, 4};
    expect(uniform, uniform);
    const Normal normal{{9, 5}, dtype, 1, 2, 3, 4};
    expect(normal, normal);
    const Bernoulli bernoulli{{9, 5}, dtype, 0.4, 3, 4};
    expect(bernoulli, bernoulli);
  }
}

struct Root {  // of a number that is not negative
  static constexpr std::string_view name = "root";
  static constexpr bool rowwise = true;
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    map(x, y, [](auto v) {
      require(v >= 0, "root: of a negative number");
      return std::sqrt(v);
    });
  }
  static void derivative(Rules<Root> d) {
    d([](const Tensor& dy, Output y) { return dy / (2 * y); });
  }
};

TEST(RowsApart, AnErrorInTheRowsOfOneWorkerIsTheErrorOfTheScan) {
  constexpr Index kRows = 256, kColumns = 1024;
  const auto step = [](const Tensor& x, const Tensor& h) { return apply(Root{}, x + h * h); };
  Tensor x = ones({4, kRows, kColumns}, float64);
  const Tensor h = ones({kRows, kColumns}, float64);
  const Threads scope(4);
  std::size_t from = 0;
  EXPECT_LE(steps_to_share(explain(step, x, h), 64, 4, from), 4);
  scan(step, x, h);
  x.mutable_span<double>()[static_cast<std::size_t>((2 * kRows + 200) * kColumns)] = -7;
  EXPECT_EQ(message_of<ValueError>([&] { scan(step, x, h); }), "root: of a negative number");
}

}  // namespace
}  // namespace rw::test
