#include "rewind/tensor/rows.h"

#include "rewind/tensor/views.h"

namespace rw {

Spec AddRows::infer(const Spec& into, const Spec& indices, const Spec& values) const {
  require<DtypeError>(indices.dtype == int64, "add_rows: indices are int64, got {}", indices);
  require<DtypeError>(into.dtype == values.dtype, "add_rows: dtypes differ, {} and {}", into,
                      values);
  require<ShapeError>(into.rank() >= 1, "add_rows: a table has rows, got {}", into);
  Dims expected = indices.shape;
  for (int axis = 1; axis < into.rank(); axis++) expected.push_back(into.dim(axis));
  require<ShapeError>(values.shape == expected,
                      "add_rows: rows {} for indices {} and a table {}; they are {}", values,
                      indices, into, expected);
  return into;
}

void AddRows::run(const Tensor&, const Tensor& indices, const Tensor& values, Tensor& y) const {
  const Index rows = y.dim(0);
  const Index width = y.shape().without(0).count();
  const Tensor where = contiguous(indices);
  const Tensor what = contiguous(values);
  const Index* index = where.data<Index>();
  dispatch_number(name, y.dtype(), [&](auto v) {
    using T = decltype(v);
    const T* from = what.data<T>();
    for (Index i = 0; i < where.size(); i++, from += width) {
      require<IndexError>(index[i] >= 0 && index[i] < rows,
                          "add_rows: index {} at position {} is outside [0, {})", index[i], i,
                          rows);
      T* to = output_data<T>(y) + index[i] * width;
      for (Index j = 0; j < width; j++) to[j] += from[j];
    }
  });
}

Tensor add_rows(Tensor into, const Tensor& indices, const Tensor& values) {
  return apply(AddRows{}, std::move(into), indices, values);
}

}  // namespace rw
