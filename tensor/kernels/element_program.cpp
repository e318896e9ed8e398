// The interpreter goes from instruction to instruction, and each runs over a block that stays in
// L1: a block of some thousand bytes makes what is spent on choosing the instruction disappear
// beside the arithmetic, and no code has to be made for a cell.
//
// Temporaries and constants are blocks of their own, row after row. So are operands of which one
// number stands for a whole row: they are spread out before the first instruction, and the
// instructions know rows of consecutive numbers only.
#include "rewind/tensor/kernels/element_program.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rewind/tensor/kernels/element_program.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "rewind/tensor/kernels/transcendental_inl.h"

#ifndef REWIND_TENSOR_KERNELS_ELEMENT_PROGRAM_ONCE
#define REWIND_TENSOR_KERNELS_ELEMENT_PROGRAM_ONCE

#include <algorithm>

#include "rewind/tensor/error.h"

namespace rw::kernels {

constexpr Index kBlockBytes = 2048;  // of one value: a program with ten fits L1

struct BlockSize {
  Index rows, columns;
};

// Of a whole block.
template <class T>
BlockSize block_size(Index rows, Index columns) {
  constexpr Index kBlock = kBlockBytes / static_cast<Index>(sizeof(T));
  const Index width = std::min(columns, kBlock);
  return {std::clamp<Index>(kBlock / width, 1, rows), width};
}

}  // namespace rw::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace rw::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The tail of a row goes through padded vectors and the same code, so that position does not
// matter.
template <class F, class T, class... In>
HWY_INLINE void each_vector(F f, Index n, T* y, const In*... x) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(d, hn::LoadU(d, x + i)...), d, y + i);
  if (i == n) return;
  const auto padded = [&](const T* from) {
    HWY_ALIGN T rest[hn::MaxLanes(d)] = {};
    std::copy(from + i, from + n, rest);
    return hn::Load(d, rest);
  };
  HWY_ALIGN T rest[hn::MaxLanes(d)];
  hn::Store(f(d, padded(x)...), d, rest);
  std::copy(rest, rest + (n - i), y + i);
}

// Rows that follow each other in every value are one long row.
template <class F, class T, class... In>
HWY_INLINE void each_row(F f, BlockSize size, ElementRows<T> y, In... x) {
  const bool whole = y.row_step == size.columns && ((x.row_step == size.columns) && ...);
  if (whole) return each_vector(f, size.rows * size.columns, y.data, x.data...);
  for (Index i = 0; i < size.rows; i++) {
    each_vector(f, size.columns, y.data + i * y.row_step, (x.data + i * x.row_step)...);
  }
}

template <class D, class M>
HWY_INLINE auto one_where(D d, M mask) {
  return hn::IfThenElseZero(mask, hn::Set(d, 1));
}

