// What kernels and shape rules promise beside their numbers: every operation run again over its own
// inputs, on more threads, for a tracer, with another seed. The last test fails when an operation
// has no row.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "autograd/op_table_checks.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/interpreters/tracer.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/unary.h"
#include "support/paths.h"

namespace rw::test {
namespace {

class AnyRow : public OpRowTest {};
class RandomRow : public OpRowTest {};

TEST_P(RandomRow, TheSeedAloneDecides) {
  const OpRow& row = GetParam();
  const auto drawn = [&](std::uint64_t seed, const Tensors& x) {
    const Random scope(seed);
    return row.f(x);
  };
  Tensors x = inputs_of(row);
  const Tensor first = drawn(1, x);
  expect_same_bits(drawn(1, x), first, row.name);
  EXPECT_NE(reference::array(drawn(2, x)).values, reference::array(first).values);
  for (Tensor& input : x) input = spread_out(input);
  expect_same_bits(drawn(1, x), first, row.name + " of strided inputs");
}

TEST_P(RandomRow, HasNoPlaceOnATape) {
  const OpRow& row = GetParam();
  Tape tape;
  Tensors x = inputs_of(row);
  for (Tensor& input : x) tape.watch(input);
  EXPECT_FALSE(tape.holds(row.f(x).mark()));
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

TEST_P(AnyRow, ATracerSeesWhichDtypesAreRefused) {
  const OpRow& row = GetParam();
  for (const Dtype dtype : {float32, int64, boolean}) {
    const Tensors x = cast_floats(inputs_of(row), dtype);
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
// in memory, and on two threads after one.
class Doubter final : public Interpreter {
 public:
  std::set<std::string> seen;

  void run(Call& call) override {
    Tensors before;  // the call may overwrite what is a temporary
    for (const Tensor* x : call.inputs) before.push_back(own_copy(*x));
    {
      const Threads one(1);
      hand_down(call);
    }
    seen.insert(std::string(call.type.name));
    const std::string name(call.type.name);
    const std::uint64_t all = (std::uint64_t{1} << call.inputs.size()) - 1;
    for (std::uint64_t mask : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{4}, all}) {
      if ((mask & all) == mask && mask) again(call, before, mask, false, name + " over its inputs");
    }
    again(call, before, 0, true, name + " of strided inputs");
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
  const Threads two(2);
  for (const OpRow& row : op_table()) {
    const Tensors x = inputs_of(row);
    const Tensor y = row.f(x);
    if (!is_float(y.dtype()) || row.in.empty()) continue;
    if (!row.large.empty()) {
      const Tensors more = inputs_of(row, row.large);
      gradients_of(row, more, weights(row.f(more).spec()));
    }
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

Index threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

TEST(OpTable, Bug27_EveryOperationMayOverwriteItsInputsAndHasARow) {
  const std::set<std::string> seen = doubt_all();
  EXPECT_GE(threads_of_this_process(), 2) << "no row had work for a second worker";
  const std::set<std::string> declared = declared_operations();
  EXPECT_GT(declared.size(), 80u);
  for (const std::string& name : declared) {
    EXPECT_TRUE(seen.count(name)) << name << " has no row in the table of operations";
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, AnyRow, testing::ValuesIn(op_table()), name_of_row);
INSTANTIATE_TEST_SUITE_P(Rows, RandomRow, rows_that(is_random), name_of_row);

}  // namespace
}  // namespace rw::test
