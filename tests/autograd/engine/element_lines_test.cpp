// Lines of element programs that become one instruction, and those that must not.
#include "rewind/autograd/engine/compile/element_lines.h"

#include <gtest/gtest.h>

namespace rw::engine {
namespace {

using kernels::ElementCode;

constexpr int kFirst = ElementLines::kTemporaries, kOne = ElementLines::kConstants;

// Operands 0 .. 5, of which the last is the result; temporaries from kFirst on; the constant 1.
ElementLines lines(std::vector<ElementLine> all) { return {6, 8, {1}, std::move(all)}; }

std::vector<ElementCode> codes_of(ElementLines program) {
  combine(program);
  std::vector<ElementCode> codes;
  for (const ElementLine& line : program.lines) codes.push_back(line.code);
  return codes;
}

// 6 rows of numbers through the program: what its operands hold afterwards.
std::vector<double> run(const ElementLines& program) {
  const kernels::ElementProgram finished = numbered(program);
  std::vector<double> numbers(36);
  for (std::size_t i = 0; i < numbers.size(); i++) numbers[i] = 0.1 + 0.07 * static_cast<double>(i);
  std::vector<kernels::ElementOperand<double>> operands;
  for (std::size_t i = 0; i < 6; i++) operands.push_back({numbers.data() + 6 * i, 6});
  kernels::run(finished, operands, 1, 6);
  return numbers;
}

void expect_same_numbers(const ElementLines& program) {
  ElementLines combined = program;
  combine(combined);
  EXPECT_EQ(run(combined), run(program));
}

const ElementLine kOneMinus{ElementCode::subtract, kFirst, {kOne, 1, -1}};
const ElementLine kProduct{ElementCode::multiply, kFirst + 1, {kFirst, 1, -1}};

TEST(ElementLines, TheSlopeOfASigmoidIsOneInstruction) {
  const ElementLines slope =
      lines({kOneMinus, kProduct, {ElementCode::multiply, 5, {0, kFirst + 1, -1}}});
  EXPECT_EQ(codes_of(slope), std::vector{ElementCode::sigmoid_slope});
  expect_same_numbers(slope);
}

TEST(ElementLines, TheSlopeOfATanhIsOneInstruction) {
  const ElementLines slope = lines({{ElementCode::square, kFirst, {2, -1, -1}},
                                    {ElementCode::subtract, kFirst + 1, {kOne, kFirst, -1}},
                                    {ElementCode::multiply, 5, {kFirst + 1, 3, -1}}});
  EXPECT_EQ(codes_of(slope), std::vector{ElementCode::tanh_slope});
  expect_same_numbers(slope);
}

TEST(ElementLines, ASquareMayBeWrittenAsAProductInASlope) {
  ElementLines slope = lines({{ElementCode::multiply, kFirst, {2, 2, -1}},
                              {ElementCode::subtract, kFirst + 1, {kOne, kFirst, -1}},
                              {ElementCode::multiply, 5, {3, kFirst + 1, -1}}});
  EXPECT_EQ(codes_of(slope), std::vector{ElementCode::tanh_slope});
  expect_same_numbers(slope);
  slope.lines[0].arguments = {2, 1, -1};
  EXPECT_EQ(codes_of(slope).size(), 3u);
}

TEST(ElementLines, AProductIsAddedInOneInstruction) {
  const ElementLines sum =
      lines({{ElementCode::multiply, kFirst, {0, 1, -1}}, {ElementCode::add, 5, {2, kFirst, -1}}});
  EXPECT_EQ(codes_of(sum), std::vector{ElementCode::multiply_add});
  expect_same_numbers(sum);
}

TEST(ElementLines, AChoiceByTheOppositeOfAMaskIsOneByTheMask) {
  const int zero = kOne + 1;
  ElementLines choice = lines({{ElementCode::less, kFirst, {0, 1, -1}},
                               {ElementCode::select, kFirst + 1, {kFirst, zero, kOne}},
                               {ElementCode::select, 5, {kFirst + 1, 2, 3}}});
  choice.constants = {1, 0};
  EXPECT_EQ(codes_of(choice), (std::vector{ElementCode::less, ElementCode::select}));
  expect_same_numbers(choice);
  choice.lines[0].arguments = {1, 0, -1};
  expect_same_numbers(choice);
  for (const auto& other : {std::array{kFirst, kOne, zero}, std::array{kFirst, zero, 4}}) {
    choice.lines[1].arguments = other;  // the mask itself; another mask where it does not hold
    EXPECT_EQ(codes_of(choice).size(), 3u);
    expect_same_numbers(choice);
  }
}

TEST(ElementLines, WhatIsReadTwiceStays) {
  const ElementLines twice = lines({{ElementCode::multiply, kFirst, {0, 1, -1}},
                                    {ElementCode::add, 4, {2, kFirst, -1}},
                                    {ElementCode::add, 5, {3, kFirst, -1}}});
  EXPECT_EQ(codes_of(twice).size(), 3u);
  const ElementLines squared = lines(
      {{ElementCode::multiply, kFirst, {0, 1, -1}}, {ElementCode::add, 5, {kFirst, kFirst, -1}}});
  EXPECT_EQ(codes_of(squared).size(), 2u);
}

TEST(ElementLines, WhatIsWrittenToMemoryStays) {
  const ElementLines kept =
      lines({{ElementCode::multiply, 4, {0, 1, -1}}, {ElementCode::add, 5, {2, 4, -1}}});
  EXPECT_EQ(codes_of(kept).size(), 2u);
}

TEST(ElementLines, NothingIsReadAfterItWasWrittenOver) {
  const ElementLines over = lines({{ElementCode::multiply, kFirst, {0, 1, -1}},
                                   {ElementCode::exp, 1, {2, -1, -1}},
                                   {ElementCode::add, 5, {3, kFirst, -1}}});
  EXPECT_EQ(codes_of(over).size(), 3u);
  expect_same_numbers(over);
}

TEST(ElementLines, ASlopeAtAnotherValueIsNone) {
  const ElementLines other = lines({{ElementCode::subtract, kFirst, {kOne, 2, -1}},
                                    kProduct,
                                    {ElementCode::multiply, 5, {0, kFirst + 1, -1}}});
  EXPECT_EQ(codes_of(other).size(), 3u);
}

TEST(ElementLines, ConstantsThatNobodyReadsAreLeftOut) {
  ElementLines slope =
      lines({kOneMinus, kProduct, {ElementCode::multiply, 5, {0, kFirst + 1, -1}}});
  EXPECT_EQ(numbered(slope).constants.size(), 1u);
  combine(slope);
  EXPECT_TRUE(numbered(slope).constants.empty());
  EXPECT_EQ(numbered(slope).temporaries, 0);
}

}  // namespace
}  // namespace rw::engine
