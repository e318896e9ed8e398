#include "rewind/autograd/engine/step/choose.h"

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/strided.h"

namespace rw::engine {

Spec Choose::infer(const Spec& number, const Spec& a, const Spec& b) const {
  return broadcast(name, number, broadcast(name, a, b));
}

void Choose::run(const Tensor& number, const Tensor& a, const Tensor& b, Tensor& y) const {
  const Uninterpreted direct;
  copy_elements(where(not_equal(number, 0), a, b), y);
}

// What is not chosen gets no gradient by being left out.
void Choose::derivative(Rules<Choose> d) {
  d(
      stop,
      [](const Tensor& dy, Input<0> number) {
        return apply(Choose{}, static_cast<const Tensor&>(number), dy, scalar(0, dy.dtype()));
      },
      [](const Tensor& dy, Input<0> number) {
        return apply(Choose{}, static_cast<const Tensor&>(number), scalar(0, dy.dtype()), dy);
      });
}

}  // namespace rw::engine
