// The derivative of a product divides by nothing: dx_i is dy times the product of the other
// factors, which is an operation of its own. So zeros among the factors are no special case, at any
// order of derivative.
#include <vector>

#include "rewind/autograd/derivatives.h"
#include "rewind/autograd/derivatives/reduced.h"
#include "rewind/tensor/blocks.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/takes.h"

namespace rw {
namespace {

// y_i is the product of all x_j with j != i, along the last of two axes or more.
struct ProductOfOthers {
  static constexpr std::string_view name = "product_of_others";
  static constexpr bool rowwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const {
    const Index n = x.shape().back();
    const Tensor from = row_major(x);
    // In double: of float32 factors the partial products may be what no float can hold.
    std::vector<double> before(static_cast<std::size_t>(n));
    dispatch_float(name, x.dtype(), [&](auto v) {
      using T = decltype(v);
      const T* p = from.data<T>();
      T* q = output_data<T>(y);
      for (Index line = 0; line < x.size(); line += n) {
        double product = 1, after = 1;
        for (Index i = 0; i < n; i++) {
          before[static_cast<std::size_t>(i)] = product;
          product *= static_cast<double>(p[line + i]);
        }
        for (Index i = n; i-- > 0;) {
          q[line + i] = static_cast<T>(before[static_cast<std::size_t>(i)] * after);
          after *= static_cast<double>(p[line + i]);
        }
      }
    });
  }
  // dx_k is the sum over i != k of dy_i times the product without i and k: the products of others
  // in a line where 1 stands in the place of x_k.
  static void derivative(Rules<ProductOfOthers> d) {
    d([](const Tensor& dy, Input<0> x) {
      const Index n = x.shape().back();
      Dims square = x.shape();
      square.push_back(n);
      const Tensor same = equal(unsqueeze(arange(n), 1), arange(n));
      const Tensor without_k = where(same, 1, expand(unsqueeze(x, -2), square));
      const Tensor terms = unsqueeze(dy, -2) * apply(ProductOfOthers{}, without_k);
      return sum(where(same, 0, terms), -1);
    });
  }
};

// The same over any axes: they move to the end and become one there.
Tensor product_of_others(const Tensor& x, std::uint32_t axes) {
  Dims order, inverse = x.shape();
  for (const bool gone : {false, true}) {
    for (int i = 0; i < x.rank(); i++) {
      if ((axes >> i & 1) == gone) order.push_back(i);
    }
  }
  for (int i = 0; i < x.rank(); i++) inverse.set(static_cast<int>(order[i]), i);
  const Tensor moved = apply(Permute{order}, x);
  const Dims lines{reduced_shape(x.shape(), axes, false).count(), elements_each(x.shape(), axes)};
  const Tensor products = apply(ProductOfOthers{}, apply(Reshape{lines}, moved));
  return apply(Permute{inverse}, apply(Reshape{moved.shape()}, products));
}

}  // namespace

void product_derivatives(Derivatives& d) {
  d.rule<Prod>([](const Tensor& dy, const Prod& op, Input<0> x) {
    return beside(op, dy, x.spec()) * product_of_others(x, op.axes);
  });
}

}  // namespace rw
