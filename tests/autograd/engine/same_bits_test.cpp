// The same bits for any number of threads, and for a row wherever it stands in the batch: of layers
// with built-in cells and with one of a user's.
#include "support/same_bits.h"

#include <gtest/gtest.h>

#include "autograd/engine/shared_rows.h"
#include "nn/recurrent_results.h"
#include "rewind/autograd/explain.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/views.h"

namespace rw::test {
namespace {

using Tensors = std::vector<Tensor>;

// At these sizes eight workers share the rows, too, as a test below says.
constexpr Index kSteps = 16, kRows = 108, kFeatures = 24, kUnits = 64;

struct Rewound {
  Tensor outputs, dx;  // [time, batch, ...]
  Tensors weights;     // gradients of the parameters
};

template <class Layer>
Rewound rewound(const Layer& layer, const Tensor& x, const Lengths& lengths, const Tensor& dy) {
  Tape tape;
  const Tensor watched = tape.watch(x);
  const Tensor outputs = layer(watched, {.lengths = lengths}).outputs;
  const Gradients gradients = tape.backward({{outputs, dy}});
  Rewound found{outputs, gradients[watched], {}};
  for (const Parameter& parameter : nn::parameters(layer)) {
    found.weights.push_back(gradients[parameter]);
  }
  return found;
}

Tensor rows_of(const Tensor& x, const std::vector<Index>& rows) {
  return transpose(take(transpose(x, 0, 1), from_span(rows, {std::ssize(rows)})), 0, 1);
}

template <class Kind>
class SameBits : public testing::Test {
 protected:
  SameBits() {
    for (Index row = 0; row < kRows; row++) some_.push_back((7 * row + 3) % (kSteps + 1));
  }

  Rng rng_{3};
  nn::Recurrent<typename Kind::Cell> layer_{
      [&](Index input) { return Kind::make(input, kUnits, rng_); },
      {.input = kFeatures, .hidden = kUnits}};
  Tensor x_ = normal({kSteps, kRows, kFeatures}, {}, rng_);
  Tensor dy_ = normal({kSteps, kRows, kUnits}, {}, rng_);
  Lengths some_;
};

TYPED_TEST_SUITE(SameBits, Kinds, KindNames);

TYPED_TEST(SameBits, AreAskedOfRowsThatWorkersShare) {
  for (const auto& [threads, each] : {std::pair(2, 54), {3, 36}, {5, 22}, {8, 14}}) {
    const Threads scope(threads);
    const std::string text = explain([&] { this->layer_(this->x_); });
    std::size_t from = 0;
    EXPECT_LE(steps_to_share(text, each, threads, from), kSteps) << "forward\n" << text;
    EXPECT_LE(steps_to_share(text, each, threads, from), kSteps) << "backward\n" << text;
  }
}

TYPED_TEST(SameBits, ForAnyNumberOfThreads) {
  for (const Lengths& lengths : {Lengths{}, this->some_}) {
    const auto with = [&](int threads) {
      const Threads scope(threads);
      return rewound(this->layer_, this->x_, lengths, this->dy_);
    };
    const Rewound one = with(1);
    for (const int threads : {2, 3, 5, 8}) {
      const Rewound several = with(threads);
      EXPECT_TRUE(same_bits(several.outputs, one.outputs)) << threads;
      EXPECT_TRUE(same_bits(several.dx, one.dx)) << threads;
      for (std::size_t i = 0; i < one.weights.size(); i++) {
        EXPECT_TRUE(same_bits(several.weights[i], one.weights[i])) << threads << ", weight " << i;
      }
    }
  }
}

// Final states and those of every step, from initial states that have gradients, too.
TYPED_TEST(SameBits, OfAllThatALayerGivesForAnyNumberOfThreads) {
  for (const Dtype dtype : {float32, float64}) {
    auto layer = this->layer_;
    nn::to(layer, dtype);
    const Tensor x = cast(this->x_, dtype);
    nn::RecurrentCall<typename TypeParam::Cell::State> call{
        .reset = greater(wave({kSteps, kRows}, 4), 0.6), .states = true};
    call.initial =
        map_tensors(starts(layer, kRows), [&](const Tensor& h) { return cast(h, dtype); });
    for (const bool reverse : {false, true}) {
      call.reverse = reverse;
      call.lengths = reverse ? this->some_ : Lengths{};
      const auto with = [&](int threads) {
        const Threads scope(threads);
        return all_of(layer, x, call);
      };
      const Tensors one = with(1);
      for (const int threads : {2, 3, 5, 8}) {
        const Tensors several = with(threads);
        ASSERT_EQ(several.size(), one.size());
        for (std::size_t i = 0; i < one.size(); i++) {
          EXPECT_TRUE(same_bits(several[i], one[i])) << threads << ", value " << i;
        }
      }
    }
  }
}

TYPED_TEST(SameBits, OfARowWhereverItStands) {
  std::vector<Index> order(kRows);
  for (Index row = 0; row < kRows; row++) order[static_cast<std::size_t>(row)] = 35 * row % kRows;
  const std::vector<Index> few{91, 4, 50};
  for (const Lengths& lengths : {Lengths{}, this->some_}) {
    const Rewound all = rewound(this->layer_, this->x_, lengths, this->dy_);
    for (const std::vector<Index>& rows : {order, few, std::vector<Index>{17}}) {
      Lengths own;
      for (const Index row : rows) {
        if (!lengths.empty()) own.push_back(lengths[static_cast<std::size_t>(row)]);
      }
      const Threads scope(3);
      const Rewound some =
          rewound(this->layer_, rows_of(this->x_, rows), own, rows_of(this->dy_, rows));
      EXPECT_TRUE(same_bits(some.outputs, rows_of(all.outputs, rows))) << rows.size() << " rows";
      EXPECT_TRUE(same_bits(some.dx, rows_of(all.dx, rows))) << rows.size() << " rows";
    }
  }
}

}  // namespace
}  // namespace rw::test
