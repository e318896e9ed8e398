// What explain() says of the cells of cell_cases.h.
#pragma once

#include "autograd/engine/cell_cases.h"
#include "rewind/autograd/explain.h"

namespace rw::test {

inline std::string explained(const std::string& name) {
  const ScanCase c = cell_named(name);
  const auto step = [&](const Tensors& x, const Tensors& s) { return c.step(x, s, c.weights); };
  return explain(step, c.xs, c.initial);
}

}  // namespace rw::test
