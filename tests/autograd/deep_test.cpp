// Long tapes: nothing recurses over them, and a sequence costs what its length says.
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <ctime>
#include <functional>

#include "rewind/autograd/tape.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/views.h"

namespace rw {
namespace {

// Runs f on a thread with a stack of 256 KiB. An overflow kills the program.
void on_a_small_stack(std::function<void()> f) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
  pthread_t thread;
  const auto run = [](void* g) -> void* {
    (*static_cast<std::function<void()>*>(g))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &f), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

void chain(bool backward) {
  Tape tape;
  const Tensor x = tape.watch(scalar(1, float64));
  Tensor y = x;
  for (int i = 0; i < 1000000; i++) y = y + 1;
  EXPECT_EQ(tape.size(), 1000000u);
  if (backward) {
    EXPECT_EQ(tape.backward(y)[x].item(), 1);
  }
}

void splits_and_joins(bool backward) {
  Tape tape;
  const Tensor x = tape.watch(ones({2}, float64));
  Tensor y = x;
  for (int i = 0; i < 100000; i++) {
    const std::vector<Tensor> halves = split(y, 1);
    y = concat({halves[1], halves[0]});
  }
  if (backward) {
    const Tensor dx = tape.backward({{y, tensor({3.0, 5.0}, float64)}})[x];
    EXPECT_EQ(dx.span<double>()[0], 3);
    EXPECT_EQ(dx.span<double>()[1], 5);
  }
}

TEST(Bug24, AMillionOperationsFitASmallStack) {
  on_a_small_stack([] { chain(true); });
  on_a_small_stack([] { chain(false); });
}

TEST(Bug24, AHundredThousandSplitsAndJoinsFitASmallStack) {
  on_a_small_stack([] { splits_and_joins(true); });
  on_a_small_stack([] { splits_and_joins(false); });
}

// Processor time per slice to rewind the sum of all steps of one sequence: the least of several
// runs. (Time on the wall would also count what else the machine does.)
double rewind_per_slice(Index steps) {
  double least = 1e12;
  for (int run = 0; run < 4; run++) {
    Tape tape;
    const Tensor x = tape.watch(ones({steps, 8}, float64));
    Tensor sum = zeros({8}, float64);
    for (Index t = 0; t < steps; t++) sum = sum + x[t];
    const std::clock_t start = std::clock();
    const Gradients gradients = tape.backward({{sum, ones({8}, float64)}});
    const auto spent = static_cast<double>(std::clock() - start);
    EXPECT_EQ(gradients[x].span<double>().back(), 1);
    least = std::min(least, spent / static_cast<double>(steps));
  }
  return least;
}

TEST(Slices, OfOneSequenceCostNoMoreEachWhenThereAreMore) {
  // A slice that cost O(T) would cost sixteen times as much. The longer sequence leaves the caches,
  // and the machine may be busy: hence the wide margin.
  EXPECT_LT(rewind_per_slice(64000), 8 * rewind_per_slice(4000));
}

}  // namespace
}  // namespace rw
