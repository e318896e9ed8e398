// When dropout acts, what it keeps, and its edges.
#include "rewind/nn/dropout.h"

#include <limits>

#include "nn/differences.h"
#include "rewind/tensor/random.h"
#include "support/elements.h"

namespace rw {
namespace {

TEST(Dropout, ActsWhileATapeRecordsForTraining) {
  const Tensor x = ones({1000});
  const nn::Dropout drop(0.5);
  EXPECT_EQ(elements(drop(x)), elements(x));
  {
    Tape tape({.training = false});
    EXPECT_EQ(elements(drop(x)), elements(x));
    Training on(true);
    EXPECT_NE(elements(drop(x)), elements(x));
  }
  Tape tape;
  EXPECT_NE(elements(drop(x)), elements(x));
}

TEST(Dropout, ZeroesItsShareAndKeepsTheMean) {
  const Random stream(3);
  const Training on(true);
  Index zeros = 0;
  for (double y : elements(nn::dropout(ones({20000}, float64), 0.25))) {
    if (y == 0) {
      zeros++;
    } else {
      EXPECT_DOUBLE_EQ(y, 1 / 0.75);
    }
  }
  EXPECT_NEAR(static_cast<double>(zeros), 5000, 250);
}

TEST(Dropout, DrawsFromTheThreadsStream) {
  const Training on(true);
  const auto draw = [] {
    const Random stream(5);
    return elements(nn::dropout(ones({100}), 0.5));
  };
  const std::vector<double> first = draw();
  EXPECT_EQ(draw(), first);
  const Random stream(5);
  nn::dropout(ones({100}), 0);  // draws nothing
  EXPECT_EQ(elements(nn::dropout(ones({100}), 0.5)), first);
  EXPECT_NE(elements(nn::dropout(ones({100}), 0.5)), first);
}

TEST(Dropout, HasExactEnds) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Tape tape;
  const Tensor x = tape.watch(tensor({1.0, nan, -3.0}));
  const Tensor none = nn::dropout(x, 0);
  EXPECT_EQ(none[2].item(), -3);
  const Tensor all = nn::dropout(x, 1);
  EXPECT_EQ(elements(all), (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(elements(tape.backward(sum(all))[x]), (std::vector<double>{0, 0, 0}));
}

TEST(Dropout, HasRightGradients) {
  const Parameter x(test::wave({4, 5}), "x");
  const Training on(true);
  test::expect_gradients(
      [&] {
        const Random stream(9);
        return nn::dropout(x, 0.4);
      },
      test::variables({&x}));
}

TEST(Dropout, RefusesWhatIsNoProbability) {
  EXPECT_ERROR(nn::Dropout(1.5), ValueError, "dropout: p is 1.5; a probability lies in [0, 1]");
  EXPECT_ERROR(nn::dropout(ones({2}), -0.1), ValueError,
               "dropout: p is -0.1; a probability lies in [0, 1]");
  EXPECT_THROW(nn::dropout(ones({2}), std::numeric_limits<double>::quiet_NaN()), ValueError);
}

}  // namespace
}  // namespace rw
