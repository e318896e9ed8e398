#include "rewind/tensor/unary.h"

#include <cmath>

#include "rewind/tensor/kernels/by_kernel.h"
#include "rewind/tensor/map.h"
#include "rewind/tensor/wrapping.h"

namespace rw {

void Exp::run(const Tensor& x, Tensor& y) const {
  by_kernel(x, y, [](auto* from, auto* to, Index n) { kernels::exp(from, to, n); });
}
void Expm1::run(const Tensor& x, Tensor& y) const {
  map(x, y, [](auto v) { return std::expm1(v); });
}
void Log::run(const Tensor& x, Tensor& y) const {
  by_kernel(x, y, [](auto* from, auto* to, Index n) { kernels::log(from, to, n); });
}
void Log1p::run(const Tensor& x, Tensor& y) const {
  map(x, y, [](auto v) { return std::log1p(v); });
}
void Sqrt::run(const Tensor& x, Tensor& y) const {
  map(x, y, [](auto v) { return std::sqrt(v); });
}
void Rsqrt::run(const Tensor& x, Tensor& y) const {
  map(x, y, [](auto v) { return 1 / std::sqrt(v); });
}
void Reciprocal::run(const Tensor& x, Tensor& y) const {
  map(x, y, [](auto v) { return 1 / v; });
}
void Sin::run(const Tensor& x, Tensor& y) const {
  map(x, y, [](auto v) { return std::sin(v); });
}
void Cos::run(const Tensor& x, Tensor& y) const {
  map(x, y, [](auto v) { return std::cos(v); });
}

void Square::run(const Tensor& x, Tensor& y) const {
  dispatch_number(name, x.dtype(), [&](auto zero) {
    map_as<decltype(zero)>(x, y, [](auto v) { return wrapped(std::multiplies<>(), v, v); });
  });
}

Tensor exp(Tensor x) { return apply(Exp{}, std::move(x)); }
Tensor expm1(Tensor x) { return apply(Expm1{}, std::move(x)); }
Tensor log(Tensor x) { return apply(Log{}, std::move(x)); }
Tensor log1p(Tensor x) { return apply(Log1p{}, std::move(x)); }
Tensor sqrt(Tensor x) { return apply(Sqrt{}, std::move(x)); }
Tensor rsqrt(Tensor x) { return apply(Rsqrt{}, std::move(x)); }
Tensor square(Tensor x) { return apply(Square{}, std::move(x)); }
Tensor reciprocal(Tensor x) { return apply(Reciprocal{}, std::move(x)); }
Tensor sin(Tensor x) { return apply(Sin{}, std::move(x)); }
Tensor cos(Tensor x) { return apply(Cos{}, std::move(x)); }

}  // namespace rw
