// What this machine makes of a large product here and now: the figure that others are fractions of.
#pragma once

#include "rewind/tensor/tensor.h"

namespace rw::bench {

// The best of repeated float32 products of 1024 x 1024 matrices by rw::matmul, with as many threads
// as the caller has. Measured when made, and again whenever asked: the clock of a processor and
// what else it does change within a run.
class SgemmPeak {
 public:
  SgemmPeak();

  void measure_again();

  double gflops() const { return gflops_; }

 private:
  void measure(int repetitions);

  Tensor a_, b_;
  double gflops_ = 0;
};

}  // namespace rw::bench
