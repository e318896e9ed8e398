#include "rewind/optim/norm.h"

#include <bit>
#include <cmath>

#include "rewind/optim/gradient_sum.h"

namespace rw::optim {
namespace {

// Independent sums: the compiler may keep them in vectors without reordering anything.
constexpr std::size_t kLanes = 8;

template <class T>
double sum_of_squares(std::span<const T> x, double factor) {
  double sums[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= x.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; lane++) {
      const double v = factor * static_cast<double>(x[i + lane]);
      sums[lane] += v * v;
    }
  }
  for (; i < x.size(); i++) {
    const double v = factor * static_cast<double>(x[i]);
    sums[i % kLanes] += v * v;
  }
  double total = 0;
  for (double sum : sums) total += sum;
  return total;
}

// With float32 no square overflows or underflows a double, nor does any sum of them.
template <class T>
double norm_of(std::span<const T> x) {
  const double squares = sum_of_squares(x, 1);
  if (squares > 1e-280 && squares < 1e300) return std::sqrt(squares);
  if (std::isnan(squares)) return squares;
  double largest = 0;
  for (T v : x) largest = std::max(largest, std::abs(static_cast<double>(v)));
  if (largest == 0 || std::isinf(largest)) return largest;
  // A power of two scales without rounding.
  const int exponent = std::clamp(std::ilogb(largest), -1000, 1000);
  return std::ldexp(std::sqrt(sum_of_squares(x, std::ldexp(1.0, -exponent))), exponent);
}

template <class T>
bool all_finite(std::span<const T> x) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr Bits kExponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
  Bits found = 0;
  for (T v : x) found |= Bits{(std::bit_cast<Bits>(v) & kExponent) == kExponent};
  return found == 0;
}

}  // namespace

double norm(std::span<const float> x) { return norm_of(x); }
double norm(std::span<const double> x) { return norm_of(x); }

double norm(const Tensor& contiguous) {
  return dispatch_float("norm", contiguous.dtype(),
                        [&](auto v) { return norm_of(contiguous.span<decltype(v)>()); });
}

double norm(const Gradients& gradients) {
  std::vector<double> norms;
  for (const Gradients::Entry& entry : gradients.entries()) {
    if (!entry.of.is_parameter()) continue;
    norms.push_back(norm(sum_terms("norm", entry.of, entry.gradient).values));
  }
  return norm(norms);
}

bool all_finite(const Tensor& contiguous) {
  return dispatch_float("all_finite", contiguous.dtype(),
                        [&](auto v) { return all_finite(contiguous.span<decltype(v)>()); });
}

std::string list_of(const std::vector<const Variable*>& variables) {
  constexpr std::size_t kShown = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, variables.size()); i++) {
    text += (i == 0 ? "" : ", ") + variables[i]->description();
  }
  if (variables.size() > kShown) text += fmt::format(" and {} more", variables.size() - kShown);
  return text;
}

}  // namespace rw::optim
