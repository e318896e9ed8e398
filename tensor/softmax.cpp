#include "rewind/tensor/softmax.h"

#include "rewind/tensor/blocks.h"
#include "rewind/tensor/kernels/tables.h"
#include "rewind/tensor/takes.h"

namespace rw {
namespace {

// Row after row, with the axes that are reduced behind those that stay.
Tensor with_last(const Tensor& x, std::uint32_t axes) {
  Dims shape;
  Strides strides{};
  for (const std::uint32_t last : {0u, 1u}) {
    for (int i = 0; i < x.rank(); i++) {
      if ((axes >> i & 1) != last) continue;
      strides[static_cast<std::size_t>(shape.rank())] = x.strides()[static_cast<std::size_t>(i)];
      shape.push_back(x.shape()[i]);
    }
  }
  return row_major(x.view(shape, strides, 0));
}

}  // namespace

Spec Softmax::infer(const Spec& x) const { return takes_floats(name, x); }

void Softmax::run(const Tensor&, Tensor& y) const {
  dispatch_float(name, y.dtype(), [&](auto v) {
    auto* const all = output_data<decltype(v)>(y);
    kernels::for_each_table(y.shape(), axis, [all](Index first, kernels::Table table) {
      kernels::softmax(all + first, all + first, table);
    });
  });
}

Spec LogSoftmax::infer(const Spec& x) const { return takes_floats(name, x); }

void LogSoftmax::run(const Tensor&, Tensor& y) const {
  dispatch_float(name, y.dtype(), [&](auto v) {
    auto* const all = output_data<decltype(v)>(y);
    kernels::for_each_table(y.shape(), axis, [all](Index first, kernels::Table table) {
      kernels::log_softmax(all + first, all + first, table);
    });
  });
}

Spec LogSumExp::infer(const Spec& x) const { return reduced(takes_floats(name, x)); }

void LogSumExp::run(const Tensor& x, Tensor& y) const {
  if (y.size() == 0) return;
  const Index n = x.size() / y.size();
  const Tensor rows = with_last(x, axes);
  dispatch_float(name, x.dtype(), [&](auto v) {
    using T = decltype(v);
    const T* const from = rows.data<T>();
    T* const to = output_data<T>(y);
    kernels::for_each_run(y.size(), n, [=](Index row) {
      to[row] = static_cast<T>(kernels::log_sum_exp(from + row * n, n));
    });
  });
}

Tensor softmax(Tensor x, Index axis) {
  const int counted = axis_of(Softmax::name, axis, x.rank());
  return apply(Softmax{counted}, std::move(x));
}

Tensor log_softmax(Tensor x, Index axis) {
  const int counted = axis_of(LogSoftmax::name, axis, x.rank());
  return apply(LogSoftmax{counted}, std::move(x));
}

Tensor logsumexp(const Tensor& x, Axes axes, bool keepdims) {
  return apply(LogSumExp{{axes.mask(LogSumExp::name, x.rank()), keepdims}}, x);
}

}  // namespace rw
