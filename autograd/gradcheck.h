// Checks derivatives against differences: the way to know that a rule is right.
//
//   EXPECT_TRUE(gradcheck(softplus, {x}));
//   EXPECT_TRUE(gradgradcheck([](const Tensor& a, const Tensor& b) { return a * b; }, {a, b}));
//
// The function takes Tensors (or one vector of them) and returns a Tensor, several in a
// std::vector or std::array, or a struct of them. Its results are weighted with random numbers, no
// two alike, so that mistakes cannot cancel; the weighted sum is differentiated by `backward`, and
// by central differences at every element of every input, with steps that shrink until Richardson's
// extrapolation (in Ridders' form, Advances in Engineering Software 4, 1982) stops improving.
//
// It must be called where the function is smooth: beside a kink of abs both answers are right.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "rewind/autograd/tape.h"
#include "rewind/autograd/tree.h"

namespace [[gnu::visibility("default")]] rw {

struct GradcheckOptions {
  // The greatest error allowed, relative to the larger of the two values. A value far below others
  // of the same input is measured against a hundredth of the largest, none against less than 1e-3.
  double tolerance = 1e-6;
  // Where the differences begin: times |x|, or 1 where that is more. Steps halve from there on.
  double step = 1e-2;
  // These inputs are held constant, as int64 and bool ones always are.
  std::vector<int> constants = {};
  // gradgradcheck: the highest order that is compared.
  int order = 2;
  // Of the weights.
  std::uint64_t seed = 1;
};

// Converts to whether all is well, and prints as one line.
struct GradcheckResult {
  bool ok = true;
  int order = 1;             // of the derivative that was found wrong, or the last one compared
  int input = -1;            // where the worst element is; beyond the inputs stand the gradients
                             // that arrive, which are inputs of a derivative too
  std::vector<Index> index;  // its position in that input
  double backward = 0;       // what the tape gave
  double differences = 0;    // what the differences gave
  double error = 0;          // relative, see GradcheckOptions::tolerance
  std::string text;

  explicit operator bool() const { return ok; }
  friend std::ostream& operator<<(std::ostream& out, const GradcheckResult& result);
};

namespace gradcheck_internal {

using Function = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

GradcheckResult check(const Function& f, const std::vector<Tensor>& inputs, int first_order,
                      int last_order, const GradcheckOptions& options);
[[noreturn]] void wrong_count(std::size_t inputs);

template <class Result>
std::vector<Tensor> tensors_in(Result result) {
  if constexpr (std::is_base_of_v<Tensor, Result>) {
    return {std::move(result)};
  } else if constexpr (requires { result.begin(); }) {
    return {result.begin(), result.end()};
  } else {
    return tensors_of(result);
  }
}

inline constexpr std::size_t kMostInputs = 8;

template <std::size_t N = 1, class F>
std::vector<Tensor> call(F& f, const std::vector<Tensor>& x) {
  if constexpr (std::is_invocable_v<F&, const std::vector<Tensor>&>) {
    return tensors_in(f(x));
  } else if constexpr (N > kMostInputs) {
    wrong_count(x.size());
  } else {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      if constexpr (requires { f(x[I]...); }) {
        if (x.size() == N) return tensors_in(f(x[I]...));
      }
      return call<N + 1>(f, x);
    }
    (std::make_index_sequence<N>{});
  }
}

template <class F>
Function function_of(F& f) {
  return [&f](const std::vector<Tensor>& x) { return call(f, x); };
}

}  // namespace gradcheck_internal

// Compares the first derivatives. Inputs are float64 (DtypeError: differences of float32 have three
// digits), int64 or bool. Throws ValueError when the function gives different results for the same
// inputs, and what backward throws, as for an operation without a rule.
template <class F>
GradcheckResult gradcheck(F&& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {}) {
  return gradcheck_internal::check(gradcheck_internal::function_of(f), inputs, 1, 1, options);
}

// The same for the derivatives of the gradient, as `.record` leaves it on the tape, by the inputs
// and by the gradients that arrive: second derivatives, and up to `order`.
template <class F>
GradcheckResult gradgradcheck(F&& f, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options = {}) {
  return gradcheck_internal::check(gradcheck_internal::function_of(f), inputs, 2, options.order,
                                   options);
}

}  // namespace rw
