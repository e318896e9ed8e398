// Steps as graphs: what is found, what is found once, and what is refused.
#include "rewind/autograd/engine/trace/trace.h"

#include <gtest/gtest.h>

#include "rewind/nn/lstm.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/memory.h"
#include "rewind/tensor/views.h"
#include "support/message_of.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

const std::vector<Spec> kTwo = {Spec{{2, 3}}, Spec{{2, 4}}};

TEST(Trace, IsTheListOfOperations) {
  const Tensor w = ones({3, 4});
  const Trace elman = trace(kTwo, [&](const Tensors& in) {
    const Tensor product = matmul(in[0], w);
    return Tensors{tanh(product + in[1] * 2)};
  });
  EXPECT_EQ(to_string(elman.graph),
            "%3 = matmul(%0, %2) float32 [2, 4]\n%4 = affine{2, -0}(%1) float32 [2, 4]\n%5 = "
            "add(%3, %4) float32 [2, 4]\n%6 = tanh(%5) float32 [2, 4]\n");
  EXPECT_EQ(elman.results, std::vector<ValueId>{6});
  EXPECT_EQ(elman.captured, std::vector<ValueId>{2});
  EXPECT_TRUE(elman.captured_tensors[0].shares_storage_with(w));
}

TEST(Trace, HoldsTheSameThingOnce) {
  const Tensor w = ones({4});
  const Trace twice = trace({Spec{{2, 4}}}, [&](const Tensors& in) {
    const Tensor a = slice(in[0], 1, 0, 2), b = slice(in[0], 1, 0, 2), c = slice(in[0], 1, 2, 4);
    return Tensors{(a + b) * c, in[0] + w, in[0] + w};
  });
  EXPECT_EQ(twice.graph.nodes().size(), 5u);  // two slices, a sum, a product, a sum with w
  EXPECT_EQ(twice.captured.size(), 1u);
  EXPECT_EQ(twice.results[1], twice.results[2]);
}

TEST(Trace, TellsViewsOfOneTensorApart) {
  const Tensor w = ones({4, 4});
  const Trace views = trace({Spec{{4, 4}}}, [&](const Tensors& in) {
    return Tensors{in[0] + w, in[0] + w.view({4, 4}, {1, 4}, 0)};
  });
  EXPECT_EQ(views.captured.size(), 2u);
}

TEST(Trace, ComparesByContent) {
  Rng rng(1);
  const nn::LSTMCell cell(3, 4, rng), other(3, 4, rng);
  const auto traced = [](const nn::LSTMCell& model, Index batch) {
    return trace({Spec{{batch, 3}}, Spec{{batch, 4}}, Spec{{batch, 4}}}, [&](const Tensors& in) {
      const nn::LSTMCell::State next = model.step(in[0], {in[1], in[2]});
      return Tensors{next.h, next.c};
    });
  };
  EXPECT_TRUE(traced(cell, 2).graph == traced(other, 2).graph);
  EXPECT_FALSE(traced(cell, 2).graph == traced(cell, 5).graph);
  const auto scaled = [](double by) {
    return trace(kTwo, [&](const Tensors& in) { return Tensors{in[0] * by}; }).graph;
  };
  EXPECT_TRUE(scaled(2) == scaled(2));
  EXPECT_FALSE(scaled(0.0) == scaled(-0.0));
}

// Tensors of 2^48 bytes, of which no system gives one, not even for a moment. What is drawn is for
// handles.
TEST(Trace, ComputesNothingAndDrawsNoMemory) {
  constexpr Index kSide = Index{1} << 23;
  constexpr std::size_t kHandles = 4096;
  const std::size_t before = memory::bytes_in_use();
  std::size_t within = 0;
  Tensor seen;
  trace({Spec{{kSide, kSide}}}, [&](const Tensors& in) {
    seen = tanh(matmul(in[0], in[0])) * 2;
    within = memory::bytes_in_use();
    return Tensors{seen};
  });
  EXPECT_FALSE(seen.has_data());
  EXPECT_LE(within, before + kHandles);
  EXPECT_LE(memory::bytes_in_use(), before + kHandles);
}

TEST(Trace, RefusesNumbersThatAreRead) {
  EXPECT_EQ(
      message_of([] {
        trace({Spec{{}}}, [](const Tensors& in) { return Tensors{in[0] * in[0].item()}; });
      }),
      "item: only the shape of this float32 [] is known; values of a traced step cannot be read, "
      "in it or after it: return them, look at them with note, or use loop(...) or PlainLoops");
}

TEST(Trace, RefusesAValueThatEscapedFromAnother) {
  Tensor escaped;
  trace(kTwo, [&](const Tensors& in) { return Tensors{escaped = in[0] * 2}; });
  EXPECT_EQ(
      message_of([&] { trace(kTwo, [&](const Tensors& in) { return Tensors{in[0] + escaped}; }); }),
      "scan: a float32 [2, 3] of another step is used, of which only the shape is known; return it "
      "from its step, or look at it with note");
}

}  // namespace
}  // namespace rw::engine
