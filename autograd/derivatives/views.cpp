// A slice adds into the gradient of the whole (`Into`): T slices of one sequence cost O(T).
#include "rewind/tensor/views.h"

#include "rewind/autograd/derivatives.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/sum_to.h"

namespace rw {
namespace {

// The order that undoes `order`.
Tensor permute_back(const Tensor& dy, const Dims& order) {
  Dims inverse = order;
  for (int i = 0; i < order.rank(); i++) inverse.set(static_cast<int>(order[i]), i);
  return permute(dy, inverse);
}

}  // namespace

void view_derivatives(Derivatives& d) {
  d.rule<Reshape>([](const Tensor& dy, Shape<0> x) { return reshape(dy, x->shape); });
  d.rule<Permute>([](const Tensor& dy, const Permute& op) { return permute_back(dy, op.order); });
  d.rule<Expand>([](const Tensor& dy, Shape<0> x) { return sum_to(dy, x->shape); });
  d.rule<SumTo>([](const Tensor& dy, Shape<0> x) { return expand(dy, x->shape); });
  d.rule<Contiguous>([](const Tensor& dy) { return dy; });
  d.rule<Flip>([](const Tensor& dy, const Flip& op) { return apply(op, dy); });

  d.rule<Slice>([](const Tensor& dy, const Slice& op, Into dx) {
    return slice_add(dx.take(), dy, op.axis, op.start, op.stop, op.step);
  });
  d.rule<Select>([](const Tensor& dy, const Select& op, Into dx) {
    return slice_add(dx.take(), unsqueeze(dy, op.axis), op.axis, op.position, op.position + 1);
  });
  d.rule<SliceAdd>([](const Tensor& dy) { return dy; },
                   [](const Tensor& dy, const SliceAdd& op) {
                     return slice(dy, op.axis, op.start, op.stop, op.step);
                   });
  // The region goes out as a copy and becomes zero in place: T rows of one tensor cost O(T).
  d.rule<SetRegion>([](Sink dx, const SetRegion& op) {
    Tensor dy = dx.take_dy();
    if (dx.wanted(1)) dx.set(1, apply(Contiguous{}, op.part(dy)));
    if (dx.wanted(0)) dx.set(0, apply(op, std::move(dy), zeros(op.shape(), dy.dtype())));
  });
}

}  // namespace rw
