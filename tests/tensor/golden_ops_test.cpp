// Element-wise operations and reductions against numbers from elsewhere (tests/golden).
#include <gtest/gtest.h>

#include "rewind/io/safetensors.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/cumsum.h"
#include "rewind/tensor/division.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/rounding.h"
#include "rewind/tensor/softmax.h"
#include "support/paths.h"
#include "support/reference.h"

namespace rw {
namespace {

using namespace reference;

const Tensor& golden(const std::string& name) {
  static const TensorFile file = load_tensors(test::tests_file("golden/ops.safetensors"));
  return file.tensors.at(name);
}

void expect_golden(const Tensor& y, const std::string& name, double tolerance) {
  expect_close(y, array(golden(name)), tolerance, name);
}

TEST(GoldenOps, SoftmaxAtInfinities) {
  const Tensor& x = golden("softmax.x");
  expect_golden(softmax(x, 1), "softmax.y", 1e-14);
  expect_golden(log_softmax(x, 1), "log_softmax.y", 1e-14);
  expect_golden(logsumexp(x, 1), "logsumexp.y", 1e-14);
}

TEST(GoldenOps, Variance) {
  const Tensor& x = golden("var.x");
  expect_golden(var(x, 1), "var.unbiased.axis1", 1e-14);
  expect_golden(var(x, 1, {.correction = 0}), "var.biased.axis1", 1e-14);
  expect_golden(var(x), "var.unbiased.all", 1e-14);
  expect_golden(var(x, {}, {.correction = 0}), "var.biased.all", 1e-14);
  expect_golden(var(golden("var.single"), 1), "var.unbiased.single", 0);
  expect_golden(var(golden("var.single"), 1, {.correction = 0}), "var.biased.single", 0);
}

TEST(GoldenOps, ProductsPowersAndRunningSums) {
  expect_golden(prod(golden("prod.x"), 1), "prod.y", 1e-15);
  expect_golden(pow(golden("pow.a"), golden("pow.b")), "pow.y", 1e-15);
  expect_golden(cumsum(golden("cumsum.x"), 0), "cumsum.axis0", 1e-14);
  expect_golden(cumsum(golden("cumsum.x"), 1), "cumsum.axis1", 1e-14);
  expect_golden(cumsum(golden("cumsum.int.x"), 1), "cumsum.int.axis1", 0);
}

TEST(GoldenOps, Activations) {
  expect_golden(gelu(golden("gelu.x")), "gelu.erf.y", 1e-13);
  expect_golden(gelu(golden("gelu.x"), {.approximate = true}), "gelu.tanh.y", 1e-13);
  expect_golden(softplus(golden("softplus.x")), "softplus.y", 1e-15);
}

void expect_same_signs(const Tensor& y, const std::string& name) {
  const Array actual = array(y), expected = array(golden(name));
  for (std::size_t i = 0; i < actual.values.size(); i++) {
    if (std::isnan(expected.values[i])) continue;
    EXPECT_EQ(std::signbit(actual.values[i]), std::signbit(expected.values[i])) << name << " " << i;
  }
}

TEST(GoldenOps, QuotientsAndRemaindersAlsoTheirZeros) {
  const Tensor &a = golden("remainder.a"), &b = golden("remainder.b");
  expect_golden(remainder(a, b), "remainder.y", 0);
  expect_same_signs(remainder(a, b), "remainder.y");
  expect_golden(floor_divide(a, b), "floor_divide.y", 0);
  expect_same_signs(floor_divide(a, b), "floor_divide.y");
  const Tensor &p = golden("remainder.int.a"), &q = golden("remainder.int.b");
  expect_golden(remainder(p, q), "remainder.int.y", 0);
  expect_golden(floor_divide(p, q), "floor_divide.int.y", 0);
}

TEST(GoldenOps, RoundingAlsoZeros) {
  expect_golden(round(golden("round.x")), "round.y", 0);
  expect_same_signs(round(golden("round.x")), "round.y");
}

}  // namespace
}  // namespace rw
