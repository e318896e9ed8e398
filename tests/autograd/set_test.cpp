// The rewind of writes into a tensor.
#include <gtest/gtest.h>

#include "autograd/edges.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/views.h"

namespace rw::test {
namespace {

// How often `set` could not write in place.
class CopiesOfSet final : public Interpreter {
 public:
  void run(Call& call) override {
    const void* const before = call.type.name == "set" ? call.inputs[0]->data<double>() : nullptr;
    hand_down(call);
    if (before) {
      calls++;
      copies += call.outputs[0].data<double>() != before;
    }
  }
  int calls = 0, copies = 0;
};

TEST(Set, OfEveryRowIsRewoundInPlace) {
  const Index rows = 50;
  Tape tape;
  Tensor y = tape.watch(ones({rows, 2}, float64)), w = tape.watch(list({3, 4}));
  const Tensor x = y, factors = reshape(arange(0, 2 * rows, 1, float64), {rows, 2});
  for (Index t = 0; t < rows; t++) y.set(t, w);
  const Tensor loss = sum(y * factors);
  CopiesOfSet counter;
  const Gradients gradients = tape.backward(loss);
  EXPECT_EQ(counter.calls, rows);
  EXPECT_EQ(counter.copies, 0);
  EXPECT_EQ(values(gradients[w]), (Values{50 * 49, 50 * 50}));
  EXPECT_EQ(values(gradients[x]), Values(100, 0));
}

// Neither what is asked for of the middle nor the gradient that was given may change.
TEST(Set, LeavesGradientsAloneThatOthersHold) {
  Tape tape;
  const Tensor x = tape.watch(list({1, 2}));
  Tensor y = 2 * x;
  y.set(0, sum(x));
  const Tensor middle = tape.watch(y), dy = list({5, 7});
  Tensor z = middle;
  z.set(1, 0.0);
  const Gradients gradients = tape.backward({{z, dy}});
  EXPECT_EQ(values(dy), (Values{5, 7}));
  EXPECT_EQ(values(gradients[middle]), (Values{5, 0}));
  EXPECT_EQ(values(gradients[x]), (Values{5, 5}));
}

}  // namespace
}  // namespace rw::test
