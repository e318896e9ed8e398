// Every operation of the library through every check. The checks are here, the rows in the files
// beside this one; the last test fails when an operation has no row.
#include "autograd/op_table.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "rewind/autograd/gradcheck.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/interpreters/tracer.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/unary.h"
#include "rewind/tensor/views.h"
#include "support/compare.h"
#include "support/paths.h"

namespace rw::test {
namespace {

Tensors inputs_of(const OpRow& row, const std::vector<Dims>& shapes = {}) {
  Tensors all;
  std::uint32_t seed = 7;
  for (const Argument& a : row.in) {
    const Dims& shape = shapes.empty() ? a.shape : shapes[all.size()];
    // From (-3, 3), where samples lie, to [low, high).
    const Array u = reference::array(reference::sample({shape, float64}, seed++));
    Tensor x = Tensor::uninitialized({shape, a.dtype});
    dispatch_any(a.dtype, [&](auto v) {
      using T = decltype(v);
      for (std::size_t i = 0; i < u.values.size(); i++) {
        const double value = a.low + (u.values[i] + 3) / 6 * (a.high - a.low);
        output_data<T>(x)[i] = static_cast<T>(std::is_same_v<T, bool> ? value > 0 : value);
      }
    });
    all.push_back(std::move(x));
  }
  return all;
}

std::vector<Dims> empty_shapes(const OpRow& row) {
  if (!row.empty.empty()) return row.empty;
  std::vector<Dims> shapes;
  for (const Argument& a : row.in) {
    shapes.push_back(a.shape.rank() == 0 || a.shape[0] == 1 ? a.shape : a.shape.with(0, 0));
  }
  return shapes;
}

// The same numbers column after column, and with gaps between them.
Tensor spread_out(const Tensor& x) {
  Strides strides{};
  Index step = 2;
  for (int i = 0; i < x.rank(); i++) {
    strides[static_cast<std::size_t>(i)] = step;
    step *= std::max<Index>(x.shape()[i], 1);
  }
  Tensor storage = Tensor::uninitialized({{step}, x.dtype()});
  dispatch_any(x.dtype(), [&](auto v) {
    using T = decltype(v);
    std::fill_n(output_data<T>(storage), step, T{});
    const Strides from = x.strides();
    reference::for_each_position(x.shape(), [&](const Position& p) {
      Index to = 0, at = 0;
      for (int i = 0; i < x.rank(); i++) {
        to += p[static_cast<std::size_t>(i)] * strides[static_cast<std::size_t>(i)];
        at += p[static_cast<std::size_t>(i)] * from[static_cast<std::size_t>(i)];
      }
      output_data<T>(storage)[to] = x.data<T>()[at];
    });
  });
  return storage.view(x.shape(), strides, 0);
}

// Equal but for the rounding of sums in another order.
void expect_same(const Tensor& a, const Tensor& b, const std::string& what) {
  ASSERT_EQ(a.dtype(), b.dtype()) << what;
  const Array expected = reference::array(b);
  double scale = 0;
  for (double v : expected.values) scale = std::max(scale, std::isfinite(v) ? std::abs(v) : 0);
  const Array seen = reference::array(a);
  ASSERT_TRUE(seen.shape == expected.shape) << what;
  for (std::size_t i = 0; i < seen.values.size(); i++) {
    const double x = seen.values[i], y = expected.values[i];
    ASSERT_TRUE(x == y || (std::isnan(x) && std::isnan(y)) || std::abs(x - y) <= 1e-14 * scale)
        << what << ": element " << i << " is " << x << " for " << y;
  }
}

void expect_same_bits(const Tensor& a, const Tensor& b, const std::string& what) {
  ASSERT_TRUE(a.spec() == b.spec()) << what;
  const Tensor p = contiguous(a), q = contiguous(b);
  dispatch_any(p.dtype(), [&](auto v) {
    using T = decltype(v);
    const auto bytes = static_cast<std::size_t>(p.size()) * sizeof(T);
    ASSERT_TRUE(bytes == 0 || std::memcmp(p.data<T>(), q.data<T>(), bytes) == 0) << what;
  });
}

Tensor weights(const Spec& spec) { return reference::sample(spec, 99); }

// The gradients of sum(weights * f(x)) by the float inputs.
Tensors gradients_of(const OpRow& row, const Tensors& x, const Tensor& dy, bool record = false) {
  Tape tape;
  Tensors watched = x;
  std::vector<std::size_t> variables;
  for (std::size_t i = 0; i < x.size(); i++) {
    if (!is_float(x[i].dtype())) continue;
    tape.watch(watched[i]);
    variables.push_back(i);
  }
  const Tensor y = row.f(watched);
  Gradients gradients;
  if (tape.holds(y.mark())) gradients = tape.backward({{y, dy}}, {.record = record});
  Tensors dx;
  for (const std::size_t i : variables) {
    dx.push_back(tape.holds(y.mark()) ? gradients[watched[i]] : zeros(x[i].shape(), float64));
  }
  return dx;
}

bool is_differentiable(const OpRow& row) {
  return is_float(row.f(inputs_of(row)).dtype()) && !row.in.empty();
}

class OpTableRow : public testing::TestWithParam<OpRow> {};

TEST_P(OpTableRow, ValueIsThatOfTheDefinition) {
  const OpRow& row = GetParam();
  if (!row.value) GTEST_SKIP() << "random numbers have tests of their own";
  Tensors x = inputs_of(row);
  reference::expect_close(row.f(x), row.value(x), 1e-13, row.name);
  for (Tensor& input : x) input = spread_out(input);
  reference::expect_close(row.f(x), row.value(x), 1e-13, row.name + " of strided inputs");
  if (row.in.empty()) return;
  x = inputs_of(row, empty_shapes(row));
  reference::expect_close(row.f(x), row.value(x), 1e-13, row.name + " of nothing");
}

TEST_P(OpTableRow, GradientAgreesWithDifferences) {
  const OpRow& row = GetParam();
  EXPECT_TRUE(gradcheck(row.f, inputs_of(row)));
}

TEST_P(OpTableRow, GradientOfEachArgumentAlone) {
  const OpRow& row = GetParam();
  for (std::size_t i = 0; i < row.in.size() && row.in.size() > 1; i++) {
    std::vector<int> constants;
    for (int other = 0; other < static_cast<int>(row.in.size()); other++) {
      if (other != static_cast<int>(i)) constants.push_back(other);
    }
    EXPECT_TRUE(gradcheck(row.f, inputs_of(row), {.constants = constants}));
  }
}

TEST_P(OpTableRow, SecondDerivativeAgreesWithDifferences) {
  const OpRow& row = GetParam();
  EXPECT_TRUE(gradgradcheck(row.f, inputs_of(row)));
}

TEST_P(OpTableRow, GradientsOfStridedInputs) {
  const OpRow& row = GetParam();
  if (!is_differentiable(row)) return;
  Tensors x = inputs_of(row);
  const Tensor dy = weights(row.f(x).spec());
  const Tensors expected = gradients_of(row, x, dy);
  for (Tensor& input : x) input = spread_out(input);
  const Tensors seen = gradients_of(row, x, dy);
  for (std::size_t i = 0; i < seen.size(); i++) expect_same(seen[i], expected[i], row.name);
}

TEST_P(OpTableRow, Bug07_StridedUpstreamGradientsGiveTheSameBits) {
  const OpRow& row = GetParam();
  if (!is_differentiable(row)) return;
  const Tensors x = inputs_of(row);
  const Tensor y = row.f(x);
  const Tensor one = full({}, 0.75, float64);
  for (const auto& [dense, other] :
       {std::pair{weights(y.spec()), spread_out(weights(y.spec()))},
        std::pair{contiguous(expand(one, y.shape())), expand(one, y.shape())}}) {
    const Tensors expected = gradients_of(row, x, contiguous(dense));
    const Tensors seen = gradients_of(row, x, other);
    for (std::size_t i = 0; i < seen.size(); i++) expect_same_bits(seen[i], expected[i], row.name);
  }
}

TEST_P(OpTableRow, RecordedAndUnrecordedRewindsAgree) {
  const OpRow& row = GetParam();
  if (!is_differentiable(row)) return;
  const Tensors x = inputs_of(row);
  const Tensor dy = weights(row.f(x).spec());
  const Tensors seen = gradients_of(row, x, dy), expected = gradients_of(row, x, dy, true);
  for (std::size_t i = 0; i < seen.size(); i++) expect_same(seen[i], expected[i], row.name);
}

TEST_P(OpTableRow, Bug30_NothingHasAZeroGradientOfItsShape) {
  const OpRow& row = GetParam();
  if (!is_differentiable(row)) return;
  const Tensors x = inputs_of(row, empty_shapes(row));
  const Tensor dy = weights(row.f(x).spec());
  std::size_t k = 0;
  const Tensors dx = gradients_of(row, x, dy);
  for (const Tensor& input : x) {
    if (!is_float(input.dtype())) continue;
    ASSERT_TRUE(dx[k].spec() == input.spec()) << row.name;
    // With no elements in the result, no gradient can arrive.
    if (dy.size() == 0) {
      for (double v : reference::array(dx[k]).values) ASSERT_EQ(v, 0) << row.name;
    }
    k++;
  }
  EXPECT_TRUE(gradgradcheck(row.f, x)) << row.name;
}

// What f says against its dtypes, in text.
template <class F>
std::string refusal(F f) {
  try {
    f();
  } catch (const DtypeError& error) {
    return error.what();
  } catch (const Error&) {  // a fault of the numbers, which a tracer does not see
  }
  return {};
}

TEST_P(OpTableRow, ATracerSeesWhichDtypesAreRefused) {
  const OpRow& row = GetParam();
  for (const Dtype dtype : {float32, int64, boolean}) {
    Tensors x = inputs_of(row);
    for (Tensor& input : x) {
      if (is_float(input.dtype())) input = cast(input, dtype);
    }
    const std::string computed = refusal([&] { row.f(x); });
    const std::string traced = refusal([&] {
      const ShapeTracer tracer;
      row.f(x);
    });
    EXPECT_EQ(traced, computed) << row.name << " of " << name_of(dtype);
  }
}

// Runs every operation again: with inputs that it may overwrite, one by one and all at once
// (ggml #1521: a softmax wrong when its result lay over its input), with inputs that lie otherwise
// in memory, and on two threads.
class Doubter final : public Interpreter {
 public:
  std::set<std::string> seen;

