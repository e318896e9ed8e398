// A gradient with its terms added up, as optimizers and norms need it: the whole tensor, or a few
// rows of it, each named once.
#pragma once

#include <algorithm>

#include "rewind/autograd/gradients.h"

namespace rw {
namespace [[gnu::visibility("default")]] optim {

// A variable in the arguments of `require`: put into words only when a message is made of it.
struct Described {
  const Variable& variable;
};

struct GradientSum {
  Tensor values;            // contiguous: of the variable's shape, or [rows.size(), width]
  std::vector<Index> rows;  // ascending, none twice; all other rows are zero
  bool sparse = false;      // whether there are rows
};

// Sums in the order of the terms and of the rows in them. No interpreter sees it. Shares the
// numbers of a gradient that is one dense term, or rows in ascending order. Throws in the name of
// `op`: ShapeError and DtypeError when a term does not fit the variable, IndexError when the
// variable does not have the row.
GradientSum sum_terms(std::string_view op, const Variable& of, const Gradient& gradient);

}  // namespace optim
}  // namespace rw

template <>
struct fmt::formatter<rw::optim::Described> {
  constexpr auto parse(format_parse_context& context) { return context.begin(); }
  auto format(rw::optim::Described of, format_context& context) const {
    return std::ranges::copy(of.variable.description(), context.out()).out;
  }
};
