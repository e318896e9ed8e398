// The blocks of a product (product_block_inl.h) over all rows and panels.
//
//   - k runs in stretches of kStretch, so that a panel's stretch stays in L1 while all blocks of
//     rows pass; between stretches the sums rest in c, which changes no bit.
//   - Of a matrix that the nearer caches do not hold the next panels are asked for while blocks run
//     over these, evenly spread, since only some lines can be under way at a time. A training step
//     of 1024 units takes 0.86 of the time; where 512 units are enough, nothing is gained.
#include "rewind/tensor/kernels/packed_product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rewind/tensor/kernels/packed_product.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef REWIND_TENSOR_KERNELS_PACKED_PRODUCT_ONCE
#define REWIND_TENSOR_KERNELS_PACKED_PRODUCT_ONCE

namespace rw::kernels {

constexpr Index kStretch = 512;
constexpr Index kLarge = Index{1} << 22;  // bytes
constexpr Index kPiece = 64;              // of k, between requests for what comes next

}  // namespace rw::kernels
#endif

#include "rewind/tensor/kernels/product_block_inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The panels after these, of which each of so many blocks asks for a part.
template <int P, class T>
Ahead<T> next_panels(const PackedProduct<T>& p, Index panel, Index from, Index blocks) {
  if (p.k * p.n * static_cast<Index>(sizeof(T)) <= kLarge || panel + P >= p.end_panel) return {};
  const Index stretch = std::min(kStretch, p.k - from);
  const Index lines = P * stretch * width<T>() * static_cast<Index>(sizeof(T)) / kLine;
  const Index pieces = blocks * count_of_parts(stretch, kPiece);
  return {.from = p.packed + ((panel + P) * p.k + from) * width<T>(),
          .lines = count_of_parts(lines, pieces),
          .piece = kPiece};
}

// Rows split evenly: `longer` of the blocks have one more than the others. A few rows are not
// divided by anything: that would take as long as some of their work.
struct RowBlocks {
  Index count = 1, rows, longer = 0;

  explicit RowBlocks(Index all) : rows(all) {
    if (all <= kMostRows) return;
    count = count_of_parts(all, kMostRows);
    rows = all / count;
    longer = all - rows * count;
  }
  Index most() const { return rows + (longer > 0); }
};

// Every row of the product, P panels from number `panel` on, k from `from` on.
template <int P, class T>
void run_panels(const PackedProduct<T>& p, const RowBlocks& blocks, Index panel, Index from) {
  const Index columns = std::min(p.n - panel * width<T>(), P * width<T>());
  const bool last = from + kStretch >= p.k;
  Ahead<T> ahead = next_panels<P>(p, panel, from, blocks.count);
  for (Index i = 0, row = 0; i < blocks.count; i++) {
    const Index rows = blocks.rows + (i < blocks.longer);
    const Block<T> block{.a = p.a + row * p.a_stride + from,
                         .a_stride = p.a_stride,
                         .panel = p.packed + (panel * p.k + from) * width<T>(),
                         .panel_step = p.k * width<T>(),
                         .stretch = std::min(kStretch, p.k - from),
                         .c = p.c + row * p.c_stride + panel * width<T>(),
                         .c_stride = p.c_stride,
                         .add = p.add || from > 0,
                         .row = last && p.row ? p.row + panel * width<T>() : nullptr,
                         .ahead = ahead};
    if (columns < P * width<T>()) {
      run_partial(rows, columns, block);
    } else {
      run_rows<P>(rows, block);
    }
    row += rows;
    ahead.from += ahead.lines * (kStretch / kPiece) * (kLine / static_cast<Index>(sizeof(T)));
  }
}

template <class T>
void run(const PackedProduct<T>& p) {
  if (p.rows == 0) return;
  const Index full = std::min(p.end_panel, p.n / width<T>());
  const RowBlocks blocks(p.rows);
  const int beside = panels_beside(blocks.most());
  Index from = 0;
  do {
    Index panel = p.first_panel;
    for (; beside >= 4 && panel + 4 <= full; panel += 4) run_panels<4>(p, blocks, panel, from);
    for (; beside >= 4 && panel + 3 <= full; panel += 3) run_panels<3>(p, blocks, panel, from);
    for (; beside >= 2 && panel + 2 <= full; panel += 2) run_panels<2>(p, blocks, panel, from);
    for (; panel < p.end_panel; panel++) run_panels<1>(p, blocks, panel, from);
    from += kStretch;
  } while (from < p.k);
}

template <class T>
void copy_row(const T* from, T* to) {
  const hn::ScalableTag<T> d;
  HWY_UNROLL(2)
  for (Index v = 0; v < kVectors; v++) {
    hn::StoreU(hn::LoadU(d, from + v * lanes<T>()), d, to + v * lanes<T>());
  }
}

template <class T>
void pack_panels(const T* w, Index row_step, Index column_step, Index k, Index n, T* packed) {
  for (Index first = 0; first < n; first += width<T>(), packed += k * width<T>()) {
    const Index columns = std::min(n - first, width<T>());
    if (columns < width<T>()) std::fill_n(packed, k * width<T>(), T{0});
    if (column_step == 1 && columns == width<T>()) {
      // The call of a copy of any length would take longer than these.
      for (Index i = 0; i < k; i++) copy_row(w + first + i * row_step, packed + i * width<T>());
      continue;
    }
    if (column_step == 1) {
      for (Index i = 0; i < k; i++) {
        std::copy_n(w + first + i * row_step, columns, packed + i * width<T>());
      }
      continue;
    }
    for (Index j = 0; j < columns; j++) {
      const T* column = w + (first + j) * column_step;
      for (Index i = 0; i < k; i++) packed[i * width<T>() + j] = column[i * row_step];
    }
  }
}

Index width_float() { return width<float>(); }
Index width_double() { return width<double>(); }
void multiply_float(const PackedProduct<float>& product) { run(product); }
void multiply_double(const PackedProduct<double>& product) { run(product); }
void pack_float(const float* w, Index row_step, Index column_step, Index k, Index n,
                float* packed) {
  pack_panels(w, row_step, column_step, k, n, packed);
}
void pack_double(const double* w, Index row_step, Index column_step, Index k, Index n,
                 double* packed) {
  pack_panels(w, row_step, column_step, k, n, packed);
}

}  // namespace HWY_NAMESPACE
}  // namespace rw::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rw::kernels {

HWY_EXPORT(width_float);
HWY_EXPORT(width_double);
HWY_EXPORT(multiply_float);
HWY_EXPORT(multiply_double);
HWY_EXPORT(pack_float);
HWY_EXPORT(pack_double);

template <>
Index panel_width<float>() {
  return HWY_DYNAMIC_DISPATCH(width_float)();
}
template <>
Index panel_width<double>() {
  return HWY_DYNAMIC_DISPATCH(width_double)();
}

void multiply(const PackedProduct<float>& p) { HWY_DYNAMIC_DISPATCH(multiply_float)(p); }
void multiply(const PackedProduct<double>& p) { HWY_DYNAMIC_DISPATCH(multiply_double)(p); }

void pack(const float* w, Index row_step, Index column_step, Index k, Index n, float* packed) {
  HWY_DYNAMIC_DISPATCH(pack_float)(w, row_step, column_step, k, n, packed);
}
void pack(const double* w, Index row_step, Index column_step, Index k, Index n, double* packed) {
  HWY_DYNAMIC_DISPATCH(pack_double)(w, row_step, column_step, k, n, packed);
}

}  // namespace rw::kernels
#endif
