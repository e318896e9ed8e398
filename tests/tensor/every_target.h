// Runs a check on every instruction set in turn, saying which one when it fails.
#pragma once

#include <gtest/gtest.h>

#include "tensor/targets.h"

namespace rw::kernels {

template <class F>
void for_every_target(F f) {
  const Targets targets;
  for (const std::int64_t target : targets.all()) {
    Targets::choose(target);
    SCOPED_TRACE(hwy::TargetName(target));
    f();
  }
}

}  // namespace rw::kernels
