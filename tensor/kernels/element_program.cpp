// The interpreter goes from instruction to instruction, and each runs over a block that stays in
// L1: a block of some thousand bytes makes what is spent on choosing the instruction disappear
// beside the arithmetic, and no code has to be made for a cell.
//
// A single row of a small layer is a block of two vectors, and choosing is what its time goes to. So
// what is not that short path stands apart: rows with gaps between them and the tails of rows, in
// functions that are not inlined, or their registers would be saved at every instruction.
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
#include "rewind/tensor/memory.h"

namespace rw::kernels {

template <class T>
using ElementBlocks = typename ElementRunner<T>::Blocks;

struct BlockSize {
  Index rows, columns;
};

}  // namespace rw::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace rw::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The tail of a row goes through padded vectors and the same code, so that position does not
// matter.
template <class F, class T, class... In>
HWY_NOINLINE void tail(F f, Index count, T* y, const In*... x) {
  const hn::ScalableTag<T> d;
  const auto padded = [&](const T* from) {
    HWY_ALIGN T rest[hn::MaxLanes(d)] = {};
    std::copy_n(from, count, rest);
    return hn::Load(d, rest);
  };
  HWY_ALIGN T rest[hn::MaxLanes(d)];
  hn::Store(f(d, padded(x)...), d, rest);
  std::copy_n(rest, count, y);
}

template <class F, class T, class... In>
HWY_INLINE void each_vector(F f, Index n, T* y, const In*... x) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(d, hn::LoadU(d, x + i)...), d, y + i);
  if (i < n) tail(f, n - i, y + i, (x + i)...);
}

template <class F, class T, class... In>
HWY_NOINLINE void each_row_apart(F f, BlockSize size, ElementRows<T> y, In... x) {
  for (Index i = 0; i < size.rows; i++) {
    each_vector(f, size.columns, y.data + i * y.row_step, (x.data + i * x.row_step)...);
  }
}

