// Products are cut for the workers by their sizes alone, so that the bits of a result do not depend
// on the number of threads: BLAS kernels round differently at the edges of what they are given. The
// longer side of the result is cut, into pieces large enough that packing the other operand once
// more for each does not show (2 to 4 % of the time at 256 to 512 rows). A small result of long
// sums, such as the gradient of a small matrix that was used at every step of time, is cut into
// sums of fewer terms, which are added up in order.
#include "rewind/tensor/matmul.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <optional>
#include <utility>

#include "rewind/tensor/blas.h"
#include "rewind/tensor/blocks.h"
#include "rewind/tensor/matmul_batches.h"
#include "rewind/tensor/parallel.h"

namespace rw {
namespace {

// A vector as the matrix that it stands for.
Tensor as_row(const Tensor& x) {
  return x.rank() == 1 ? x.view({1, x.size()}, {0, x.strides()[0]}, 0) : x;
}
Tensor as_column(const Tensor& x) {
  return x.rank() == 1 ? x.view({x.size(), 1}, {x.strides()[0], 0}, 0) : x;
}

// Batches that repeat the same matrix, once.
Tensor without_repetitions(const Tensor& x) {
  Dims shape = x.shape();
  const Strides strides = x.strides();
  for (int axis = 0; axis < x.rank() - 2; axis++) {
    if (strides[static_cast<std::size_t>(axis)] == 0) shape.set(axis, 1);
  }
  return shape == x.shape() ? x : x.view(shape, strides, 0);
}

// Matrices of which every one can be handed to BLAS.
template <class T>
class Operand {
 public:
  explicit Operand(const Tensor& x) : tensor_(without_repetitions(x)) {
    if (!describe()) {
      tensor_ = row_major(tensor_);
      describe();
    }
    first_.data = tensor_.data<T>();
  }

  const Tensor& tensor() const { return tensor_; }
  blas::Matrix<T> matrix(Index offset) const {
    return {first_.data + offset, first_.stride, first_.transposed};
  }
  Index batches() const { return batch_of(tensor_.shape()).count(); }

  // All rows of all batches as one matrix, if they lie at equal distances.
  std::optional<blas::Matrix<T>> folded() const {
    const Dims& shape = tensor_.shape();
    const Strides strides = tensor_.strides();
    const auto last = static_cast<std::size_t>(shape.rank() - 1);
    Index stride = 0, rows = 1;
    for (int axis = shape.rank() - 1; axis-- > 0;) {
      if (shape[axis] == 1) continue;
      const Index step = strides[static_cast<std::size_t>(axis)];
      if (rows == 1) stride = step;
      if (step != stride * rows) return std::nullopt;
      rows *= shape[axis];
    }
    if (rows == 1) stride = shape.back();
    if ((strides[last] != 1 && shape.back() != 1) || stride < shape.back()) return std::nullopt;
    return blas::Matrix<T>{first_.data, stride, false};
  }

 private:
  bool describe() {
    const int rank = tensor_.rank();
    const Strides strides = tensor_.strides();
    const Index rows = tensor_.shape()[rank - 2], columns = tensor_.shape()[rank - 1];
    const Index row_step = strides[static_cast<std::size_t>(rank - 2)];
    const Index column_step = strides[static_cast<std::size_t>(rank - 1)];
    if ((column_step == 1 || columns == 1) && (row_step >= columns || rows == 1)) {
      first_ = {nullptr, rows == 1 ? columns : row_step, false};
      return true;
    }
    if ((row_step == 1 || rows == 1) && (column_step >= rows || columns == 1)) {
      first_ = {nullptr, columns == 1 ? rows : column_step, true};
      return true;
    }
    return false;
  }

  Tensor tensor_;
  blas::Matrix<T> first_{};
};

// Part number i of `length`, of which there are `parts`, as equal as they can be.
struct Part {
  Part(Index length, Index parts, Index i)
      : from(length / parts * i + std::min(i, length % parts)),
        size(length / parts + (i < length % parts)) {}
  Index from, size;
};

template <class T>
blas::Matrix<T> from_row(blas::Matrix<T> x, Index row) {
  x.data += x.transposed ? row : row * x.stride;
  return x;
}
template <class T>
blas::Matrix<T> from_column(blas::Matrix<T> x, Index column) {
  x.data += x.transposed ? column * x.stride : column;
  return x;
}

// One product, [m, k] x [k, n], in pieces.
template <class T>
struct Product {
  Index m, n, k;
  blas::Onto onto = blas::Onto::nothing;

  double work() const {
    return static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }
  Index pieces_of_result() const { return pieces(m >= n ? m / 128 : n / 256); }
  Index pieces_of_sums() const { return pieces(k / 128); }

