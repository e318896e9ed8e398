// The packed product (kernels/packed_product.h) has one order for the sum of an element. It wants
// the right operand packed; here a block of it at a time is, small enough for the stack and for the
// nearest cache, and multiplied by many rows. From one block of k to the next the sums rest in the
// result, which changes no bit.
#include "rewind/tensor/ordered_matmul.h"

#include <algorithm>

#include "rewind/tensor/blocks.h"
#include "rewind/tensor/kernels/packed_product.h"
#include "rewind/tensor/matmul_batches.h"
#include "rewind/tensor/parallel.h"

namespace rw {
namespace {

constexpr Index kBlockBytes = 1 << 15;
constexpr Index kPanels = 4;      // of a block: with few rows the kernel wants several
constexpr Index kMostRows = 512;  // for which a block is packed: that is then 2 % of the time

// c = a b for matrices of which b has few columns.
template <class T>
struct Strip {
  Index rows, columns, k;
  const T* a;
  Index a_stride;
  const T* b;
  Index b_row_step, b_column_step;
  T* c;
  Index c_stride;

  void multiply() const {
    alignas(64) T packed[kBlockBytes / sizeof(T)];
    const Index width = kernels::packed_size<T>(1, columns);
    const Index block = std::ssize(packed) / width;
    for (Index from = 0; from < k; from += block) {
      const Index some = std::min(block, k - from);
      kernels::pack(b + from * b_row_step, b_row_step, b_column_step, some, columns, packed);
      kernels::multiply(kernels::PackedProduct<T>{.rows = rows,
                                                  .n = columns,
                                                  .k = some,
                                                  .a = a + from,
                                                  .a_stride = a_stride,
                                                  .packed = packed,
                                                  .c = c,
                                                  .c_stride = c_stride,
                                                  .add = from > 0});
    }
  }
};

// The first matrix of an operand. A vector is a row on the left and a column on the right.
template <class T>
struct Matrix {
  const T* data;
  Index rows, columns, row_step, column_step;

  static Matrix left(const Tensor& x) {
    const Index step = x.strides()[static_cast<std::size_t>(x.rank() - 1)];
    return x.rank() == 1 ? Matrix{x.data<T>(), 1, x.size(), 0, step} : of(x);
  }
  static Matrix right(const Tensor& x) {
    const Index step = x.strides()[static_cast<std::size_t>(x.rank() - 1)];
    return x.rank() == 1 ? Matrix{x.data<T>(), x.size(), 1, step, 0} : of(x);
  }

 private:
  static Matrix of(const Tensor& x) {
    const Strides strides = x.strides();
    const auto row = static_cast<std::size_t>(x.rank() - 2);
    return {x.data<T>(), x.dim(-2), x.dim(-1), strides[row], strides[row + 1]};
  }
};

template <class T>
void multiply(const Matrix<T>& a, const Matrix<T>& b, const MatrixPairs& pairs, T* out) {
  const Index m = a.rows, n = b.columns, k = a.columns;
  const Index columns = std::min(n, kPanels * kernels::panel_width<T>());
  const Index rows = count_of_parts(m, count_of_parts(m, kMostRows));
  const Index strips = count_of_parts(n, columns), blocks = count_of_parts(m, rows);
  const Index grain = kWorthAWorker / std::max<Index>(rows * columns * k, 1) + 1;
  parallel_for(pairs.count() * strips * blocks, grain, [&](Index begin, Index end) {
    for (Index i = begin; i < end; i++) {
      const Index pair = i / (strips * blocks);
      const Index column = i / blocks % strips * columns, row = i % blocks * rows;
      const auto [a_offset, b_offset] = pairs.offsets(pair);
      Strip<T>{.rows = std::min(rows, m - row),
               .columns = std::min(columns, n - column),
               .k = k,
               .a = a.data + a_offset + row * a.row_step,
               .a_stride = a.row_step,
               .b = b.data + b_offset + column * b.column_step,
               .b_row_step = b.row_step,
               .b_column_step = b.column_step,
               .c = out + (pair * m + row) * n + column,
               .c_stride = n}
          .multiply();
    }
  });
}

template <class T>
void multiply(const Tensor& a, const Tensor& b, T* out) {
  const Matrix<T> right = Matrix<T>::right(b);
  if (a.rank() > 2 && batch_of(b.shape()).count() == 1) {
    // One matrix meets the rows of all batches as those of one.
    const Tensor rows = row_major(a);
    const Index k = a.shape().back();
    return multiply({rows.data<T>(), a.size() / k, k, k, 1}, right, MatrixPairs(), out);
  }
  const Tensor rows = rows_lie_together(a) ? a : row_major(a);
  const Dims batch = broadcast_batches(OrderedMatMul::name, a.shape(), b.shape());
  multiply(Matrix<T>::left(rows), right, MatrixPairs(batch, rows, b), out);
}

}  // namespace

Spec OrderedMatMul::infer(const Spec& a, const Spec& b) const {
  return spec_of_product(name, a, b);
}

void OrderedMatMul::run(const Tensor& a, const Tensor& b, Tensor& out) const {
  if (out.size() == 0) return;
  dispatch_float(name, a.dtype(), [&](auto v) {
    using T = decltype(v);
    T* const y = output_data<T>(out);
    if (a.shape().back() == 0) {
      std::fill_n(y, out.size(), T{0});
    } else {
      multiply<T>(a, b, y);
    }
  });
}

Tensor ordered_matmul(const Tensor& a, const Tensor& b) { return apply(OrderedMatMul{}, a, b); }

}  // namespace rw
