// A batch of one row: axes of size one beside it are not taken for it, though no size tells them
// apart.
#include <gtest/gtest.h>

#include "autograd/engine/plans_of.h"
#include "rewind/tensor/cumsum.h"

namespace rw::test {
namespace {

using Const = const Tensors&;

Tensor next_of(Const x, Const s, Const w) {
  return tanh(matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2]);
}

// The first rows of a case, and of what it captures for each of them.
ScanCase with_rows(ScanCase c, Index count) {
  for (Tensor& x : c.xs) x = contiguous(slice(x, 1, 0, count));
  for (Tensor& x : c.initial) x = contiguous(slice(x, 0, 0, count));
  for (Tensor& w : c.weights) {
    for (const Index each : {Index{1}, I}) {
      if (w.dim(0) == B * each) w = contiguous(slice(w, 0, 0, count * each));
    }
  }
  return c;
}

const engine::Program& back(const Plans& plans) { return plans.backward->recurrence->program(); }

// By value: whether it is an input or a state, or made of one.
std::vector<bool> of_inputs_or_states(const engine::Step& step) {
  std::vector<bool> reached(engine::at(step.graph.values()));
  for (const auto* leaves : {&step.inputs, &step.states}) {
    for (const engine::ValueId x : *leaves) reached[engine::at(x)] = true;
  }
  for (const auto& node : step.graph.nodes()) {
    for (const engine::ValueId x : node.inputs) {
      if (!reached[engine::at(x)]) continue;
      for (int i = 0; i < node.results; i++) reached[engine::at(node.first + i)] = true;
    }
  }
  return reached;
}

// But for what is captured or drawn: of one row, that may as well have none.
void expect_the_same_axes(const engine::Program& one, const engine::Program& two) {
  const std::vector<bool> compared = of_inputs_or_states(one.step);
  ASSERT_EQ(one.rows.axis.size(), two.rows.axis.size());
  for (std::size_t v = 0; v < compared.size(); v++) {
    if (!compared[v]) continue;
    EXPECT_EQ(one.rows.axis[v], two.rows.axis[v]) << "%" << v;
    EXPECT_EQ(one.rows.each[v], two.rows.each[v]) << "%" << v;
  }
  EXPECT_EQ(one.rows.effect, two.rows.effect);
}

// Without its operands, whose shapes tell the rows.
std::string operation_that_mixes(const Plans& plans) {
  const std::string& mixing = plans.forward->program().mixing;
  return mixing.substr(0, mixing.find(" of "));
}

TEST(OneRow, IsFollowedAsTwoRowsAre) {
  for (const NamedCase& c : all_cells()) {
    SCOPED_TRACE(c.name);
    const Plans one = plans_of(with_rows(c.scan, 1)), two = plans_of(with_rows(c.scan, 2));
    EXPECT_EQ(operation_that_mixes(one), operation_that_mixes(two));
    EXPECT_EQ(one.forward->program().mixing.empty(), !c.mixes_rows);
    if (c.mixes_rows) continue;
    EXPECT_EQ(back(one).mixing, back(two).mixing);
    expect_the_same_axes(one.forward->program(), two.forward->program());
    expect_the_same_axes(back(one), back(two));
  }
}

// z and h of a cell, joined by an axis of their own in all the ways that a program may.
std::vector<NamedCase> cells_with_an_axis_beside_the_row() {
  const auto cell = [](std::string name, std::initializer_list<Dims> others, auto join) {
    Tensors all = kSimple;
    for (const Tensor& w : weights(others)) all.push_back(w);
    return NamedCase{std::move(name),
                     {inputs(), states({H}), all, [join](Const x, Const s, Const w) -> Results {
                        const Tensor h = tanh(join(next_of(x, s, w), s[0], w));
                        return {one(h), one(h)};
                      }}};
  };
  return {
      cell("stacked in front", {},
           [](auto z, auto h, Const) {
             return sum(stack({z, h}, 0) * 0.7, 0);
           }),
      cell("stacked behind", {},
           [](auto z, auto h, Const) {
             return sum(stack({z, h}, 1) * 0.7, 1);
           }),
      cell("mean of front", {},
           [](auto z, auto h, Const) {
             return mean(stack({z, h, z}, 0), 0);
           }),
      cell("max in front", {},
           [](auto z, auto h, Const) {
             return max(stack({z, h}, 0), 0);
           }),
      cell("joined in front", {},
           [](auto z, auto h, Const) {
             return sum(square(concat({unsqueeze(z, 0), unsqueeze(h, 0)}, 0)), 0);
           }),
      cell("joined behind", {},
           [](auto z, auto h, Const) {
             return sum(square(concat({unsqueeze(z, 1), unsqueeze(h, 1)}, 1)), 1);
           }),
      cell("both", {},
           [](auto z, auto h, Const) {
             return sum(stack({z, h}, 0) * 0.7, 0) +
                    sum(square(concat({unsqueeze(z, 1), unsqueeze(h, 1)}, 1)), 1);
           }),
      cell("concat both", {},
           [](auto z, auto h, Const) {
             return sum(square(concat({unsqueeze(z, 0), unsqueeze(h, 0)}, 0)), 0) +
                    sum(square(concat({unsqueeze(z, 1), unsqueeze(h, 1)}, 1)), 1);
           }),
      cell("repeated in front", {},
           [](auto z, auto h, Const) {
             return sum(expand(unsqueeze(z, 0), {3, h.dim(0), H}) * h, 0);
           }),
      cell("repeated behind", {},
           [](auto z, auto h, Const) {
             return sum(expand(unsqueeze(z, 1), {h.dim(0), 3, H}) * unsqueeze(h, 1), 1);
           }),
      cell("weights of two", {{2, 1, H}},
           [](auto z, auto h, Const w) {
             return sum(stack({z, h}, 0) * w[3], 0);
           }),
      cell("weights of a pair", {{2, 1, 1}},
           [](auto z, auto h, Const w) {
             return sum(stack({z, h}, 0) * softmax(w[3], 0), 0);
           }),
      cell("scores in front", {{H}},
           [](auto z, auto h, Const w) {
             const Tensor both = stack({z, h, z * h}, 0);  // [3, rows, H]
             const Tensor score = softmax(sum(both * w[3], -1, true), 0);
             return sum(score * both, 0);
           }),
      cell("scores behind", {{H, 1}},
           [](auto z, auto h, Const w) {
             const Tensor both = stack({z, h, z * h}, 1);  // [rows, 3, H]
             const Tensor score = softmax(matmul(both, w[3]), 1);
             return sum(score * both, 1);
           }),
      cell("products in front", {{2, H, H}},
           [](auto z, auto h, Const w) {
             return sum(matmul(stack({z, h}, 0), w[3]), 0);
           }),
      cell("product of one in front", {{2, H, H}},
           [](auto z, auto h, Const w) { return sum(matmul(unsqueeze(z, 0), w[3]), 0) + h; }),
      cell("outer", {},
           [](auto z, auto h, Const) {
             return squeeze(matmul(unsqueeze(z, 1), matmul(unsqueeze(h, 2), unsqueeze(z, 1))), 1);
           }),
      cell("heads", {},
           [](auto z, auto h, Const) {
             return reshape(sum(transpose(reshape(concat({z, h}), {h.dim(0), 2, H}), 0, 1) * h, 0),
                            {h.dim(0), H});
           }),
      cell("normalised in front", {},
           [](auto z, auto h, Const) {
             const Tensor both = stack({z, h}, 0);
             return sum(square(both - mean(both, 0, true)), 0) + z;
           }),
      cell("two axes in front", {},
           [](auto z, auto h, Const) {
             return sum(stack({unsqueeze(z, 0), unsqueeze(h, 0)}, 0) * 0.5, 0)[0];
           }),
      cell("drawn in front", {},
           [](auto z, auto h, Const) {
             return sum(stack({z, h}, 0) * bernoulli({2, 1, H}, {.p = 0.5, .dtype = float64}), 0);
           }),
      cell("drawn for the row", {},
           [](auto z, auto h, Const) {
             return sum(stack({z, h}, 0) *
                            unsqueeze(bernoulli(h.shape(), {.p = 0.5, .dtype = float64}), 0),
                        0);
           }),
      cell("joined from both sides", {},
           [](auto z, auto h, Const) {
             return sum(concat({unsqueeze(z, 0), transpose(unsqueeze(h, 1), 0, 1)}, 0), 0);
           }),
      cell("added up in front and behind", {},
           [](auto z, auto h, Const) {
             return unsqueeze(sum(square(unsqueeze(h, 0)), {0, 2}), 1) * h + z;
           }),
      cell("one of two parts", {{1, H}},
           [](auto z, auto h, Const w) {
             const Tensor parts = concat({tanh(slice(h, 1, 0, 2)), 0.5 * slice(h, 1, 2, H)});
             return matmul(unsqueeze(select(parts, 1, 3), 1), w[3]) + z;
           }),
      cell("drawn and joined", {},
           [](auto z, auto h, Const) {
             return sum(concat({unsqueeze(z, 0),
                                unsqueeze(bernoulli(h.shape(), {.p = 0.5, .dtype = float64}), 0)},
                               0),
                        0);
           }),
  };
}

TEST(OneRow, IsKeptApartAsTwoRowsAre) {
  for (const NamedCase& c : cells_with_an_axis_beside_the_row()) {
    for (const Index count : {1, 2}) {
      const Plans plans = plans_of(with_rows(c.scan, count));
      EXPECT_EQ(plans.forward->program().mixing, "") << c.name << ", " << count << " rows";
      EXPECT_EQ(back(plans).mixing, "") << c.name << ", " << count << " rows";
    }
  }
}

TEST(OneRow, GivesWhatThePlainLoopGives) {
  for (const NamedCase& c : cells_with_an_axis_beside_the_row()) {
    for (const Lengths& lengths : {Lengths{}, {3}, {0}}) {
      ScanCase one = with_rows(c.scan, 1);
      one.lengths = lengths;
      for (Tensor& x : one.xs) x = with_padding(x, lengths);
      expect_the_plain_loop(one, c.name);
      one.reverse = true;
      expect_the_plain_loop(one, c.name);
    }
  }
}

// Of one row some arrangements are the same, and what one was made of need not have been kept.
TEST(OneRow, IsArrangedAgainFromWhatWasKept) {
  const auto step = [](Const, Const s, Const) -> Results {
    const Tensor column = unsqueeze(s[0], 2), row = permute(column, {0, 2, 1});
    const Tensor square = squeeze(matmul(row, column), 1);
    return {{tanh(s[0] + square)}, {permute(column, {1, 0, 2}), square, column}};
  };
  const ScanCase c{inputs(), states({H}), {}, step};
  for (const Index count : {1, 2}) expect_the_plain_loop(with_rows(c, count), "arranged again");
}

// Its gradients, too, where the way back repeats them along an axis in front.
TEST(OneRow, HasTheBitsThatItHasAmongOthers) {
  const Tensor w = numbers({H, H}, 1), dy = numbers({40, 3, H}, 2);
  const auto step = [&](const Tensor& x, const Tensor& h) {
    const Tensor y = sum(stack({x + matmul(h, w), h}, 0) * 0.7, 0);
    return std::pair(tanh(y), y);
  };
  const Tensor xs = numbers({40, 3, H}, 3), h0 = numbers({3, H}, 4);
  const auto gradients = [&](Index rows) {
    Tape tape;
    const Tensor x = tape.watch(contiguous(slice(xs, 1, 0, rows)));
    const Tensor h = tape.watch(contiguous(slice(h0, 0, 0, rows)));
    const Tensor outputs = scan(step, x, h).outputs;
    const Gradients found = tape.backward({{outputs, slice(dy, 1, 0, rows)}});
    return Tensors{slice(outputs, 1, 0, 1), slice(found[x], 1, 0, 1), slice(found[h], 0, 0, 1)};
  };
  const Tensors one = gradients(1), three = gradients(3);
  for (std::size_t i = 0; i < one.size(); i++) {
    EXPECT_EQ(largest_difference(one[i], three[i]), 0) << i;
  }
}

TEST(OneRow, IsNotTakenForKeptApartWhereTwoRowsAreMixed) {
  const auto expect_refusal = [](const char* what, auto mix) {
    const auto step = [&](const Tensor& x, const Tensor& h) { return tanh(x + mix(h)); };
    for (const Lengths& lengths : {Lengths{3}, {3, 2}}) {
      const Index rows = std::ssize(lengths);
      const Tensor xs = numbers({T, rows, H}, 1), h0 = numbers({rows, H}, 2);
      EXPECT_THROW(scan(step, xs, h0, {.lengths = lengths}), ShapeError) << what << ", " << rows;
    }
  };
  expect_refusal("mean", [](const Tensor& h) { return h - mean(h, 0, true); });
  expect_refusal("running sum", [](const Tensor& h) { return cumsum(h, 0); });
  expect_refusal("both axes",
                 [](const Tensor& h) { return cumsum(cumsum(unsqueeze(h, 0), 0), 1)[0]; });
  expect_refusal("axis in front", [](const Tensor& h) {
    return max(max(concat({unsqueeze(h, 0), unsqueeze(2 * h, 0)}, 0), 0), 0);
  });
  expect_refusal("products of rows",
                 [](const Tensor& h) { return matmul(softmax(matmul(h, transpose(h)), -1), h); });
}

}  // namespace
}  // namespace rw::test
