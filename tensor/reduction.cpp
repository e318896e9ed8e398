#include "rewind/tensor/reduction.h"

#include <cmath>

#include "rewind/tensor/kernels/fold.h"
#include "rewind/tensor/takes.h"

namespace rw {
namespace {

using kernels::fold;
using kernels::reduce;
using kernels::SumOf;
using kernels::Wide;

template <class T>
struct ProductOf {
  using Acc = Wide<T>;
  Acc identity() const { return 1; }
  void step(Acc& acc, T value, Index, Index) const { acc *= static_cast<Acc>(value); }
  Acc join(Acc a, Acc b) const { return a * b; }
};

template <class T>
struct SquaresAround {
  using Acc = double;
  const double* means;
  Acc identity() const { return 0; }
  void step(Acc& acc, T value, Index place, Index) const {
    const double distance = static_cast<double>(value) - means[place];
    acc += distance * distance;
  }
  Acc join(Acc a, Acc b) const { return a + b; }
};

struct AnyOf {
  using Acc = bool;
  Acc identity() const { return false; }
  void step(Acc& acc, bool value, Index, Index) const { acc = acc | value; }
  Acc join(Acc a, Acc b) const { return a | b; }
};

struct AllOf {
  using Acc = bool;
  Acc identity() const { return true; }
  void step(Acc& acc, bool value, Index, Index) const { acc = acc & value; }
  Acc join(Acc a, Acc b) const { return a & b; }
};

}  // namespace

Spec Sum::infer(const Spec& x) const {
  return reduced(x).with_dtype(x.dtype == boolean ? int64 : x.dtype);
}
void Sum::run(const Tensor& x, Tensor& y) const {
  dispatch_any(x.dtype(), [&](auto v) {
    using T = decltype(v);
    using U = std::conditional_t<std::is_same_v<T, bool>, Index, T>;
    U* to = output_data<U>(y);
    fold<T>(x, axes, SumOf<T>(), [to](Index place, auto acc) { to[place] = static_cast<U>(acc); });
  });
}

Spec Mean::infer(const Spec& x) const { return reduced(takes_floats(name, x)); }
void Mean::run(const Tensor& x, Tensor& y) const {
  const auto n = static_cast<double>(elements_each(x.shape(), axes));
  dispatch_float(name, x.dtype(), [&](auto v) {
    using T = decltype(v);
    T* to = output_data<T>(y);
    fold<T>(x, axes, SumOf<T>(),
            [&](Index place, double acc) { to[place] = static_cast<T>(acc / n); });
  });
}

Spec Prod::infer(const Spec& x) const { return reduced(takes_numbers(name, x)); }
void Prod::run(const Tensor& x, Tensor& y) const {
  dispatch_number(name, x.dtype(), [&](auto v) {
    using T = decltype(v);
    T* to = output_data<T>(y);
    fold<T>(x, axes, ProductOf<T>(),
            [to](Index place, auto acc) { to[place] = static_cast<T>(acc); });
  });
}

Spec Var::infer(const Spec& x) const {
  require<ValueError>(correction >= 0, "var: correction = {}; it is 0 or more", correction);
  return Reduction{axes, keepdims}.reduced(takes_floats(name, x));
}
double Var::divisor(const Dims& shape) const {
  return std::max(static_cast<double>(elements_each(shape, axes)) - correction, 0.0);
}
void Var::run(const Tensor& x, Tensor& y) const {
  const auto n = static_cast<double>(elements_each(x.shape(), axes));
  const double left = divisor(x.shape());
  Tensor kept = Tensor::uninitialized({y.shape(), float64});
  double* means = output_data<double>(kept);
  dispatch_float(name, x.dtype(), [&](auto v) {
    using T = decltype(v);
    T* to = output_data<T>(y);
    fold<T>(x, axes, SumOf<T>(), [&](Index place, double acc) { means[place] = acc / n; });
    fold<T>(x, axes, SquaresAround<T>{means},
            [&](Index place, double acc) { to[place] = static_cast<T>(acc / left); });
  });
}

Spec Any::infer(const Spec& x) const { return reduced(takes_bools(name, x)); }
void Any::run(const Tensor& x, Tensor& y) const {
  bool* to = output_data<bool>(y);
  fold<bool>(x, axes, AnyOf(), [to](Index place, bool acc) { to[place] = acc; });
}

Spec All::infer(const Spec& x) const { return reduced(takes_bools(name, x)); }
void All::run(const Tensor& x, Tensor& y) const {
  bool* to = output_data<bool>(y);
  fold<bool>(x, axes, AllOf(), [to](Index place, bool acc) { to[place] = acc; });
}

Tensor sum(const Tensor& x, Axes axes, bool keepdims) { return reduce<Sum>(x, axes, keepdims); }
Tensor mean(const Tensor& x, Axes axes, bool keepdims) { return reduce<Mean>(x, axes, keepdims); }
Tensor prod(const Tensor& x, Axes axes, bool keepdims) { return reduce<Prod>(x, axes, keepdims); }
Tensor any(const Tensor& x, Axes axes, bool keepdims) { return reduce<Any>(x, axes, keepdims); }
Tensor all(const Tensor& x, Axes axes, bool keepdims) { return reduce<All>(x, axes, keepdims); }

Tensor var(const Tensor& x, Axes axes, VarOptions options) {
  return apply(Var{axes.mask(Var::name, x.rank()), options.keepdims, options.correction}, x);
}

}  // namespace rw
