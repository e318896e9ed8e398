// Functions of one number: values in every layout, edges, dtypes.
#include "rewind/tensor/unary.h"

#include <limits>

#include "rewind/tensor/activation.h"
#include "rewind/tensor/rounding.h"
#include "support/message_of.h"
#include "support/reference.h"

namespace rw {
namespace {

using namespace reference;

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

struct Row {
  const char* name;
  Tensor (*function)(Tensor);
  double (*naive)(double);
  bool integers = false;
  bool positive = false;
};

double naive_gelu(double x) { return x * std::erfc(-x / std::sqrt(2.0)) / 2; }
double naive_gelu_tanh(double x) {
  return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

const std::vector<Row>& rows() {
  static const std::vector<Row> table{
      {"exp", exp, std::exp},
      {"expm1", expm1, std::expm1},
      {"log", log, std::log, false, true},
      {"log1p", log1p, std::log1p, false, true},
      {"sqrt", sqrt, std::sqrt, false, true},
      {"rsqrt", rsqrt, [](double x) { return 1 / std::sqrt(x); }, false, true},
      {"square", square, [](double x) { return x * x; }, true},
      {"reciprocal", reciprocal, [](double x) { return 1 / x; }},
      {"sin", sin, std::sin},
      {"cos", cos, std::cos},
      {"tanh", tanh, std::tanh},
      {"sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }},
      {"relu", relu, [](double x) { return x > 0 ? x : 0; }, true},
      {"softplus", softplus, [](double x) { return std::log1p(std::exp(x)); }},
      {"gelu", [](Tensor x) { return gelu(std::move(x)); }, naive_gelu},
      {"gelu approximate", [](Tensor x) { return gelu(std::move(x), {.approximate = true}); },
       naive_gelu_tanh},
      {"abs", abs, [](double x) { return std::abs(x); }, true},
      {"sign", sign, [](double x) { return x > 0   ? 1.0
                                           : x < 0 ? -1.0
                                                   : 0.0; }, true},
      {"floor", floor, [](double x) { return std::floor(x); }},
      {"round", round, [](double x) { return std::nearbyint(x); }},
      {"isnan", [](Tensor x) { return isnan(x); }, [](double) { return 0.0; }},
      {"isfinite", [](Tensor x) { return isfinite(x); }, [](double) { return 1.0; }},
  };
  return table;
}

TEST(Unary, EveryFunctionEqualsItsNaiveTwinInEveryLayout) {
  for (const Row& row : rows()) {
    for (Dtype dtype : {float32, float64, int64}) {
      if (dtype == int64 && !row.integers) continue;
      for (const Dims& shape : shapes()) {
        for (Tensor x : layouts({shape, dtype})) {
          if (row.positive) x = square(x);
          expect_close(row.function(x), map(row.naive, x), 3 * precision(dtype), row.name);
        }
      }
    }
  }
}

TEST(Unary, ATemporaryGivesItsStorageAndTheSameResult) {
  for (const Row& row : rows()) {
    const Tensor x = square(sample({{33}, float32}));
    Tensor copy = Tensor::uninitialized(x.spec());
    copy_elements(x, copy);
    const float* storage = copy.data<float>();
    const Tensor y = row.function(std::move(copy));
    expect_close(y, array(row.function(x)), 0, row.name);
    EXPECT_EQ(y.dtype() == float32, y.spec() == x.spec() && y.data<float>() == storage);
  }
}

TEST(Unary, OtherDtypesAreRefusedByName) {
  for (const Row& row : rows()) {
    const std::string name = std::string(row.name).substr(0, std::string(row.name).find(' '));
    const Tensor integers = sample({{2, 3}, int64}), bools = sample({{2}, boolean});
    if (row.integers) {
      EXPECT_EQ(message_of<DtypeError>([&] { row.function(bools); }),
                name + ": takes numbers, got bool [2]; convert with to(x, int64)");
    } else {
      EXPECT_EQ(message_of<DtypeError>([&] { row.function(integers); }),
                name + ": takes float32 or float64, got int64 [2, 3]; convert with to(x, float32)");
    }
  }
}

void expect_values(const Tensor& y, const std::vector<double>& values, double tolerance = 0) {
  expect_close(y, {y.shape(), values}, tolerance);
}

TEST(Unary, InfinitiesGiveTheLimitsAndNanStays) {
  for (Dtype dtype : {float32, float64}) {
    const Tensor x = dtype == float64
                         ? doubles({3}, {-kInf, kInf, kNan})
                         : tensor<float>({3}, {-std::numeric_limits<float>::infinity(),
                                               std::numeric_limits<float>::infinity(), NAN});
    expect_values(exp(x), {0, kInf, kNan});
    expect_values(expm1(x), {-1, kInf, kNan});
    expect_values(log(x), {kNan, kInf, kNan});
    expect_values(tanh(x), {-1, 1, kNan});
    expect_values(sigmoid(x), {0, 1, kNan});
    expect_values(relu(x), {0, kInf, kNan});
    expect_values(softplus(x), {0, kInf, kNan});
    expect_values(gelu(x), {0, kInf, kNan});
    expect_values(gelu(x, {.approximate = true}), {0, kInf, kNan});
    expect_values(sign(x), {-1, 1, kNan});
    expect_values(isnan(x), {0, 0, 1});
    expect_values(isfinite(x), {0, 0, 0});
  }
}

TEST(Unary, SaturatesWithoutOverflowOnTheWay) {
  const Tensor x = tensor<float>({4}, {-1000, -90, 90, 1000});
  expect_values(tanh(x), {-1, -1, 1, 1});
  expect_values(softplus(x), {0, std::exp(-90.0), 90, 1000}, 1e-6);
  expect_values(gelu(x), {0, 0, 90, 1000});
  expect_values(sigmoid(tensor<float>({2}, {-1000, 1000})), {0, 1});
}

TEST(Unary, GeluKeepsItsDigitsInTheNegativeTail) {
  // By 60-digit arithmetic.
  expect_values(gelu(tensor<float>({2}, {-5, -8})),
                {-1.4332578593959597e-06, -4.976768459842213e-15}, 1e-7);
}

TEST(Unary, RoundsHalvesToEven) {
  expect_values(round(doubles({6}, {0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994})),
                {0, 2, 2, 0, -2, 0});
  EXPECT_TRUE(std::signbit(round(doubles({}, {-0.5})).item()));
}

TEST(Unary, TheSmallestIntegerIsDefined) {
  const Index smallest = std::numeric_limits<Index>::min();
  EXPECT_EQ(abs(tensor<Index>({1}, {smallest})).span<Index>()[0], smallest);
  EXPECT_EQ(square(tensor<Index>({1}, {smallest})).span<Index>()[0], 0);
}

}  // namespace
}  // namespace rw
