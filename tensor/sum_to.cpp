#include "rewind/tensor/sum_to.h"

#include "rewind/tensor/reduction.h"

namespace rw {

Spec SumTo::infer(const Spec& x) const {
  require<ShapeError>(broadcasts_to(shape, x.shape), "sum_to: {} does not broadcast to {}", shape,
                      x);
  return Sum{{0, false}}.infer(x).with_shape(shape);
}

void SumTo::run(const Tensor& x, Tensor& y) const {
  const int added = x.rank() - shape.rank();
  std::uint32_t repeated = (1u << added) - 1;
  for (int i = 0; i < shape.rank(); i++) {
    if (shape[i] == 1) repeated |= 1u << (i + added);
  }
  Sum{{repeated, false}}.run(x, y);
}

Tensor sum_to(Tensor x, const Dims& shape) {
  if (x.shape() == shape) return x;
  return apply(SumTo{shape}, std::move(x));
}

}  // namespace rw