  void run(Call& call) override {
    Tensors before;  // the call may overwrite what is a temporary
    for (const Tensor* x : call.inputs) before.push_back(own_copy(*x));
    hand_down(call);
    seen.insert(std::string(call.type.name));
    const std::string name(call.type.name);
    const std::uint64_t all = (std::uint64_t{1} << call.inputs.size()) - 1;
    for (std::uint64_t mask : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{4}, all}) {
      if ((mask & all) == mask && mask) again(call, before, mask, false, name + " over its inputs");
    }
    again(call, before, 0, true, name + " of strided inputs");
    const Threads two(2);
    again(call, before, 0, false, name + " on two threads");
  }

 private:
  static void again(const Call& call, const Tensors& inputs, std::uint64_t donated, bool strided,
                    const std::string& what) {
    Tensors copies;
    for (const Tensor& x : inputs) copies.push_back(strided ? spread_out(x) : own_copy(x));
    std::vector<const Tensor*> pointers;
    for (const Tensor& x : copies) pointers.push_back(&x);
    Tensors outputs(call.outputs.size());
    call.type.execute(call.op, pointers, outputs, donated);
    for (std::size_t i = 0; i < outputs.size(); i++) {
      if (strided) {
        expect_same(outputs[i], call.outputs[i], what);
      } else {
        expect_same_bits(outputs[i], call.outputs[i], what);
      }
    }
  }

