#include "rewind/optim/norm.h"

#include <atomic>
#include <cmath>
#include <numeric>

#include "rewind/optim/gradient_sum.h"
#include "rewind/optim/kernels/passes.h"
#include "rewind/tensor/parallel.h"

namespace rw::optim {
namespace {

constexpr Index kGrain = 1 << 15;  // less is not worth waking a thread

// The sums of ranges that do not depend on the number of threads, added in order.
template <class T>
double sum_of_squares(std::span<const T> x, double factor) {
  std::vector<double> sums(static_cast<std::size_t>(count_of_parts(std::ssize(x), kGrain)));
  parallel_for(std::ssize(x), kGrain, [&](Index begin, Index end) {
    sums[static_cast<std::size_t>(begin / kGrain)] =
        kernels::sum_of_squares(x.data() + begin, end - begin, factor);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
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
  std::atomic<bool> finite = true;
  parallel_for(std::ssize(x), kGrain, [&](Index begin, Index end) {
    if (!kernels::all_finite(x.data() + begin, end - begin)) finite = false;
  });
  return finite;
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
