#include "rewind/tensor/sum_to.h"

namespace rw {

Spec SumTo::infer(const Spec& x) const {
  require<ShapeError>(shape.rank() <= x.rank() && broadcast(name, shape, x.shape) == x.shape,
                      "sum_to: {} does not broadcast to {}", shape, x);
  return x.with_shape(shape);
}

void SumTo::run(const Tensor& x, Tensor& y) const {
  dispatch_number(name, x.dtype(), [&](auto v) {
    using T = decltype(v);
    using Sum = std::conditional_t<std::is_same_v<T, Index>, Index, double>;
    std::vector<Sum> sums(static_cast<std::size_t>(y.size()));
    const Dims& from = x.shape();
    const auto last = static_cast<std::size_t>(std::max(from.rank() - 1, 0));
    const Index length = from.rank() == 0 ? 1 : from.back();
    const std::array<Strides, 2> strides{x.strides(), broadcast_strides(y, from)};
    const Index step_x = strides[0][last];
    const T* numbers = x.data<T>();
    for_each_row<2>(from, strides, [&](const std::array<Index, 2>& offset) {
      const T* row = numbers + offset[0];
      Sum* to = sums.data() + offset[1];
      if (strides[1][last] == 1) {
        for (Index i = 0; i < length; i++) to[i] += row[i * step_x];
      } else {
        Sum sum = 0;
        for (Index i = 0; i < length; i++) sum += row[i * step_x];
        *to += sum;
      }
    });
    T* out = output_data<T>(y);
    for (std::size_t i = 0; i < sums.size(); i++) out[i] = static_cast<T>(sums[i]);
  });
}

Tensor sum_to(Tensor x, const Dims& shape) {
  if (x.shape() == shape) return x;
  return apply(SumTo{shape}, std::move(x));
}

}  // namespace rw