  // Piece number i of c.
  void piece(Index i, Index count, blas::Matrix<T> a, blas::Matrix<T> b, T* c) const {
    const Part part(std::max(m, n), count, i);
    if (m >= n) {
      blas::multiply(part.size, n, k, from_row(a, part.from), b, c + part.from * n, n, onto);
    } else {
      blas::multiply(m, part.size, k, a, from_column(b, part.from), c + part.from, n, onto);
    }
  }

  // The sum of some of the terms, of all elements. The first of them go onto what c holds.
  void terms(Part part, blas::Matrix<T> a, blas::Matrix<T> b, T* sums) const {
    blas::multiply(m, n, part.size, from_column(a, part.from), from_row(b, part.from), sums, n,
                   part.from == 0 ? onto : blas::Onto::nothing);
  }

 private:
  Index pieces(Index by_size) const {
    const auto by_work = static_cast<Index>(std::min(work() / kWorthAWorker, 1e9));
    const Index most = std::min(by_size, by_work);
    if (most <= 1) return 1;
    const auto count = static_cast<Index>(std::bit_floor(static_cast<std::uint64_t>(most)));
    return count > 4 ? count / 2 : count;
  }
};

template <class T>
void multiply_by_terms(const Product<T>& product, blas::Matrix<T> a, blas::Matrix<T> b, T* out) {
  const Index pieces = product.pieces_of_sums(), size = product.m * product.n;
  Tensor others = Tensor::uninitialized({{pieces - 1, size}, dtype_of<T>()});
  T* const sums = output_data<T>(others);
  parallel_for(pieces, 1, [&](Index i, Index) {
    product.terms(Part(product.k, pieces, i), a, b, i == 0 ? out : sums + (i - 1) * size);
  });
  for (Index piece = 1; piece < pieces; piece++) {
    for (Index i = 0; i < size; i++) out[i] += sums[(piece - 1) * size + i];
  }
}

template <class T>
void multiply_batches(const Dims& batch, const Product<T>& product, const auto& matrices, T* out) {
  const Index pieces = product.pieces_of_result();
  if (pieces == 1 && batch.rank() == 0 && product.pieces_of_sums() > 1) {
    const auto [a, b] = matrices(0);
    return multiply_by_terms(product, a, b, out);
  }
  const double work_of_a_piece = product.work() / static_cast<double>(pieces);
  const auto grain = std::max<Index>(1, static_cast<Index>(kWorthAWorker / work_of_a_piece));
  parallel_for(batch.count() * pieces, grain, [&](Index begin, Index end) {
    for (Index i = begin; i < end; i++) {
      const Index at = i / pieces;
      const auto [a, b] = matrices(at);
      product.piece(i % pieces, pieces, a, b, out + at * product.m * product.n);
    }
  });
}

template <class T>
void multiply(const Tensor& left, const Tensor& right, Tensor& out,
              blas::Onto onto = blas::Onto::nothing) {
  const Operand<T> a(left), b(right);
  const Dims batch = broadcast_batches(MatMul::name, left.shape(), right.shape());
  Product<T> product{left.dim(-2), right.dim(-1), left.dim(-1), onto};
  using Pair = std::pair<blas::Matrix<T>, blas::Matrix<T>>;
  // Not with a batch of matrices on the right, though they be one, or one repeated: then a row has
  // the bits of a product with its own.
  if (right.rank() == 2 && a.batches() == batch.count()) {
    if (const auto rows = a.folded()) {
      product.m *= batch.count();
      return multiply_batches(
          {}, product,
          [&](Index) {
            return Pair{*rows, b.matrix(0)};
          },
          output_data<T>(out));
    }
  }
  const MatrixPairs pairs(batch, a.tensor(), b.tensor());
  multiply_batches(
      batch, product,
      [&](Index at) {
        const auto [a_offset, b_offset] = pairs.offsets(at);
        return Pair{a.matrix(a_offset), b.matrix(b_offset)};
      },
      output_data<T>(out));
}

}  // namespace

Spec MatMul::infer(const Spec& a, const Spec& b) const { return spec_of_product(name, a, b); }

void MatMul::run(const Tensor& a, const Tensor& b, Tensor& out) const {
  if (out.size() == 0) return;
  dispatch_float(name, a.dtype(), [&](auto v) {
    using T = decltype(v);
    if (a.shape().back() == 0) {
      std::fill_n(output_data<T>(out), out.size(), T{0});
    } else {
      multiply<T>(as_row(a), as_column(b), out);
    }
  });
}

Tensor matmul(const Tensor& a, const Tensor& b) { return apply(MatMul{}, a, b); }

void add_matmul(const Tensor& a, const Tensor& b, Tensor& total) {
  assert(a.rank() == 2 && b.rank() == 2 && total.alone() && total.contiguous());
  assert(MatMul{}.infer(a.spec(), b.spec()) == total.spec());
  if (total.size() == 0 || a.shape().back() == 0) return;
  dispatch_float(MatMul::name, a.dtype(),
                 [&](auto v) { multiply<decltype(v)>(a, b, total, blas::Onto::sums); });
}

}  // namespace rw
