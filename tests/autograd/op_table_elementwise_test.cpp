// Rows of the table: element by element.
#include <cmath>

#include "autograd/op_table.h"
#include "rewind/autograd/engine/step/choose.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/division.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/rounding.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/unary.h"

namespace rw::test {
namespace {

using Unary = Tensor (*)(Tensor);
using Number = double (*)(double);

OpRow unary(const std::string& name, Unary f, Number value, double low = -2, double high = 2) {
  return {name,
          [f](const Tensors& x) { return f(x[0]); },
          {{{3, 4}, low, high}},
          [value](const Tensors& x) { return reference::map(value, x[0]); }};
}

template <class F, class Value>
OpRow binary(const std::string& name, F f, Value value, Argument a = {{2, 3}},
             Argument b = {{2, 3}}) {
  return {name,
          [f](const Tensors& x) { return f(x[0], x[1]); },
          {a, b},
          [value](const Tensors& x) {
            return reference::zip(value, broadcast("row", x[0].shape(), x[1].shape()), x[0], x[1]);
          }};
}

// The two operands of one shape, and broadcast against each other.
template <class F, class Value>
void add_binary(std::vector<OpRow>& rows, const std::string& name, F f, Value value, Argument a,
                Argument b) {
  rows.push_back(binary(name, f, value, a, b));
  const auto with = [](Argument x, const Dims& shape) {
    x.shape = shape;
    return x;
  };
  rows.push_back(binary(name + " with a row", f, value, a, with(b, {3})));
  rows.back().empty = {{0, 3}, {3}};
  rows.push_back(binary(name + " both ways", f, value, with(a, {2, 1}), with(b, {2, 1, 3})));
}

constexpr double kLow = 0.5, kHigh = 2.5;  // away from 0

void add_functions(std::vector<OpRow>& rows) {
  rows.push_back(unary("exp", exp, std::exp));
  rows.push_back(unary("expm1", expm1, std::expm1));
  rows.push_back(unary("log", log, std::log, kLow, kHigh));
  rows.push_back(unary("log1p", log1p, std::log1p, -0.5, kHigh));
  rows.push_back(unary("sqrt", sqrt, std::sqrt, kLow, kHigh));
  rows.push_back(unary(
      "rsqrt", rsqrt, [](double x) { return 1 / std::sqrt(x); }, kLow, kHigh));
  rows.push_back(unary("square", square, [](double x) { return x * x; }));
  rows.push_back(unary(
      "reciprocal", reciprocal, [](double x) { return 1 / x; }, kLow, kHigh));
  rows.push_back(unary("sin", sin, std::sin));
  rows.push_back(unary("cos", cos, std::cos));
  rows.push_back(unary("tanh", tanh, std::tanh));
  rows.push_back(unary("sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }));
  rows.push_back(unary("relu", relu, [](double x) { return x > 0 ? x : 0; }));
  rows.push_back(unary("softplus", softplus, [](double x) { return std::log1p(std::exp(x)); }));
  rows.push_back(unary("abs", abs, std::fabs));
  rows.push_back(unary("sign", sign, [](double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; }));
  rows.push_back(unary("floor", floor, std::floor));
  rows.push_back(unary("round", round, std::nearbyint));
  rows.push_back(unary(
      "affine", [](Tensor x) { return 3 * x; }, [](double x) { return 3 * x; }));
  rows.push_back(unary(
      "negative", [](Tensor x) { return -x; }, [](double x) { return -x; }));
  rows.push_back(unary(
      "gelu", [](Tensor x) { return gelu(x); },
      [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }));
  rows.push_back(unary(
      "gelu approximate", [](Tensor x) { return gelu(x, {.approximate = true}); },
      [](double x) {
        const double u = std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x);
        return 0.5 * x * (1 + std::tanh(u));
      }));
  rows.push_back(unary(
      "clamp", [](Tensor x) { return clamp(x, {.min = -1, .max = 0.7}); },
      [](double x) { return x < -1    ? -1
                            : x > 0.7 ? 0.7
                                      : x; }));
  rows.push_back(unary(
      "isnan", [](Tensor x) { return isnan(x); }, [](double) { return 0.0; }));
  rows.push_back(unary(
      "isfinite", [](Tensor x) { return isfinite(x); }, [](double) { return 1.0; }));
  rows.push_back(unary(
      "to int64", [](Tensor x) { return to(x, int64); }, std::trunc));
  rows.push_back(unary(
      "to bool and back", [](Tensor x) { return to(to(x, boolean), float64); },
      [](double) { return 1.0; }));
}

void add_pairs(std::vector<OpRow>& rows) {
  const Argument any{{2, 3}}, positive{{2, 3}, kLow, kHigh};
  const auto add = [&](const char* name, auto f, auto value, Argument a, Argument b) {
    add_binary(rows, name, f, value, a, b);
  };
  using T = const Tensor&;
  add(
      "add", [](T a, T b) { return a + b; }, [](double a, double b) { return a + b; }, any, any);
  add(
      "subtract", [](T a, T b) { return a - b; }, [](double a, double b) { return a - b; }, any,
      any);
  add(
      "multiply", [](T a, T b) { return a * b; }, [](double a, double b) { return a * b; }, any,
      any);
  add(
      "divide", [](T a, T b) { return a / b; }, [](double a, double b) { return a / b; }, any,
      positive);
  add(
      "pow", [](T a, T b) { return pow(a, b); }, [](double a, double b) { return std::pow(a, b); },
      positive, any);
  add(
      "maximum", [](T a, T b) { return maximum(a, b); },
      [](double a, double b) { return std::max(a, b); }, any, any);
  add(
      "minimum", [](T a, T b) { return minimum(a, b); },
      [](double a, double b) { return std::min(a, b); }, any, any);
  add(
      "floor_divide", [](T a, T b) { return floor_divide(a, b); },
      [](double a, double b) { return std::floor(a / b); }, any, positive);
  add(
      "remainder", [](T a, T b) { return remainder(a, b); },
      [](double a, double b) { return a - std::floor(a / b) * b; }, any, positive);
  add(
      "equal", [](T a, T b) { return equal(a, b); }, std::equal_to<double>(), any, any);
  add(
      "not_equal", [](T a, T b) { return not_equal(a, b); }, std::not_equal_to<double>(), any, any);
  add(
      "less", [](T a, T b) { return less(a, b); }, std::less<double>(), any, any);
  add(
      "less_equal", [](T a, T b) { return less_equal(a, b); }, std::less_equal<double>(), any, any);
  add(
      "greater", [](T a, T b) { return greater(a, b); }, std::greater<double>(), any, any);
  add(
      "greater_equal", [](T a, T b) { return greater_equal(a, b); }, std::greater_equal<double>(),
      any, any);
  add(
      "masked_fill", [](T a, T mask) { return masked_fill(a, mask, 0.25); },
      [](double a, double mask) { return mask != 0 ? 0.25 : a; }, any, {{2, 3}, -1, 1, boolean});

  const Argument flag{{2, 3}, -1, 1, boolean};
  add(
      "logical_and", [](T a, T b) { return logical_and(a, b); }, std::logical_and<double>(), flag,
      flag);
  add(
      "logical_or", [](T a, T b) { return logical_or(a, b); }, std::logical_or<double>(), flag,
      flag);
  add(
      "logical_xor", [](T a, T b) { return logical_xor(a, b); }, std::not_equal_to<double>(), flag,
      flag);
  rows.push_back({"logical_not",
                  [](const Tensors& x) { return logical_not(x[0]); },
                  {flag},
                  [](const Tensors& x) {
                    return reference::map([](double v) { return v == 0 ? 1.0 : 0.0; }, x[0]);
                  }});
}

void add_choices(std::vector<OpRow>& rows) {
  const auto value = [](const Tensors& x) {
    const Dims shape = broadcast("row", x[0].shape(), broadcast("row", x[1].shape(), x[2].shape()));
    return reference::zip([](double c, double a, double b) { return c != 0 ? a : b; }, shape, x[0],
                          x[1], x[2]);
  };
  const auto f = [](const Tensors& x) { return where(x[0], x[1], x[2]); };
  rows.push_back({"where", f, {{{2, 3}, -1, 1, boolean}, {{2, 3}}, {{2, 3}}}, value});
  rows.push_back({"where broadcast",
                  f,
                  {{{2, 1}, -1, 1, boolean}, {{3}}, {{2, 3}}},
                  value,
                  {{2, 1}, {0}, {2, 0}}});
  const auto choose = [](const Tensors& x) { return apply(engine::Choose{}, x[0], x[1], x[2]); };
  rows.push_back({"choose", choose, {{{2, 1}}, {{2, 3}}, {{2, 3}}}, value});
}

}  // namespace

std::vector<OpRow> elementwise_rows() {
  std::vector<OpRow> rows;
  add_functions(rows);
  add_pairs(rows);
  add_choices(rows);
  return rows;
}

}  // namespace rw::test
