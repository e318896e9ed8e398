// Looking up and adding are each other's adjoint. Indices have no gradient.
#include "rewind/tensor/indexing.h"

#include "rewind/autograd/derivatives.h"

namespace rw {

void indexing_derivatives(Derivatives& d) {
  d.rule<Take>([](const Tensor& dy, Input<1> indices) { return Rows{indices, dy}; }, stop);
  d.rule<TakeAdjoint>([](const Tensor& dy, Input<1> indices) { return take(dy, indices); }, stop);
  d.rule<AddRows>([](const Tensor& dy) { return dy; }, stop,
                  [](const Tensor& dy, Input<1> indices) { return take(dy, indices); });
  d.rule<Gather>([](const Tensor& dy, const Gather& op, Input<1> index,
                    Into dx) { return scatter_add(dx.take(), op.axis, index, dy); },
                 stop);
  d.rule<ScatterAdd>([](const Tensor& dy) { return dy; }, stop,
                     [](const Tensor& dy, const ScatterAdd& op, Input<1> index) {
                       return gather(dy, op.axis, index);
                     });
}

}  // namespace rw