template <class T>
void run_instruction(const ElementInstruction& instruction, BlockSize size,
                     const ElementRows<T>* values) {
  const ElementRows<T> y = values[instruction.result];
  const ElementRows<T> a = values[instruction.a];
  const ElementRows<T> b = values[instruction.b];
  const ElementRows<T> c = values[instruction.c];
  switch (instruction.code) {
    case ElementCode::copy:
      return each_row([](auto, auto x) { return x; }, size, y, a);
    case ElementCode::negative:
      return each_row([](auto, auto x) { return hn::Neg(x); }, size, y, a);
    case ElementCode::abs:
      return each_row([](auto, auto x) { return hn::Abs(x); }, size, y, a);
    case ElementCode::square:
      return each_row([](auto, auto x) { return hn::Mul(x, x); }, size, y, a);
    case ElementCode::sqrt:
      return each_row([](auto, auto x) { return hn::Sqrt(x); }, size, y, a);
    case ElementCode::rsqrt:
      return each_row([](auto d, auto x) { return hn::Div(hn::Set(d, 1), hn::Sqrt(x)); }, size, y,
                      a);
    case ElementCode::reciprocal:
      return each_row([](auto d, auto x) { return hn::Div(hn::Set(d, 1), x); }, size, y, a);
    case ElementCode::exp:
      return each_row(Exp(), size, y, a);
    case ElementCode::log:
      return each_row(Log(), size, y, a);
    case ElementCode::tanh:
      return each_row(Tanh(), size, y, a);
    case ElementCode::sigmoid:
      return each_row(Sigmoid(), size, y, a);
    case ElementCode::relu:  // NaN stays
      return each_row([](auto d, auto x) { return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x); },
                      size, y, a);
    case ElementCode::add:
      return each_row([](auto, auto p, auto q) { return hn::Add(p, q); }, size, y, a, b);
    case ElementCode::subtract:
      return each_row([](auto, auto p, auto q) { return hn::Sub(p, q); }, size, y, a, b);
    case ElementCode::multiply:
      return each_row([](auto, auto p, auto q) { return hn::Mul(p, q); }, size, y, a, b);
    case ElementCode::divide:
      return each_row([](auto, auto p, auto q) { return hn::Div(p, q); }, size, y, a, b);
    case ElementCode::maximum:  // NaN on either side stays: nothing is greater than it
      return each_row(
          [](auto, auto p, auto q) {
            return hn::IfThenElse(hn::Or(hn::Gt(p, q), hn::IsNaN(p)), p, q);
          },
          size, y, a, b);
    case ElementCode::minimum:
      return each_row(
          [](auto, auto p, auto q) {
            return hn::IfThenElse(hn::Or(hn::Lt(p, q), hn::IsNaN(p)), p, q);
          },
          size, y, a, b);
    case ElementCode::equal:
      return each_row([](auto d, auto p, auto q) { return one_where(d, hn::Eq(p, q)); }, size, y, a,
                      b);
    case ElementCode::less:
      return each_row([](auto d, auto p, auto q) { return one_where(d, hn::Lt(p, q)); }, size, y, a,
                      b);
    case ElementCode::less_equal:
      return each_row([](auto d, auto p, auto q) { return one_where(d, hn::Le(p, q)); }, size, y, a,
                      b);
    case ElementCode::sigmoid_slope:
      return each_row(
          [](auto d, auto p, auto q) { return hn::Mul(p, hn::Mul(q, hn::Sub(hn::Set(d, 1), q))); },
          size, y, a, b);
    case ElementCode::tanh_slope:
      return each_row(
          [](auto d, auto p, auto q) { return hn::Mul(p, hn::Sub(hn::Set(d, 1), hn::Mul(q, q))); },
          size, y, a, b);
    case ElementCode::multiply_add:
      return each_row([](auto, auto p, auto q, auto r) { return hn::Add(hn::Mul(p, q), r); }, size,
                      y, a, b, c);
    case ElementCode::select:
      return each_row([](auto d, auto p, auto q,
                         auto r) { return hn::IfThenElse(hn::Eq(p, hn::Zero(d)), r, q); },
                      size, y, a, b, c);
  }
}

// One run: where the values of a block stand, from block to block.
template <class T>
class Run {
 public:
  Run(const ElementProgram& program, std::span<const ElementOperand<T>> operands, Index rows,
      Index columns, ElementMemory<T>& memory)
      : program_(program),
        operands_(operands),
        whole_(block_size<T>(rows, columns)),
        numbers_(memory.numbers.data()),
        values_(memory.values.data()) {
    for (std::size_t i = operands.size(); i < first_constant(); i++) values_[i].data = own(i);
    for (std::size_t i = 0; i < program.constants.size(); i++) {
      T* const constant = values_[first_constant() + i].data = own(first_constant() + i);
      std::fill_n(constant, whole_.rows * whole_.columns, static_cast<T>(program.constants[i]));
    }
  }

  void all(Index rows, Index columns) {
    for (Index row = 0; row < rows; row += whole_.rows) {
      for (Index column = 0; column < columns; column += whole_.columns) {
        block(row, column,
              {std::min(whole_.rows, rows - row), std::min(whole_.columns, columns - column)});
      }
    }
  }

