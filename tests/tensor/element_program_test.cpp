// Element programs on every instruction set that runs here, beside the same in plain numbers.
#include "rewind/tensor/kernels/element_program.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "rewind/tensor/error.h"
#include "rewind/tensor/kernels/element_runner.h"
#include "tensor/targets.h"

namespace rw::kernels {
namespace {

template <class T>
T plain(ElementCode code, T a, T b, T c) {
  switch (code) {
    case ElementCode::copy:
      return a;
    case ElementCode::negative:
      return -a;
    case ElementCode::abs:
      return std::abs(a);
    case ElementCode::square:
      return a * a;
    case ElementCode::sqrt:
      return std::sqrt(a);
    case ElementCode::rsqrt:
      return 1 / std::sqrt(a);
    case ElementCode::reciprocal:
      return 1 / a;
    case ElementCode::exp:
      return std::exp(a);
    case ElementCode::log:
      return std::log(a);
    case ElementCode::tanh:
      return std::tanh(a);
    case ElementCode::sigmoid:
      return 1 / (1 + std::exp(-a));
    case ElementCode::relu:
      return a < 0 ? 0 : a;
    case ElementCode::add:
      return a + b;
    case ElementCode::subtract:
      return a - b;
    case ElementCode::multiply:
      return a * b;
    case ElementCode::divide:
      return a / b;
    case ElementCode::maximum:
      return a != a || a > b ? a : b;
    case ElementCode::minimum:
      return a != a || a < b ? a : b;
    case ElementCode::equal:
      return a == b;
    case ElementCode::less:
      return a < b;
    case ElementCode::less_equal:
      return a <= b;
    case ElementCode::sigmoid_slope:
      return a * (b * (1 - b));
    case ElementCode::tanh_slope:
      return a * (1 - b * b);
    case ElementCode::select:
      return a != 0 ? b : c;
    case ElementCode::multiply_add:
      return a * b + c;
  }
  return 0;
}

constexpr ElementCode kLast = ElementCode::multiply_add;

// Equal, both NaN, or within some units in the last place of the functions.
template <class T>
bool agree(T seen, T expected) {
  if (seen == expected || (seen != seen && expected != expected)) return true;
  return std::abs(seen - expected) <= 4 * std::numeric_limits<T>::epsilon() * std::abs(expected);
}

template <class T>
class Elements : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(Elements, Floats);

template <class F>
void on_every_target(F f) {
  const Targets targets;
  for (const std::int64_t target : targets.all()) {
    Targets::choose(target);
    SCOPED_TRACE(hwy::TargetName(target));
    f();
  }
}

// Numbers of both signs, with NaN, infinity, zero and equals among them.
template <class T>
std::vector<T> numbers(Index count, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<T> all(static_cast<std::size_t>(count));
  for (T& number : all) {
    const auto pick = generator() % 16;
    number = pick == 0   ? std::numeric_limits<T>::quiet_NaN()
             : pick == 1 ? std::numeric_limits<T>::infinity()
             : pick == 2 ? 0
             : pick == 3 ? 1
                         : std::uniform_real_distribution<T>(-3, 3)(generator);
  }
  return all;
}

TYPED_TEST(Elements, EveryInstructionIsItsDefinition) {
  using T = TypeParam;
  on_every_target([] {
    for (int code = 0; code <= static_cast<int>(kLast); code++) {
      const auto instruction = static_cast<ElementCode>(code);
      constexpr Index kRows = 7, kColumns = 13;
      std::vector<T> a = numbers<T>(kRows * kColumns, 1), b = numbers<T>(kRows * kColumns, 2);
      std::vector<T> c = numbers<T>(kRows * kColumns, 3), y(a.size());
      const ElementProgram program{.instructions = {{instruction, 3, 0, 1, 2}}, .operands = 4};
      const std::vector<ElementOperand<T>> operands = {
          {a.data(), kColumns}, {b.data(), kColumns}, {c.data(), kColumns}, {y.data(), kColumns}};
      run(program, std::span<const ElementOperand<T>>(operands), kRows, kColumns);
      for (std::size_t i = 0; i < y.size(); i++) {
        ASSERT_TRUE(agree(y[i], plain(instruction, a[i], b[i], c[i])))
            << "code " << code << " of " << a[i] << ", " << b[i] << ", " << c[i] << " gave "
            << y[i];
      }
    }
  });
}

// y = tanh(x * 2 + bias) * scale + y, with a bias for each column and a scale for each row.
TYPED_TEST(Elements, AChainReadsRowsColumnsAndConstantsWhereTheyLie) {
  using T = TypeParam;
  on_every_target([] {
    using enum ElementCode;
    const ElementProgram program{.instructions = {{multiply, 4, 0, 6},
                                                  {add, 4, 4, 1},
                                                  {tanh, 5, 4},
                                                  {multiply, 5, 5, 2},
                                                  {add, 3, 5, 3}},
                                 .operands = 4,
                                 .temporaries = 2,
                                 .constants = {2}};
    for (const Index rows : {0, 1, 3, 40}) {
      for (const Index columns : {0, 1, 8, 33, 700}) {
        const Index wide = columns + 5;
        std::vector<T> x(static_cast<std::size_t>(rows * wide)), y = x;
        std::vector<T> bias(static_cast<std::size_t>(columns)),
            scale(static_cast<std::size_t>(rows));
        const auto fill = [](std::vector<T>& v) {
          for (std::size_t i = 0; i < v.size(); i++) v[i] = std::sin(static_cast<T>(i));
        };
        for (std::vector<T>* v : {&x, &y, &bias, &scale}) fill(*v);
        const std::vector<T> before = y;
        const std::vector<ElementOperand<T>> operands = {
            {x.data(), wide}, {bias.data(), 0}, {scale.data(), 1, 0}, {y.data(), wide}};
        run(program, std::span<const ElementOperand<T>>(operands), rows, columns);
        for (Index i = 0; i < rows; i++) {
          for (Index j = 0; j < wide; j++) {
            const auto at = static_cast<std::size_t>(i * wide + j);
            const auto row = static_cast<std::size_t>(i), column = static_cast<std::size_t>(j);
            const T expected = j < columns
                                   ? std::tanh(x[at] * 2 + bias[column]) * scale[row] + before[at]
                                   : before[at];
            ASSERT_NEAR(y[at], expected, 8 * std::numeric_limits<T>::epsilon());
          }
        }
      }
    }
  });
}

TYPED_TEST(Elements, ARowHasTheSameBitsAloneAndAmongOthers) {
  using T = TypeParam;
  on_every_target([] {
    using enum ElementCode;
    constexpr Index kRows = 9, kColumns = 37;
    const ElementProgram program{
        .instructions = {{sigmoid, 2, 0}, {tanh, 1, 2}}, .operands = 2, .temporaries = 1};
    std::vector<T> x(kRows * kColumns), all(x.size()), alone(x.size());
    for (std::size_t i = 0; i < x.size(); i++) x[i] = std::sin(static_cast<T>(i)) * 3;
    const std::vector<ElementOperand<T>> together = {{x.data(), kColumns}, {all.data(), kColumns}};
    run(program, std::span<const ElementOperand<T>>(together), kRows, kColumns);
    for (Index i = 0; i < kRows; i++) {
      const std::vector<ElementOperand<T>> row = {{x.data() + i * kColumns, kColumns},
                                                  {alone.data() + i * kColumns, kColumns}};
      run(program, std::span<const ElementOperand<T>>(row), 1, kColumns);
    }
    EXPECT_EQ(all, alone);
  });
}

// From run to run operands move, and rows come and go: what a run leaves is none of the next one's.
TYPED_TEST(Elements, ARunnerGivesTheBitsOfSingleRuns) {
  using T = TypeParam;
  on_every_target([] {
    using enum ElementCode;
    const ElementProgram program{.instructions = {{multiply, 3, 0, 4}, {add, 2, 3, 1}},
                                 .operands = 3,
                                 .temporaries = 1,
                                 .constants = {3}};
    for (const Index columns : {5, 64, 1500}) {
      for (const Index bias_step : {0, 1}) {
        const std::vector<T> x = numbers<T>(12 * columns, 4), bias = numbers<T>(12 * columns, 5);
        std::vector<T> y(x.size()), expected(x.size());
        std::vector<ElementOperand<T>> operands = {
            {nullptr, columns}, {nullptr, columns, bias_step}, {nullptr, columns}};
        ElementRunner<T> runner(program, operands, 4, columns);
        Index row = 0;
        for (const Index rows : {1, 4, 1, 5, 1}) {
          const auto place = [&](std::size_t operand, const std::vector<T>& v) {
            operands[operand].data = const_cast<T*>(v.data()) + row * columns;
          };
          place(0, x), place(1, bias), place(2, y);
          for (std::size_t i = 0; i < 3; i++) runner.place(i, operands[i].data);
          runner.run(rows);
          place(2, expected);
          run(program, std::span<const ElementOperand<T>>(operands), rows, columns);
          row += rows;
        }
        for (std::size_t i = 0; i < y.size(); i++) {
          const auto first =
              i / static_cast<std::size_t>(columns) * static_cast<std::size_t>(columns);
          const T added = bias[bias_step == 1 ? i : first];
          ASSERT_TRUE(agree(y[i], x[i] * 3 + added)) << i;
          ASSERT_TRUE(y[i] == expected[i] || y[i] != y[i]) << i;
        }
      }
    }
  });
}

TEST(ElementProgram, RefusesAnotherNumberOfOperands) {
  const ElementProgram program{.instructions = {{ElementCode::copy, 1, 0}}, .operands = 2};
  EXPECT_THROW(run(program, std::span<const ElementOperand<float>>(), 1, 1), ValueError);
}

TEST(ElementProgram, KnowsHowManyArgumentsACodeHas) {
  EXPECT_EQ(arity(ElementCode::relu), 1);
  EXPECT_EQ(arity(ElementCode::add), 2);
  EXPECT_EQ(arity(ElementCode::less_equal), 2);
  EXPECT_EQ(arity(ElementCode::tanh_slope), 2);
  EXPECT_EQ(arity(ElementCode::select), 3);
  EXPECT_EQ(arity(ElementCode::multiply_add), 3);
}

}  // namespace
}  // namespace rw::kernels