  static Tensor own_copy(const Tensor& x) {
    Tensor y = Tensor::uninitialized(x.spec());
    copy_elements(x, y);
    return y;
  }
};

std::set<std::string> doubt_all() {
  Doubter doubter;
  const Threads one(2);
  for (const OpRow& row : op_table()) {
    const Tensors x = inputs_of(row);
    const Tensor y = row.f(x);
    if (!is_float(y.dtype()) || row.in.empty()) continue;
    const Tensor dy = weights(y.spec());
    gradients_of(row, x, dy);
    const OpRow second{row.name,
                       [&](const Tensors& inner) {
                         Tape& tape = *Tape::current();
                         const Tensor z = row.f(inner);
                         if (!tape.holds(z.mark())) return z;
                         const Gradients g = tape.backward({{z, dy}}, {.record = true});
                         Tensor total = zeros({}, float64);
                         for (const Tensor& input : inner) {
                           if (is_float(input.dtype())) total = total + sum(square(g[input]));
                         }
                         return total;
                       },
                       row.in};
    gradients_of(second, x, ones({}, float64));
  }
  return doubter.seen;
}

// What the sources declare.
std::set<std::string> declared_operations() {
  std::set<std::string> names;
  const std::regex declaration("string_view name = \"([a-z0-9_]+)\"");
  for (const char* folder : {"tensor", "autograd", "nn"}) {
    const auto root = std::filesystem::path(tests_file("..")) / folder;
    for (const auto& file : std::filesystem::recursive_directory_iterator(root)) {
      std::ifstream in(file.path());
      for (std::string line; std::getline(in, line);) {
        std::smatch match;
        if (line.rfind("//", 0) != 0 && std::regex_search(line, match, declaration)) {
          names.insert(match[1]);
        }
      }
    }
  }
  return names;
}

TEST(OpTable, Bug27_EveryOperationMayOverwriteItsInputsAndHasARow) {
  const std::set<std::string> seen = doubt_all();
  const std::set<std::string> declared = declared_operations();
  EXPECT_GT(declared.size(), 80u);
  for (const std::string& name : declared) {
    EXPECT_TRUE(seen.count(name)) << name << " has no row in the table of operations";
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, OpTableRow, testing::ValuesIn(op_table()), [](const auto& row) {
  std::string name;
  for (char c : row.param.name) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name + "_" + std::to_string(row.index);
});

}  // namespace
}  // namespace rw::test