 private:
  std::size_t first_constant() const {
    return operands_.size() + static_cast<std::size_t>(program_.temporaries);
  }
  // A block for each value, where it is needed.
  T* own(std::size_t value) const {
    return numbers_ + static_cast<Index>(value) * whole_.rows * whole_.columns;
  }

  void block(Index row, Index column, BlockSize size) {
    for (std::size_t i = 0; i < operands_.size(); i++) {
      const ElementOperand<T>& from = operands_[i];
      T* const first = from.data + row * from.row_step + column * from.column_step;
      values_[i] = {first, from.row_step};
      if (from.column_step == 0) values_[i] = spread(first, from.row_step, own(i), size);
    }
    const std::size_t values = first_constant() + program_.constants.size();
    for (std::size_t i = operands_.size(); i < values; i++) values_[i].row_step = size.columns;
    for (const ElementInstruction& instruction : program_.instructions) {
      run_instruction(instruction, size, values_);
    }
  }

  static ElementRows<T> spread(const T* from, Index row_step, T* to, BlockSize size) {
    for (Index i = 0; i < size.rows; i++) {
      std::fill_n(to + i * size.columns, size.columns, from[i * row_step]);
    }
    return {to, size.columns};
  }

  const ElementProgram& program_;
  std::span<const ElementOperand<T>> operands_;
  BlockSize whole_;
  T* numbers_;
  ElementRows<T>* values_;
};

void run_float(const ElementProgram& program, std::span<const ElementOperand<float>> operands,
               Index rows, Index columns, ElementMemory<float>& memory) {
  Run<float>(program, operands, rows, columns, memory).all(rows, columns);
}
void run_double(const ElementProgram& program, std::span<const ElementOperand<double>> operands,
                Index rows, Index columns, ElementMemory<double>& memory) {
  Run<double>(program, operands, rows, columns, memory).all(rows, columns);
}

}  // namespace HWY_NAMESPACE
}  // namespace rw::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rw::kernels {

HWY_EXPORT(run_float);
HWY_EXPORT(run_double);

int arity(ElementCode code) {
  if (code >= ElementCode::select) return 3;
  return code < ElementCode::add ? 1 : 2;
}

template <class T>
void ElementMemory<T>::reserve(const ElementProgram& program, Index rows, Index columns) {
  if (rows == 0 || columns == 0) return;
  const BlockSize block = block_size<T>(rows, columns);
  const std::size_t count =
      static_cast<std::size_t>(program.operands + program.temporaries) + program.constants.size();
  const std::size_t size = count * static_cast<std::size_t>(block.rows * block.columns);
  if (values.size() < count) values.resize(count);
  if (numbers.size() < size) numbers.resize(size);
}

template <class T>
ElementMemory<T>& ElementMemory<T>::of_this_thread() {
  thread_local ElementMemory memory;
  return memory;
}

template struct ElementMemory<float>;
template struct ElementMemory<double>;

namespace {

void check(const ElementProgram& program, std::size_t operands) {
  require(operands == static_cast<std::size_t>(program.operands),
          "element program: {} operands, it wants {}", operands, program.operands);
}

}  // namespace

void run(const ElementProgram& program, std::span<const ElementOperand<float>> operands, Index rows,
         Index columns, ElementMemory<float>& memory) {
  check(program, operands.size());
  memory.reserve(program, rows, columns);
  if (rows == 0 || columns == 0) return;
  HWY_DYNAMIC_DISPATCH(run_float)(program, operands, rows, columns, memory);
}

void run(const ElementProgram& program, std::span<const ElementOperand<double>> operands,
         Index rows, Index columns, ElementMemory<double>& memory) {
  check(program, operands.size());
  memory.reserve(program, rows, columns);
  if (rows == 0 || columns == 0) return;
  HWY_DYNAMIC_DISPATCH(run_double)(program, operands, rows, columns, memory);
}

}  // namespace rw::kernels
#endif
