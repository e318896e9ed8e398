#include "rewind/tensor/extrema.h"

#include <limits>

#include "rewind/tensor/kernels/fold.h"
#include "rewind/tensor/map.h"

namespace rw {
namespace {

using kernels::ExtremeOf;
using kernels::fold;
using kernels::reduce;

template <bool least>
void pick(std::string_view op, const Tensor& a, const Tensor& b, Tensor& y) {
  dispatch_number(op, a.dtype(), [&](auto v) {
    using T = decltype(v);
    zip_as<T>(a, b, y, [](T p, T q) { return ExtremeOf<T, least>().join(p, q); });
  });
}

template <bool least>
void extreme(std::string_view op, const Tensor& x, std::uint32_t axes, Tensor& y) {
  dispatch_number(op, x.dtype(), [&](auto v) {
    using T = decltype(v);
    T* to = output_data<T>(y);
    fold<T>(x, axes, ExtremeOf<T, least>(), [to](Index place, T acc) { to[place] = acc; });
  });
}

template <class T, bool least>
struct PositionOfExtreme {
  struct Acc {
    T value;
    Index r;
  };
  Acc identity() const { return {T{}, -1}; }
  static bool better(T a, T b) { return (least ? a < b : a > b) || (a != a && b == b); }
  void step(Acc& acc, T value, Index, Index r) const {
    if (acc.r < 0 || better(value, acc.value)) acc = {value, r};
  }
  Acc join(Acc a, Acc b) const {
    if (b.r < 0 || better(a.value, b.value)) return a;
    return better(b.value, a.value) || b.r < a.r ? b : a;
  }
};

template <bool least>
void position(std::string_view op, const Tensor& x, std::uint32_t axes, Tensor& y) {
  dispatch_number(op, x.dtype(), [&](auto v) {
    using T = decltype(v);
    auto* to = output_data<Index>(y);
    fold<T>(x, axes, PositionOfExtreme<T, least>(),
            [to](Index place, auto acc) { to[place] = acc.r; });
  });
}

template <class Op>
Spec chosen_from(const Op& op, const Spec& x) {
  takes_numbers(Op::name, x);
  const Spec y = op.reduced(x);
  require<ValueError>(x.shape.count() > 0 || y.shape.count() == 0,
                      "{}: nothing to choose from in {} over the axes that go", Op::name, x);
  return y;
}

}  // namespace

void Maximum::run(const Tensor& a, const Tensor& b, Tensor& y) const { pick<false>(name, a, b, y); }
void Minimum::run(const Tensor& a, const Tensor& b, Tensor& y) const { pick<true>(name, a, b, y); }

Spec Max::infer(const Spec& x) const { return chosen_from(*this, x); }
void Max::run(const Tensor& x, Tensor& y) const { extreme<false>(name, x, axes, y); }
Spec Min::infer(const Spec& x) const { return chosen_from(*this, x); }
void Min::run(const Tensor& x, Tensor& y) const { extreme<true>(name, x, axes, y); }

Spec ArgMax::infer(const Spec& x) const { return chosen_from(*this, x).with_dtype(int64); }
void ArgMax::run(const Tensor& x, Tensor& y) const { position<false>(name, x, axes, y); }
Spec ArgMin::infer(const Spec& x) const { return chosen_from(*this, x).with_dtype(int64); }
void ArgMin::run(const Tensor& x, Tensor& y) const { position<true>(name, x, axes, y); }

Tensor maximum(Tensor a, Tensor b) { return apply(Maximum{}, std::move(a), std::move(b)); }
Tensor minimum(Tensor a, Tensor b) { return apply(Minimum{}, std::move(a), std::move(b)); }
Tensor maximum(Tensor a, Scalar b) { return apply_beside<Maximum>(std::move(a), b); }
Tensor minimum(Tensor a, Scalar b) { return apply_beside<Minimum>(std::move(a), b); }

Tensor max(const Tensor& x, Axes axes, bool keepdims) { return reduce<Max>(x, axes, keepdims); }
Tensor min(const Tensor& x, Axes axes, bool keepdims) { return reduce<Min>(x, axes, keepdims); }
Tensor argmax(const Tensor& x, Axes axes, bool keepdims) {
  return reduce<ArgMax>(x, axes, keepdims);
}
Tensor argmin(const Tensor& x, Axes axes, bool keepdims) {
  return reduce<ArgMin>(x, axes, keepdims);
}

}  // namespace rw
