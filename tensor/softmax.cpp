#include "rewind/tensor/softmax.h"

#include <cmath>

#include "rewind/tensor/kernels/by_kernel.h"
#include "rewind/tensor/kernels/fold.h"
#include "rewind/tensor/map.h"
#include "rewind/tensor/takes.h"

namespace rw {
namespace {

using kernels::ExtremeOf;
using kernels::fold;
using kernels::FoldPlan;
using kernels::SumOf;

// Element-wise combination of a table [n, width] with one number for each column, in place.
template <class T, class F>
void with_each_column(T* y, Index n, Index width, const T* column, F f) {
  if (width == 1) {
    for (Index i = 0; i < n; i++) y[i] = f(y[i], column[0]);
    return;
  }
  for (Index i = 0; i < n; i++, y += width) {
    for (Index c = 0; c < width; c++) y[c] = f(y[c], column[c]);
  }
}

// Calls f(table, plan, columns) for the tables [n, width] that an axis of length n cuts y into,
// where `plan` folds their columns and `columns` has room for one number each.
template <class T, class F>
void for_each_table(Tensor& y, int axis, F f) {
  if (y.size() == 0) return;
  const Index n = y.shape()[axis];
  const Index width = contiguous_strides(y.shape())[static_cast<std::size_t>(axis)];
  const FoldPlan plan({n, width}, contiguous_strides({n, width}), 1);
  Tensor columns = Tensor::uninitialized({{width}, y.dtype()});
  T* table = output_data<T>(y);
  for (Index k = 0; k < y.size() / (n * width); k++, table += n * width) {
    f(table, plan, output_data<T>(columns));
  }
}

// Subtracts the greatest of each column.
template <class T>
void shift_by_greatest(T* table, Index n, Index width, const FoldPlan& plan, T* columns) {
  fold(static_cast<const T*>(table), plan, ExtremeOf<T, false>(),
       [&](Index place, T acc) { columns[place] = acc; });
  with_each_column(table, n, width, columns, std::minus<>());
}

}  // namespace

Spec Softmax::infer(const Spec& x) const { return takes_floats(name, x); }

void Softmax::run(const Tensor&, Tensor& y) const {
  dispatch_float(name, y.dtype(), [&](auto v) {
    using T = decltype(v);
    for_each_table<T>(y, axis, [](T* table, const FoldPlan& plan, T* columns) {
      const Index n = plan.count, width = plan.kept.shape.count();
      shift_by_greatest(table, n, width, plan, columns);
      kernels::exp(static_cast<const T*>(table), table, n * width);
      fold(static_cast<const T*>(table), plan, SumOf<T>(),
           [&](Index place, double acc) { columns[place] = static_cast<T>(acc); });
      with_each_column(table, n, width, columns, std::divides<>());
    });
  });
}

Spec LogSoftmax::infer(const Spec& x) const { return takes_floats(name, x); }

void LogSoftmax::run(const Tensor&, Tensor& y) const {
  dispatch_float(name, y.dtype(), [&](auto v) {
    using T = decltype(v);
    if (y.size() == 0) return;
    const Index table_size =
        y.shape()[axis] * contiguous_strides(y.shape())[static_cast<std::size_t>(axis)];
    Tensor powers = Tensor::uninitialized({{table_size}, y.dtype()});
    T* exps = output_data<T>(powers);
    for_each_table<T>(y, axis, [exps](T* table, const FoldPlan& plan, T* columns) {
      const Index n = plan.count, width = plan.kept.shape.count();
      shift_by_greatest(table, n, width, plan, columns);
      kernels::exp(static_cast<const T*>(table), exps, n * width);
      fold(static_cast<const T*>(exps), plan, SumOf<T>(),
           [&](Index place, double acc) { columns[place] = static_cast<T>(std::log(acc)); });
      with_each_column(table, n, width, columns, std::minus<>());
    });
  });
}

Spec LogSumExp::infer(const Spec& x) const { return reduced(takes_floats(name, x)); }

void LogSumExp::run(const Tensor& x, Tensor& y) const {
  dispatch_float(name, x.dtype(), [&](auto v) {
    using T = decltype(v);
    // An infinite greatest is not subtracted: exp then gives the limit by itself.
    Tensor greatest = Tensor::uninitialized({reduced_shape(x.shape(), axes, true), x.dtype()});
    T* shift = output_data<T>(greatest);
    fold<T>(x, axes, ExtremeOf<T, false>(),
            [shift](Index place, T acc) { shift[place] = std::isfinite(acc) ? acc : T{}; });
    Tensor powers = Tensor::uninitialized(x.spec());
    zip_as<T>(x, greatest, powers, std::minus<>());
    kernels::exp(powers.data<T>(), output_data<T>(powers), powers.size());
    T* to = output_data<T>(y);
    fold<T>(powers, axes, SumOf<T>(), [to, shift](Index place, double acc) {
      to[place] = static_cast<T>(std::log(acc) + static_cast<double>(shift[place]));
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