// Rows that follow each other in every value are one long row.
template <class F, class T, class... In>
HWY_INLINE void each_row(F f, BlockSize size, ElementRows<T> y, In... x) {
  if (size.rows == 1) return each_vector(f, size.columns, y.data, x.data...);
  const bool whole = y.row_step == size.columns && ((x.row_step == size.columns) && ...);
  if (whole) return each_vector(f, size.rows * size.columns, y.data, x.data...);
  each_row_apart(f, size, y, x...);
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

template <class T>
HWY_NOINLINE void run_instructions(const ElementBlocks<T>& blocks, BlockSize size) {
  for (const ElementInstruction& instruction : blocks.program->instructions) {
    run_instruction(instruction, size, blocks.values);
  }
}

// One number for each row becomes a block of its own.
template <class T>
HWY_NOINLINE void spread(const ElementBlocks<T>& blocks, std::size_t value, BlockSize size) {
  const ElementRows<T> from = blocks.values[value];
  T* const own = blocks.numbers + static_cast<Index>(value) * blocks.rows * blocks.columns;
  for (Index i = 0; i < size.rows; i++) {
    std::fill_n(own + i * blocks.columns, size.columns, from.data[i * from.row_step]);
  }
  blocks.values[value] = {own, blocks.columns};
}

template <class T>
HWY_NOINLINE void run_cut(const ElementBlocks<T>& blocks,
                          std::span<const ElementOperand<T>> operands, Index rows) {
  for (Index row = 0; row < rows; row += blocks.rows) {
    for (Index column = 0; column < blocks.all_columns; column += blocks.columns) {
      const BlockSize size{std::min(blocks.rows, rows - row),
                           std::min(blocks.columns, blocks.all_columns - column)};
      for (std::size_t i = 0; i < operands.size(); i++) {
        const ElementOperand<T>& x = operands[i];
        blocks.values[i] = {x.data + row * x.row_step + column * x.column_step, x.row_step};
        if (x.column_step == 0) spread<T>(blocks, i, size);
      }
      run_instructions<T>(blocks, size);
    }
  }
}

template <class T>
void run_all(const ElementBlocks<T>& blocks, std::span<const ElementOperand<T>> operands,
             Index rows) {
  if (rows != 1 || blocks.columns < blocks.all_columns) return run_cut<T>(blocks, operands, rows);
  const BlockSize size{1, blocks.columns};
  for (std::size_t i = 0; i < operands.size(); i++) {
    blocks.values[i].data = operands[i].data;
    if (operands[i].column_step == 0) spread<T>(blocks, i, size);
  }
  run_instructions<T>(blocks, size);
}

void run_float(const ElementBlocks<float>& blocks, std::span<const ElementOperand<float>> operands,
               Index rows) {
  run_all<float>(blocks, operands, rows);
}
void run_double(const ElementBlocks<double>& blocks,
                std::span<const ElementOperand<double>> operands, Index rows) {
  run_all<double>(blocks, operands, rows);
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
ElementRunner<T>::ElementRunner(const ElementProgram& program, Index rows, Index columns)
    : memory_(nullptr, Release{}), blocks_{&program, 1, 1, columns, nullptr, nullptr} {
  if (columns == 0) return;
  constexpr Index kBlock = 2048 / static_cast<Index>(sizeof(T));  // a program with ten fits L1
  blocks_.columns = std::min(columns, kBlock);
  blocks_.rows = std::clamp<Index>(kBlock / blocks_.columns, 1, std::max<Index>(rows, 1));
  const Index block = blocks_.rows * blocks_.columns;
  const Index first_constant = program.operands + program.temporaries;
  const Index count = first_constant + std::ssize(program.constants);
  const auto bytes = static_cast<std::size_t>(count * block) * sizeof(T);
  const std::size_t places = (bytes + alignof(ElementRows<T>) - 1) & -alignof(ElementRows<T>);
  const memory::Block taken =
      memory::allocate(places + static_cast<std::size_t>(count) * sizeof(ElementRows<T>));
  memory_ = {taken.data, Release{taken.size_class}};
  auto* const begin = static_cast<std::byte*>(taken.data);
  blocks_.numbers = reinterpret_cast<T*>(begin);
  blocks_.values = reinterpret_cast<ElementRows<T>*>(begin + places);
  for (Index i = 0; i < count; i++) {
    T* const own = blocks_.numbers + i * block;
    blocks_.values[i] = {own, blocks_.columns};
    if (i < first_constant) continue;
    const double constant = program.constants[static_cast<std::size_t>(i - first_constant)];
    std::fill_n(own, block, static_cast<T>(constant));
  }
}

template <class T>
void ElementRunner<T>::Release::operator()(void* data) const {
  memory::release({data, size_class});
}

template <class T>
void ElementRunner<T>::run(std::span<const ElementOperand<T>> operands, Index rows) {
  const ElementProgram& program = *blocks_.program;
  require(operands.size() == static_cast<std::size_t>(program.operands),
          "element program: {} operands, it wants {}", operands.size(), program.operands);
  if (!memory_) return;
  if constexpr (sizeof(T) == sizeof(float)) {
    HWY_DYNAMIC_DISPATCH(run_float)(blocks_, operands, rows);
  } else {
    HWY_DYNAMIC_DISPATCH(run_double)(blocks_, operands, rows);
  }
}

template class ElementRunner<float>;
template class ElementRunner<double>;

void run(const ElementProgram& program, std::span<const ElementOperand<float>> operands, Index rows,
         Index columns) {
  ElementRunner<float>(program, rows, columns).run(operands, rows);
}
void run(const ElementProgram& program, std::span<const ElementOperand<double>> operands,
         Index rows, Index columns) {
  ElementRunner<double>(program, rows, columns).run(operands, rows);
}

}  // namespace rw::kernels
#endif
