// A block of a product, for files that are compiled once per instruction set: R rows and 2 P
// vectors of columns stay in registers while k runs. Per k, 2 P loads of the panels and R
// broadcasts feed 2 P R fused multiply-adds. The panels make the loads sequential.
//
//   - R is as large as the registers allow: 6 of 16 (AVX2: 12 sums, 2 columns, 1 row), 8 of 32.
//   - Rows are to be split *evenly* over blocks, 32 = 6+6+5+5+5+5: a last block of 2 rows runs at a
//     third of the speed, since a chain of multiply-adds waits for its own last result and two rows
//     are too few chains.
//   - For that reason blocks of up to 3 rows take several panels at once.
//
// All loops over the block are unrolled by templates; a compiler that keeps the block in memory
// runs at half the speed.
#if defined(REWIND_TENSOR_KERNELS_PRODUCT_BLOCK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_TENSOR_KERNELS_PRODUCT_BLOCK_INL_H
#undef REWIND_TENSOR_KERNELS_PRODUCT_BLOCK_INL_H
#else
#define REWIND_TENSOR_KERNELS_PRODUCT_BLOCK_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>

#include "rewind/tensor/index.h"

HWY_BEFORE_NAMESPACE();
namespace rw::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr Index kVectors = 2;  // of columns in a panel
constexpr Index kLine = 64;    // bytes

#if HWY_ARCH_ARM_A64 || (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3)
constexpr int kRegisters = 32, kMostRows = 8;
#else
constexpr int kRegisters = 16, kMostRows = 6;
#endif

template <class T>
constexpr Index lanes() {
  return static_cast<Index>(hn::MaxLanes(hn::ScalableTag<T>()));
}
template <class T>
constexpr Index width() {
  return kVectors * lanes<T>();
}

// Whether the registers hold the sums, and the rows' or the columns' factors with one of the other.
constexpr bool fits(int rows, int panels) {
  const int columns = panels * kVectors;
  return rows <= kMostRows && rows * columns + std::min(rows, columns) < kRegisters;
}

constexpr int panels_beside(Index rows) {
  if (fits(static_cast<int>(rows), 4)) return 4;
  return fits(static_cast<int>(rows), 2) ? 2 : 1;
}

// What is asked for while a block runs: some lines in each piece of its stretch of k.
template <class T>
struct Ahead {
  const T* from = nullptr;
  Index lines = 0, piece = 1 << 30;
};

// A block of c, some rows by some panels, for a stretch of k.
template <class T>
struct Block {
  const T* a;
  Index a_stride;
  const T* panel;
  Index panel_step;
  Index stretch;
  T* c;
  Index c_stride;
  bool add;
  const T* row = nullptr;  // as wide as the block, added to each row at the end; or none
  Ahead<T> ahead = {};
};

template <class T>
const T* ask_for(const T* data, Index lines) {
  for (Index i = 0; i < lines; i++, data += kLine / static_cast<Index>(sizeof(T))) {
    hwy::Prefetch(data);
  }
  return data;
}

// sums += a column, for `count` columns of a; both move on.
template <int R, int P, class T, class Sums>
HWY_INLINE void add_products(const Block<T>& b, const T*& a, const T*& column, Index count,
                             Sums& sums) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int kColumns = P * kVectors;
  for (Index k = 0; k < count; k++, a++, column += width<T>()) {
    const auto column_at = [&](int v) {
      return hn::LoadU(d, column + v / kVectors * b.panel_step + v % kVectors * lanes<T>());
    };
    if constexpr (R < kColumns) {
      V x[R];
      HWY_UNROLL(8)
      for (int r = 0; r < R; r++) x[r] = hn::Set(d, a[r * b.a_stride]);
      HWY_UNROLL(8)
      for (int v = 0; v < kColumns; v++) {
        const V w = column_at(v);
        HWY_UNROLL(8)
        for (int r = 0; r < R; r++) sums[r][v] = hn::MulAdd(x[r], w, sums[r][v]);
      }
    } else {
      V w[kColumns];
      HWY_UNROLL(8)
      for (int v = 0; v < kColumns; v++) w[v] = column_at(v);
      HWY_UNROLL(8)
      for (int r = 0; r < R; r++) {
        const V x = hn::Set(d, a[r * b.a_stride]);
        HWY_UNROLL(8)
        for (int v = 0; v < kColumns; v++) sums[r][v] = hn::MulAdd(x, w[v], sums[r][v]);
      }
    }
  }
}

template <int R, int P, class T>
void run_block(const Block<T>& b) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int kColumns = P * kVectors;
  V sums[R][kColumns];
  HWY_UNROLL(8)
  for (int r = 0; r < R; r++) {
    HWY_UNROLL(8)
    for (int v = 0; v < kColumns; v++) {
      sums[r][v] = b.add ? hn::LoadU(d, b.c + r * b.c_stride + v * lanes<T>()) : hn::Zero(d);
    }
  }
  const T *a = b.a, *column = b.panel, *ahead = b.ahead.from;
  for (Index k = 0; k < b.stretch; k += b.ahead.piece) {
    ahead = ask_for(ahead, b.ahead.lines);
    add_products<R, P>(b, a, column, std::min(b.ahead.piece, b.stretch - k), sums);
  }
  if (b.row) {
    HWY_UNROLL(8)
    for (int v = 0; v < kColumns; v++) {
      const V x = hn::LoadU(d, b.row + v * lanes<T>());
      HWY_UNROLL(8)
      for (int r = 0; r < R; r++) sums[r][v] = hn::Add(sums[r][v], x);
    }
  }
  HWY_UNROLL(8)
  for (int r = 0; r < R; r++) {
    HWY_UNROLL(8)
    for (int v = 0; v < kColumns; v++) {
      hn::StoreU(sums[r][v], d, b.c + r * b.c_stride + v * lanes<T>());
    }
  }
}

template <int P, int R = 1, class T>
void run_rows(Index rows, const Block<T>& block) {
  if (rows == R) return run_block<R, P>(block);
  if constexpr (fits(R + 1, P)) run_rows<P, R + 1>(rows, block);
}

// The last panel where n is no multiple of its width: its surplus columns must not reach c.
template <class T>
void run_partial(Index rows, Index columns, Block<T> block) {
  HWY_ALIGN T tile[kMostRows * width<T>()];
  HWY_ALIGN T row[width<T>()] = {};
  T* c = block.c;
  const Index stride = block.c_stride;
  block.c = tile;
  block.c_stride = width<T>();
  if (block.row) {
    std::copy_n(block.row, columns, row);
    block.row = row;
  }
  if (block.add) {
    for (Index r = 0; r < rows; r++) std::copy_n(c + r * stride, columns, tile + r * width<T>());
  }
  run_rows<1>(rows, block);
  for (Index r = 0; r < rows; r++) std::copy_n(tile + r * width<T>(), columns, c + r * stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace rw::kernels
HWY_AFTER_NAMESPACE();

#endif  // REWIND_TENSOR_KERNELS_PRODUCT_BLOCK_INL_H
