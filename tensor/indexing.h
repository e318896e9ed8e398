// Elements picked by number. Indices are int64 tensors; each must lie in [0, n), or IndexError says
// which one does not. Where one index occurs several times, sums are made in the order of the
// indices, so that they have the same bits on every run.
#pragma once

#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// table [rows, ...], indices [...]: the rows that the indices name, [indices..., row...].
struct Take {
  static constexpr std::string_view name = "take";
  Spec infer(const Spec& table, const Spec& indices) const;
  void run(const Tensor& table, const Tensor& indices, Tensor& y) const;
};

// The adjoint of `take` from a table with so many rows: each row of dy added to the row of a zero
// table that its index names. dy [indices..., row...].
struct TakeAdjoint {
  Index rows;
  static constexpr std::string_view name = "take_adjoint";
  Spec infer(const Spec& dy, const Spec& indices) const;
  void run(const Tensor& dy, const Tensor& indices, Tensor& y) const;
};

// into[indices[i]] += values[i] for every position i of the indices. into [rows, ...], values
// [indices..., row...].
struct AddRows {
  static constexpr std::string_view name = "add_rows";
  static constexpr bool updates = true;
  Spec infer(const Spec& into, const Spec& indices, const Spec& values) const;
  void run(const Tensor& into, const Tensor& indices, const Tensor& values, Tensor& y) const;
};

// y[.., j, ..] = x[.., index[.., j, ..], ..] along an axis; x and index have the same other sizes.
struct Gather {
  Index axis;
  static constexpr std::string_view name = "gather";
  Spec infer(const Spec& x, const Spec& index) const;
  void run(const Tensor& x, const Tensor& index, Tensor& y) const;
};

// y = x, then y[.., index[.., j, ..], ..] += source[.., j, ..]: the adjoint of gather.
struct ScatterAdd {
  Index axis;
  static constexpr std::string_view name = "scatter_add";
  static constexpr bool updates = true;
  Spec infer(const Spec& x, const Spec& index, const Spec& source) const;
  void run(const Tensor& x, const Tensor& index, const Tensor& source, Tensor& y) const;
};

struct OneHot {
  Index classes;
  Dtype dtype;
  static constexpr std::string_view name = "one_hot";
  Spec infer(const Spec& indices) const;
  void run(const Tensor& indices, Tensor& y) const;
};

Tensor take(const Tensor& table, const Tensor& indices);
Tensor take_adjoint(const Tensor& dy, const Tensor& indices, Index rows);
Tensor add_rows(Tensor into, const Tensor& indices, const Tensor& values);
Tensor gather(const Tensor& x, Index axis, const Tensor& index);
Tensor scatter_add(Tensor x, Index axis, const Tensor& index, const Tensor& source);

// [indices..., classes]: 1 at the position that the index names, 0 elsewhere.
Tensor one_hot(const Tensor& indices, Index classes, Dtype dtype = float32);

}  // namespace rw
