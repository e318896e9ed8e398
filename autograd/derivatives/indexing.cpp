// Looking up rows and adding rows are each other's adjoint. Indices have no gradient.
#include "rewind/tensor/indexing.h"

#include "rewind/autograd/derivatives.h"

namespace rw {

void indexing_derivatives(Derivatives& d) {
  d.rule<Take>([](const Tensor& dy, Input<1> indices) { return Rows{indices, dy}; }, stop);
  d.rule<TakeAdjoint>([](const Tensor& dy, Input<1> indices) { return take(dy, indices); }, stop);
  d.rule<AddRows>([](const Tensor& dy) { return dy; }, stop,
                  [](const Tensor& dy, Input<1> indices) { return take(dy, indices); });
}

}  // namespace rw
