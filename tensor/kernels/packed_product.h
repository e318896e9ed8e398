// The product of some rows with a matrix that is packed once and then multiplies many of them: the
// weights of a recurrence, at every step of time. BLAS has no such call and packs them each time.
//
// Element (i, j) of the result is a sum over k in ascending order, in one accumulator: its bits
// depend neither on the other rows and columns, nor on how many there are, nor on who computes
// which. (Machines with and without fused multiply-add may differ in the last bits.)
#pragma once

#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {
namespace kernels {

// How many columns stand side by side in a panel of a packed matrix, on this machine.
template <class T>
Index panel_width();
template <>
Index panel_width<float>();
template <>
Index panel_width<double>();

// The number of panels, and of elements, that a matrix [k, n] takes packed.
template <class T>
Index panel_count(Index n) {
  return count_of_parts(n, panel_width<T>());
}
template <class T>
Index packed_size(Index k, Index n) {
  return panel_count<T>(n) * panel_width<T>() * k;
}

// Packs w [k, n], whose element (i, j) stands at w[i * row_step + j * column_step]. Panel p holds
// columns p * panel_width and following, row after row; zeros stand beyond the last column.
void pack(const float* w, Index row_step, Index column_step, Index k, Index n, float* packed);
void pack(const double* w, Index row_step, Index column_step, Index k, Index n, double* packed);

// One product, or a range of its columns.
template <class T>
struct PackedProduct {
  Index rows, n, k;
  const T* a;  // [rows, k]
  Index a_stride;
  const T* packed;
  T* c;  // [rows, n]; overlaps neither a nor packed
  Index c_stride;
  bool add = false;        // c += a w instead of c = a w; the sum then starts from c
  const T* row = nullptr;  // [n], added to every row of the finished sums; or none
  Index first_panel = 0, end_panel = panel_count<T>(n);
};

void multiply(const PackedProduct<float>& product);
void multiply(const PackedProduct<double>& product);

}  // namespace kernels
}  // namespace rw
