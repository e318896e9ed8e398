#include "rewind/tensor/comparison.h"

#include <functional>

#include "rewind/tensor/map.h"

namespace rw {
namespace {

template <class F>
void compare(const Tensor& a, const Tensor& b, Tensor& y, F f) {
  dispatch_any(a.dtype(), [&](auto v) { zip_as<decltype(v)>(a, b, y, f); });
}

}  // namespace

void Equal::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  compare(a, b, y, std::equal_to<>());
}
void NotEqual::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  compare(a, b, y, std::not_equal_to<>());
}
void Less::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  compare(a, b, y, std::less<>());
}
void LessEqual::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  compare(a, b, y, std::less_equal<>());
}
void Greater::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  compare(b, a, y, std::less<>());
}
void GreaterEqual::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  compare(b, a, y, std::less_equal<>());
}

void LogicalAnd::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  zip_as<bool>(a, b, y, [](bool p, bool q) { return p && q; });
}
void LogicalOr::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  zip_as<bool>(a, b, y, [](bool p, bool q) { return p || q; });
}
void LogicalXor::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  zip_as<bool>(a, b, y, [](bool p, bool q) { return p != q; });
}
void LogicalNot::run(const Tensor& x, Tensor& y) const {
  map_as<bool>(x, y, [](bool p) { return !p; });
}

Tensor equal(const Tensor& a, const Tensor& b) { return apply(Equal{}, a, b); }
Tensor not_equal(const Tensor& a, const Tensor& b) { return apply(NotEqual{}, a, b); }
Tensor less(const Tensor& a, const Tensor& b) { return apply(Less{}, a, b); }
Tensor less_equal(const Tensor& a, const Tensor& b) { return apply(LessEqual{}, a, b); }
Tensor greater(const Tensor& a, const Tensor& b) { return apply(Greater{}, a, b); }
Tensor greater_equal(const Tensor& a, const Tensor& b) { return apply(GreaterEqual{}, a, b); }

Tensor equal(const Tensor& a, Scalar b) { return apply_beside<Equal>(a, b); }
Tensor not_equal(const Tensor& a, Scalar b) { return apply_beside<NotEqual>(a, b); }
Tensor less(const Tensor& a, Scalar b) { return apply_beside<Less>(a, b); }
Tensor less_equal(const Tensor& a, Scalar b) { return apply_beside<LessEqual>(a, b); }
Tensor greater(const Tensor& a, Scalar b) { return apply_beside<Greater>(a, b); }
Tensor greater_equal(const Tensor& a, Scalar b) { return apply_beside<GreaterEqual>(a, b); }

Tensor operator<(const Tensor& a, const Tensor& b) { return apply(Less{}, a, b); }
Tensor operator<=(const Tensor& a, const Tensor& b) { return apply(LessEqual{}, a, b); }
Tensor operator>(const Tensor& a, const Tensor& b) { return apply(Greater{}, a, b); }
Tensor operator>=(const Tensor& a, const Tensor& b) { return apply(GreaterEqual{}, a, b); }

Tensor operator<(const Tensor& a, Scalar b) { return apply_beside<Less>(a, b); }
Tensor operator<=(const Tensor& a, Scalar b) { return apply_beside<LessEqual>(a, b); }
Tensor operator>(const Tensor& a, Scalar b) { return apply_beside<Greater>(a, b); }
Tensor operator>=(const Tensor& a, Scalar b) { return apply_beside<GreaterEqual>(a, b); }

Tensor operator<(Scalar a, const Tensor& b) { return apply_beside<Greater>(b, a); }
Tensor operator<=(Scalar a, const Tensor& b) { return apply_beside<GreaterEqual>(b, a); }
Tensor operator>(Scalar a, const Tensor& b) { return apply_beside<Less>(b, a); }
Tensor operator>=(Scalar a, const Tensor& b) { return apply_beside<LessEqual>(b, a); }

Tensor logical_and(Tensor a, Tensor b) { return apply(LogicalAnd{}, std::move(a), std::move(b)); }
Tensor logical_or(Tensor a, Tensor b) { return apply(LogicalOr{}, std::move(a), std::move(b)); }
Tensor logical_xor(Tensor a, Tensor b) { return apply(LogicalXor{}, std::move(a), std::move(b)); }
Tensor logical_not(Tensor x) { return apply(LogicalNot{}, std::move(x)); }

}  // namespace rw
