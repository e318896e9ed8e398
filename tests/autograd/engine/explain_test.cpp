// Plans in words, for users: what is said of cells whose plans are known.
#include "rewind/autograd/explain.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "autograd/engine/explained.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/recurrent.h"
#include "support/paths.h"

namespace rw::test {
namespace {

// In this order, with others between them.
void expect_lines(const std::string& text, const std::vector<std::string>& lines) {
  std::size_t from = 0;
  for (const std::string& line : lines) {
    const std::size_t found = text.find(line + "\n", from);
    EXPECT_NE(found, std::string::npos) << "no line '" << line << "' in the rest of\n" << text;
    if (found != std::string::npos) from = found + line.size();  // what ends it may begin the next
  }
}

// The block of a document behind the comment that names it.
std::string quoted(const std::string& document, const std::string& name) {
  std::ifstream file(tests_file("../" + document));
  std::stringstream all;
  all << file.rdbuf();
  const std::string text = all.str(), mark = "<!-- explain: " + name + " -->\n```text\n";
  const std::size_t from = text.find(mark);
  if (from == std::string::npos) return "no such block";
  const std::size_t begin = from + mark.size();
  return text.substr(begin, text.find("```", begin) - begin);
}

// The example of the page, word for word.
TEST(Explain, SaysOfAnElmanCellWhatDesignQuotes) {
  const Threads two(2);
  const Tensor w = zeros({64, 128}), u = zeros({128, 128}), b = zeros({128});
  const auto step = [&](const Tensor& x, const Tensor& h) {
    Tensor z = matmul(x, w);
    z = z + matmul(h, u);
    return tanh(z + b);
  };
  EXPECT_EQ(explain(step, zeros({10, 32, 64}), zeros({32, 128})), quoted("DESIGN.md", "elman"));
}

// Each operation in a statement of its own: a trace has them in the order in which they run.
std::string explained_lstm() {
  const Tensor w = zeros({2, 20}), u = zeros({5, 20}), b = zeros({20}), b2 = zeros({20});
  const auto step = [&](const Tensor& x, const Tensors& s) {
    Tensor z = matmul(x, w);
    z = z + matmul(s[0], u);
    const Tensor bias = b + b2;
    z = z + bias;
    const Tensor i = sigmoid(part(z, 0));
    const Tensor f = sigmoid(part(z, 1));
    const Tensor g = tanh(part(z, 2));
    const Tensor o = sigmoid(part(z, 3));
    Tensor c = f * s[1];
    c = c + i * g;
    return Tensors{o * tanh(c), c};
  };
  return explain(step, zeros({4, 3, 2}), Tensors{zeros({3, 5}), zeros({3, 5})});
}

TEST(Explain, SaysWhatAnLstmKeepsAndWhereItsGatesLie) {
  expect_lines(
      explained_lstm(),
      {"the step, as it was traced",
       "  %4 = add(w2, w3) [20]",
       "forward, 3 rows of float32",
       "  carried          h0 [3, 5], h1 [3, 5]",
       "  on the tape before the loop, once",
       "    p1 = add(w2, w3) [20]",
       "  before the loop, for many steps at once",
       "    %1 = matmul(x, w0) [3, 20]",
       "    %2 = add(p1, %1) [3, 20]",
       "  at every step",
       "    no work    %5 = slice{1, 15, 20, 1}(%4) [3, 5]",
       "    product    %3 = matmul(h0, w1) [3, 20], w1 packed, added onto %2: %4",
       "                 %6 = sigmoid(%5) [3, 5]",
       "    next       h1 = %15, read where it is remembered",
       "  after the loop, for many steps at once: nothing",
       "  gives y = %17",
       "  kept for the way back, 25 numbers a row and step: h0 (among the outputs), h1, %6, "
       "%8, %11, %13",
       "  in the place of what was there: %3 over %2, %4 over %2, %6 over %2, %8 over %2, "
       "%11 over %2, %13 over %2",
       "backward, in the other direction",
       "  carried          dh0 [3, 5], dh1 [3, 5]",
       "    constant   %1 = permute{[1, 0]}(w1) [20, 5]",
       "    next       dh1 = %30, in memory that changes places with the state's",
       "  after the loop, for many steps at once",
       "  gives dx = %32",
       "  in the place of what was there: nothing"});
}

TEST(Explain, SaysWhyOrdinaryKernelsRun) {
  const Tensor keys = zeros({3, 6, 4}), query = zeros({5, 4}), w = zeros({4, 5});
  const auto step = [&](const Tensor& x, const Tensor& h) {
    const Tensor q = reshape(matmul(h, query), {3, 1, 4});
    const Tensor scores = softmax(matmul(q, transpose(keys)), -1);
    const Tensor context = reshape(matmul(scores, keys), {3, 4});
    const Tensor mask = bernoulli({3, 5}, {.p = 0.5});
    const Tensor z = matmul(context, w);
    return tanh(z * mask + x);
  };
  expect_lines(explain(step, zeros({2, 3, 5}), zeros({3, 5})),
               {"    p1 = permute{[0, 2, 1]}(w1) [3, 4, 6]",
                "    product    %1 = matmul(h, w0) [3, 4], w0 packed",
                "    ordinary   %3 = matmul(%2, p1) [3, 1, 6]: not rows times a matrix",
                "    ordinary   %4 = softmax{2}(%3) [3, 1, 6]: only its own kernel knows it",
                "    ordinary   %5 = matmul(%4, w1) [3, 1, 4]: not rows times a matrix",
                "  rows: all 3 by one worker, since they are few, and ordinary kernels make all "
                "columns",
                "backward, in the other direction",
                "  rows: all 3 by one worker, since they are few, and ordinary kernels make all "
                "columns"});
  expect_lines(
      explain(step, zeros({2, 3, 5}), zeros({3, 5})),
      {"    ordinary   %8 = bernoulli{[3, 5], float32, 0.5, 0, 0, 0}() [3, 5]: it draws at "
       "every step"});
  const auto own = [](const Tensor& x, const Tensor& h) { return apply(Softsign{}, x + h); };
  expect_lines(
      explain(own, zeros({2, 3, 5}, float64), zeros({3, 5}, float64)),
      {"    ordinary   %2 = softsign(%1) [3, 5]: for all that is known it mixes rows",
       "  rows: all 3 by one worker, since an ordinary kernel inside the loop needs all of "
       "them",
       "  rows are mixed by softsign of float64 [3, 5]: no lengths"});
}

TEST(Explain, SaysHowManyInstructionsOperationsAreFusedInto) {
  const auto step = [](const Tensor& x, const Tensor& h) {
    const Tensor z = tanh(h) * x;
    return z + h;
  };
  expect_lines(
      explain(step, zeros({2, 3, 5}), zeros({3, 5})),
      {"    elements   3 operations, fused into 2 instructions over 5 columns in one pass"});
}

// A state is put beside what stands there, and is copied to it.
TEST(Explain, SaysWhatIsCopiedWhereValuesStandSideBySide) {
  const Tensor w = zeros({10, 5});
  const auto step = [&](const Tensor& x, const Tensor& h) {
    const Tensor z = tanh(h);
    return tanh(matmul(concat({z, h}), w) + x);
  };
  expect_lines(explain(step, zeros({2, 3, 5}), zeros({3, 5})),
               {"    joined     %2 = concat{1}(%1, h) [3, 10]", "h copied into %2"});
}

// The table has 6 rows, and each step looks up 3.
TEST(Explain, SaysFromWhenOnWorkGoesByATable) {
  const Tensor table = zeros({6, 4}), w = zeros({4, 5}), u = zeros({5, 5});
  const auto step = [&](const Tensor& tokens, const Tensor& h) {
    const Tensor x = take(table, tokens);
    const Tensor z = matmul(x, w);
    return tanh(z + matmul(h, u));
  };
  expect_lines(
      explain(step, zeros({2, 3}, int64), zeros({3, 5})),
      {"  before the loop, for many steps at once",
       "    %2 = matmul(%1, w1) [3, 5], by the table if there are 4 steps or more",
       "backward, in the other direction", "  after the loop, for many steps at once",
       "    %9 = matmul(%8, %5) [4, 5], by the table if there are 4 steps or more",
       "    %11 = matmul(%5, %10) [3, 4]",
       "    %12 = take_adjoint{6}(%11, x) [6, 4], by the table if there are 4 steps or more"});
}

TEST(Explain, SaysHowWorkersShareTheLoop) {
  const Tensor w = zeros({128, 128});
  const auto step = [&](const Tensor& x, const Tensor& h) { return tanh(x + matmul(h, w)); };
  const auto text = [&](int threads, Index batch) {
    const Threads scope(threads);
    return explain(step, zeros({4, batch, 128}), zeros({batch, 128}));
  };
  expect_lines(
      text(2, 32),
      {"  rows: 16 for each of 2 workers, who do not wait for each other, from 2 steps on"});
  expect_lines(
      text(3, 32),
      {"  rows: 11 for each of 3 workers, who do not wait for each other, from 2 steps on"});
  expect_lines(text(1, 32), {"  rows: all 32 by one worker, since there is one thread"});
  expect_lines(
      text(2, 4),
      {processor_count() == 1
           ? "  rows: all 4 by one worker, since there is one processor"
           : "  columns: shared by 2 workers, who wait for each other once a step, from 11 steps "
             "on"});
  expect_lines(
      text(2, 1),
      {"  rows: all 1 by one worker, since a step takes less time than waiting for others"});
  const Threads two(2);
  const auto hold = [](const Tensor& x, const Tensor& h) { return std::pair(h, x); };
  expect_lines(explain(hold, zeros({4, 32, 8}), zeros({32, 8})),
               {"  rows: all 32 by one worker, since the loop does nothing but copy"});
}

TEST(Explain, TellsOfEveryScanThatRunsAndLeavesNoTrace) {
  Rng rng(1);
  const nn::Recurrent<nn::LSTMCell> layer(
      {.input = 3, .hidden = 4, .layers = 2, .bidirectional = true}, rng);
  const Random scope(7);
  const Rng before = Random::state();
  Tape tape;
  const std::size_t recorded = tape.size();
  const std::string text = layer.explain(5);
  std::size_t count = 0;
  for (std::size_t at = 0;
       (at = text.find("forward, 5 rows of float32\n", at)) != std::string::npos; at++) {
    count++;
  }
  EXPECT_EQ(count, 4u);
  EXPECT_EQ(tape.size(), recorded);
  EXPECT_EQ(Random::state(), before);
}

TEST(Explain, CallsWeightsByTheNamesThatItIsGiven) {
  const Tensor w = zeros({2, 5}), u = zeros({5, 5}), b = zeros({5});
  const auto step = [&](const Tensor& x, const Tensor& h) {
    Tensor z = matmul(x, w);
    z = z + matmul(h, u);
    return tanh(z + b);
  };
  const auto run = [&] { scan(step, zeros({4, 3, 2}), zeros({3, 5}), {.segments = 2}); };
  const std::string text = explain(run, {{"of_x", w}, {"bias", b}, {"other", zeros({5})}});
  expect_lines(text, {"  %1 = matmul(x, of_x) [3, 5]", "  %2 = matmul(h, w1) [3, 5]",
                      "  always the same  bias [5], of_x [2, 5], w1 [5, 5]",
                      "    product    %3 = matmul(h, w1) [3, 5], w1 packed, added onto %2: %4",
                      "  gives dbias = the sum of %9"});
  EXPECT_EQ(text.find("the step, as it was traced"), text.rfind("the step, as it was traced"));
}

TEST(Explain, TellsOfALayerWhichOneItIsAndTheNamesOfItsWeights) {
  Rng rng(1);
  const nn::Recurrent<nn::LSTMCell> layer(
      {.input = 3, .hidden = 4, .layers = 2, .bidirectional = true, .batch_first = true}, rng);
  const std::string text = layer.explain(5);
  EXPECT_EQ(text.find("layer 0, from the first step to the last\nthe step, as it was traced\n"),
            0u);
  expect_lines(
      text,
      {"  %1 = permute{[1, 0]}(weight_ih_l0) [3, 16]", "\nlayer 0, from the last step to the first",
       "  %1 = permute{[1, 0]}(weight_ih_l0_reverse) [3, 16]",
       "\nlayer 1, from the first step to the last", "  %1 = permute{[1, 0]}(weight_ih_l1) [8, 16]",
       "\nlayer 1, from the last step to the first",
       "  %1 = permute{[1, 0]}(weight_ih_l1_reverse) [8, 16]"});
  EXPECT_NE(text.find("gives dweight_hh_l1_reverse = the sum of"), std::string::npos) << text;
  EXPECT_EQ(text.find("w0"), std::string::npos) << text;
}

TEST(Explain, SaysSoWhereNothingIsPlanned) {
  const PlainLoops plainly;
  EXPECT_EQ(explained("elman"),
            "no scan was planned: without steps or rows, in PlainLoops, and while notes are taken, "
            "a scan is the plain loop\n");
}

}  // namespace
}  // namespace rw::test
