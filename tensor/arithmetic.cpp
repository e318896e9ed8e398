#include "rewind/tensor/arithmetic.h"

#include "rewind/tensor/map.h"
#include "rewind/tensor/wrapping.h"

namespace rw {
namespace {

template <class F>
void combine(std::string_view op, const Tensor& a, const Tensor& b, Tensor& y, F f) {
  dispatch_number(op, a.dtype(), [&](auto v) {
    using T = decltype(v);
    zip_as<T>(a, b, y, [f](T p, T q) { return wrapped(f, p, q); });
  });
}

// As a shift: x + -0.0 is x for every x, while -0.0 + 0.0 is 0.0.
constexpr double kNone = -0.0;

Tensor affine(Tensor x, double scale, double shift) {
  return apply(Affine{scale, shift}, std::move(x));
}

}  // namespace

Spec ScalarSource::infer() const {
  takes_element(name, value, {{}, dtype});
  return {{}, dtype};
}

void ScalarSource::run(Tensor& y) const {
  dispatch_any(dtype, [&](auto v) {
    using T = decltype(v);
    *output_data<T>(y) = static_cast<T>(value);
  });
}

void Add::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  combine(name, a, b, y, std::plus<>());
}

void Subtract::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  combine(name, a, b, y, std::minus<>());
}

void Multiply::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  combine(name, a, b, y, std::multiplies<>());
}

Spec Divide::infer(const Spec& a, const Spec& b) const {
  require<DtypeError>(
      is_float(a.dtype) && is_float(b.dtype),
      "divide: takes float32 or float64, got {} and {}; use floor_divide, or convert "
      "with to(x, float32)",
      a, b);
  return broadcast(name, a, b);
}

void Divide::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  zip(a, b, y, [](auto p, auto q) { return p / q; });
}

Spec Affine::infer(const Spec& x) const {
  takes_numbers(name, x);
  takes_element(name, scale, x);
  takes_element(name, shift, x);
  return x;
}

void Affine::run(const Tensor& x, Tensor& y) const {
  dispatch_number(name, x.dtype(), [&](auto v) {
    using T = decltype(v);
    const T a = static_cast<T>(scale);
    const T b = static_cast<T>(shift);
    map_as<T>(x, y, [a, b](T p) {
      return wrapped(std::plus<>(), wrapped(std::multiplies<>(), a, p), b);
    });
  });
}

Tensor scalar(Scalar value, Dtype dtype) { return apply(ScalarSource{value.value, dtype}); }

Tensor scalar_beside(std::string_view op, Scalar value, const Tensor& x) {
  takes_element(op, value.value, x.spec());
  return scalar(value, x.dtype());
}

Tensor operator+(Tensor a, Tensor b) { return apply(Add{}, std::move(a), std::move(b)); }
Tensor operator-(Tensor a, Tensor b) { return apply(Subtract{}, std::move(a), std::move(b)); }
Tensor operator*(Tensor a, Tensor b) { return apply(Multiply{}, std::move(a), std::move(b)); }
Tensor operator/(Tensor a, Tensor b) { return apply(Divide{}, std::move(a), std::move(b)); }

Tensor operator+(Tensor a, Scalar b) { return affine(std::move(a), 1, b.value); }
Tensor operator-(Tensor a, Scalar b) { return affine(std::move(a), 1, -b.value); }
Tensor operator*(Tensor a, Scalar b) { return affine(std::move(a), b.value, kNone); }
Tensor operator+(Scalar a, Tensor b) { return affine(std::move(b), 1, a.value); }
Tensor operator-(Scalar a, Tensor b) { return affine(std::move(b), -1, a.value); }
Tensor operator*(Scalar a, Tensor b) { return affine(std::move(b), a.value, kNone); }

// Quotients stay quotients: x * (1 / b) would be rounded twice.
Tensor operator/(Tensor a, Scalar b) { return apply_beside<Divide>(std::move(a), b); }
Tensor operator/(Scalar a, Tensor b) { return apply_beside<Divide>(a, std::move(b)); }

Tensor operator-(Tensor x) { return affine(std::move(x), -1, kNone); }

}  // namespace rw
