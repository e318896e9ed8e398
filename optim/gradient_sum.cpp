#include "rewind/optim/gradient_sum.h"

#include <algorithm>

#include "rewind/tensor/strided.h"

namespace rw::optim {
namespace {

Tensor row_after_row(const Tensor& x) {
  if (x.contiguous()) return x;
  Tensor copy = Tensor::uninitialized(x.spec());
  copy_elements(x, copy);
  return copy;
}

// Neither empty tables nor empty rows divide by zero.
Index width_of(const Spec& spec) {
  Index width = 1;
  for (int axis = 1; axis < spec.rank(); axis++) width *= spec.dim(axis);
  return width;
}

void check(std::string_view op, const Variable& of, const Gradient::Term& term) {
  const Spec& spec = of.spec();
  require<DtypeError>(term.values.dtype() == spec.dtype, "{}: {} has a gradient of dtype {}", op,
                      Described{of}, term.values.dtype());
  if (term.is_dense()) {
    require<ShapeError>(term.values.shape() == spec.shape, "{}: {} has a gradient of shape {}", op,
                        Described{of}, term.values.shape());
    return;
  }
  require<ShapeError>(
      spec.rank() > 0 && term.values.size() == term.rows.size() * width_of(spec),
      "{}: {} has a gradient with values {} for rows {}; each row wants as many values as it has",
      op, Described{of}, term.values.shape(), term.rows.shape());
  const Tensor rows = row_after_row(term.rows);
  for (Index row : rows.span<Index>()) {
    require<IndexError>(row >= 0 && row < spec.dim(0), "{}: {} has a gradient for row {}", op,
                        Described{of}, row);
  }
}

// Where a row of a term lies. `order` keeps the sum in the order of the terms.
template <class T>
struct Place {
  Index row, order;
  const T* values;
  bool operator<(const Place& other) const {
    return row != other.row ? row < other.row : order < other.order;
  }
};

// The places of all rows; `held` keeps their numbers alive.
template <class T>
std::vector<Place<T>> places(const Gradient& gradient, Index width, std::vector<Tensor>& held) {
  std::vector<Place<T>> found;
  for (const Gradient::Term& term : gradient.terms) {
    if (term.is_dense()) continue;
    const Tensor rows = row_after_row(term.rows);
    held.push_back(row_after_row(term.values));
    const T* values = held.back().data<T>();
    for (Index row : rows.span<Index>()) {
      found.push_back({row, std::ssize(found), values});
      values += width;
    }
  }
  return found;
}

template <class T>
void add(Index n, const T* x, T* sum) {
  for (Index i = 0; i < n; i++) sum[i] += x[i];
}

template <class T>
GradientSum sum_rows(const Spec& spec, const Gradient& gradient) {
  const Index width = width_of(spec);
  std::vector<Tensor> held;
  std::vector<Place<T>> found = places<T>(gradient, width, held);
  GradientSum sum{{}, {}, true};
  sum.rows.reserve(found.size());
  const bool ascending =
      std::adjacent_find(found.begin(), found.end(), [](const auto& a, const auto& b) {
        return a.row >= b.row;
      }) == found.end();
  if (ascending && held.size() == 1) {
    for (const auto& place : found) sum.rows.push_back(place.row);
    sum.values = held[0].view({std::ssize(found), width}, contiguous_strides({1, width}), 0);
    return sum;
  }
  std::sort(found.begin(), found.end());
  for (const auto& place : found) {
    if (sum.rows.empty() || sum.rows.back() != place.row) sum.rows.push_back(place.row);
  }
  sum.values = Tensor::uninitialized({{std::ssize(sum.rows), width}, spec.dtype});
  T* to = sum.values.mutable_span<T>().data();
  Index last = -1;
  for (const auto& place : found) {
    if (place.row == last) {
      add(width, place.values, to - width);
    } else {
      std::copy_n(place.values, width, to);
      to += width;
      last = place.row;
    }
  }
  return sum;
}

template <class T>
GradientSum sum_whole(const Spec& spec, const Gradient& gradient) {
  const Index width = spec.rank() == 0 ? 1 : width_of(spec);
  Tensor sum;
  for (const Gradient::Term& term : gradient.terms) {
    if (!term.is_dense()) continue;
    const Tensor values = row_after_row(term.values);
    if (!sum.defined()) {
      sum = values;
      sum.set_mark(0);  // a number from here on, also under the tape that recorded the gradient
    } else {
      add(values.size(), values.data<T>(), sum.mutable_span<T>().data());
    }
  }
  std::vector<Tensor> held;
  for (const Place<T>& place : places<T>(gradient, width, held)) {
    add(width, place.values, sum.mutable_span<T>().data() + place.row * width);
  }
  return {std::move(sum), {}, false};
}

}  // namespace

GradientSum sum_terms(std::string_view op, const Variable& of, const Gradient& gradient) {
  for (const Gradient::Term& term : gradient.terms) check(op, of, term);
  return dispatch_float(op, of.spec().dtype, [&](auto v) {
    using T = decltype(v);
    return gradient.is_sparse() ? sum_rows<T>(of.spec(), gradient)
                                : sum_whole<T>(of.spec(), gradient);
  });
}

}  // namespace rw::optim
