// Learning rates as functions of the number of the step, the first being 0. They are values without
// state: what a resumed run needs is the number, which the optimizer counts and saves.
//
//   const optim::Schedule schedule =
//       optim::WarmUp{.steps = 100, .then = optim::Cosine{.rate = 1e-3, .steps = 10000}};
//   ...
//   adam.set_learning_rate(schedule(adam.steps()));
//   adam.step(gradients);
//
// Any function of the step number will do. These throw ValueError, when called, for a negative step
// number, for rates and factors that are negative or not finite, and for steps that are too few.
#pragma once

#include <functional>

#include "rewind/tensor/index.h"

namespace rw {
namespace [[gnu::visibility("default")]] optim {

using Schedule = std::function<double(Index step)>;

struct Constant {
  double rate = 1e-3;
  double operator()(Index step) const;
};

// `rate`, times `factor` again after every `every` steps.
struct StepWise {
  double rate = 1e-3;
  Index every = 1;
  double factor = 0.1;
  double operator()(Index step) const;
};

// From `rate` at step 0 down to `minimum` at step `steps` and from there on, along half a cosine
// (Loshchilov, Hutter: SGDR, 2017, without restarts).
struct Cosine {
  double rate = 1e-3;
  Index steps = 1;
  double minimum = 0;
  double operator()(Index step) const;
};

// Up in a straight line to the rate with which `then` begins: step i of the first `steps` has
// (i + 1) / steps of it. After them `then`, counted from its own step 0.
struct WarmUp {
  Index steps = 0;
  Schedule then = Constant{};
  double operator()(Index step) const;
};

}  // namespace optim
}  // namespace rw
