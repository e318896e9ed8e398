// Tensors as text, laid out as NumPy does it:
//
//   tensor([[ 1.0,  2.5],
//           [ 3.0, -1.0]], shape=[2, 2], float32)
//
// All elements have one width, and of the floating ones all have as many digits after the point as
// the one that needs most, at most `precision`. When the largest is 1e8 or more, or the smallest
// below 1e-4, or a thousandth of the largest, they are written as 1.5e-05. Elements beyond
// `threshold` are left out: of every long axis the first and the last `edge` are shown. A tensor of
// which only the shape is known prints as tensor(?, shape=[2, 2], float32), a handle without a
// tensor as tensor(none).
//
//   std::cout << x;      fmt::print("{}", x);      fmt::print("{:.3f}", x);     // each element so
#pragma once

#include <algorithm>
#include <iosfwd>
#include <string>
#include <string_view>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

struct PrintOptions {
  Index precision = 4;  // digits after the point, 0 to 1074
  Index threshold = 1000;
  Index edge = 3;
  Index width = 80;  // longer rows are broken
  // How each number is written, in fmt's words: ".3f", "+.2e", "5d". What is meant for floating
  // numbers does not touch whole ones, and the other way round; bool is true or false. Empty: as
  // above. Throws ValueError when fmt does not understand it.
  std::string_view format = {};
};

std::string to_string(const Tensor& x, const PrintOptions& options = {});
std::ostream& operator<<(std::ostream& out, const Tensor& x);

}  // namespace rw

template <>
struct fmt::formatter<rw::Tensor> {
  std::string_view element;

  constexpr auto parse(format_parse_context& context) {
    auto end = context.begin();
    while (end != context.end() && *end != '}') ++end;
    element = {context.begin(), static_cast<std::size_t>(end - context.begin())};
    return end;
  }
  auto format(const rw::Tensor& x, format_context& context) const {
    return std::ranges::copy(rw::to_string(x, {.format = element}), context.out()).out;
  }
};
