// The interpreter goes from instruction to instruction, and each runs over a block that stays in
// L1: a block of some thousand bytes makes what is spent on choosing the instruction disappear
// beside the arithmetic, and no code has to be made for a cell.
//
// A single row of a small layer is a block of two vectors, and choosing is what its time goes to.
// So what is not that short path stands apart: rows with gaps between them and the tails of rows,
// in functions that are not inlined, or their registers would be saved at every instruction.
//
// Temporaries and constants are blocks of their own, row after row. So are operands of which one
// number stands for a whole row: they are spread out before the first instruction, and the
// instructions know rows of consecutive numbers only.
#include "rewind/tensor/kernels/element_runner.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rewind/tensor/kernels/element_program.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "rewind/tensor/kernels/transcendental_inl.h"

#ifndef REWIND_TENSOR_KERNELS_ELEMENT_PROGRAM_ONCE
#define REWIND_TENSOR_KERNELS_ELEMENT_PROGRAM_ONCE

#include <algorithm>

namespace rw::kernels {

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
HWY_NOINLINE void each_row_apart(F f, BlockSize size, const ElementRows<T>& y, const In&... x) {
  for (Index i = 0; i < size.rows; i++) {
    each_vector(f, size.columns, y.data + i * y.row_step, (x.data + i * x.row_step)...);
  }
}

// Rows that follow each other in every value are one long row.
template <class F, class T, class... In>
HWY_INLINE void each_row(F f, BlockSize size, const ElementRows<T>& y, const In&... x) {
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
  const ElementRows<T>& y = values[instruction.result];
  const ElementRows<T>& a = values[instruction.a];
  const ElementRows<T>& b = values[instruction.b];
  const ElementRows<T>& c = values[instruction.c];
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
HWY_NOINLINE void run_instructions(const ElementBlocks<T>& blocks, Index rows, Index columns) {
  const BlockSize size{rows, columns};  // here: handed on as one, it would go through memory
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
HWY_NOINLINE void run_cut(const ElementBlocks<T>& blocks, Index rows) {
  const auto operands = static_cast<std::size_t>(blocks.program->operands);
  std::copy_n(blocks.values, operands, blocks.begin);
  for (Index row = 0; row < rows; row += blocks.rows) {
    for (Index column = 0; column < blocks.all_columns; column += blocks.columns) {
      const BlockSize size{std::min(blocks.rows, rows - row),
                           std::min(blocks.columns, blocks.all_columns - column)};
      for (std::size_t i = 0; i < operands; i++) {
        const ElementRows<T> x = blocks.begin[i];
        const Index step = blocks.column_steps[i];
        blocks.values[i] = {x.data + row * x.row_step + column * step, x.row_step};
        if (step == 0) spread<T>(blocks, i, size);
      }
      run_instructions<T>(blocks, size.rows, size.columns);
    }
  }
  std::copy_n(blocks.begin, operands, blocks.values);
}

template <class T>
void run_all(const ElementBlocks<T>& blocks, Index rows) {
  if (rows == 1 && blocks.alone) return run_instructions<T>(blocks, 1, blocks.columns);
  run_cut<T>(blocks, rows);
}

void run_float(const ElementBlocks<float>& blocks, Index rows) { run_all<float>(blocks, rows); }
void run_double(const ElementBlocks<double>& blocks, Index rows) { run_all<double>(blocks, rows); }

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

void run_blocks(const ElementBlocks<float>& blocks, Index rows) {
  HWY_DYNAMIC_DISPATCH(run_float)(blocks, rows);
}
void run_blocks(const ElementBlocks<double>& blocks, Index rows) {
  HWY_DYNAMIC_DISPATCH(run_double)(blocks, rows);
}

}  // namespace rw::kernels
#endif
