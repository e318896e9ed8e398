// Tasks that cannot be learned with a wrong gradient: each asks for a memory, and has a level that
// no model without one can reach.
#include <gtest/gtest.h>

#include <random>

#include "rewind/nn/embedding.h"
#include "rewind/nn/gru.h"
#include "rewind/nn/linear.h"
#include "rewind/nn/loss.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/parameters.h"
#include "rewind/nn/recurrent.h"
#include "rewind/optim/adam.h"
#include "rewind/optim/clip.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/cumsum.h"
#include "rewind/tensor/division.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/reduction.h"
#include "support/elements.h"

namespace rw {
namespace {

template <class Cell>
struct Reader {  // a recurrent layer and a linear one on top
  nn::Recurrent<Cell> memory;
  nn::Linear head;
  Reader(Index input, Index hidden, Index outputs, Rng& rng)
      : memory({.input = input, .hidden = hidden}, rng), head(hidden, outputs, rng) {}
  static void members(auto& self, auto&& visit) {
    visit("memory", self.memory);
    visit("head", self.head);
  }
};

// `steps` steps of Adam down the losses of what `loss` draws.
template <class Model, class Loss>
void train(Model& model, int steps, double rate, Loss loss) {
  optim::Adam adam(nn::parameters(model), {.learning_rate = rate});
  for (int i = 0; i < steps; i++) {
    Tape tape;
    Gradients gradients = tape.backward(loss());
    optim::clip_norm(gradients, 1.0);
    adam.step(gradients);
  }
}

// Whether the number of ones so far is odd, at every step of a stream of bits. One bit turned
// anywhere turns all answers after it: guesses are right half of the time.
TEST(Learning, TheParityOfAStreamOfBits) {
  Rng rng(1);
  Reader<nn::GRUCell> model(1, 8, 1, rng);
  Tensor odd;
  const auto logits = [&](Index time, Index batch) {
    const Tensor bits = bernoulli({time, batch, 1}, {}, rng);
    odd = remainder(cumsum(bits, 0), 2);
    return model.head(model.memory(bits).outputs);
  };
  train(model, 500, 0.02, [&] {
    const Tensor y = logits(10, 32);
    return nn::binary_cross_entropy_with_logits(y, odd);
  });
  const Tensor answers = to(logits(40, 100) > 0, float32);  // longer streams than it has seen
  EXPECT_GT(mean(to(equal(answers, odd), float32)).item(), 0.98);
}

// The sum of the two numbers that are marked among fifty (Hochreiter and Schmidhuber, 1997).
// Answering 1, the mean, has a loss of 1 / 6.
TEST(Learning, ToAddTwoNumbersFarApart) {
  constexpr Index kTime = 50;
  Rng rng(3);
  Reader<nn::GRUCell> model(2, 12, 1, rng);
  const auto loss = [&](Index batch) {
    const Tensor numbers = uniform({kTime, batch}, {}, rng);
    const Tensor places = to(uniform({2, batch}, {.high = kTime / 2}, rng), int64);
    const Tensor marks = one_hot(places[0], kTime) + one_hot(places[1] + kTime / 2, kTime);
    const Tensor marked = transpose(marks);  // [time, batch]
    const Tensor target = sum(numbers * marked, {0});
    const Tensor last = model.memory(stack({numbers, marked}, 2)).last;
    return nn::mse(reshape(model.head(last), {batch}), target);
  };
  train(model, 300, 0.02, [&] { return loss(32); });
  EXPECT_LT(loss(500).item(), 0.02);
}

// Strings of the embedded Reber grammar (Cleeremans, Servan-Schreiber and McClelland, 1989): B, T
// or P, a string of the inner automaton, the same T or P again, E.
class Reber {
 public:
  static constexpr std::string_view kLetters = "BTSXPVE";

  std::string string() {
    struct Way {
      char letter;
      int to;
    };
    constexpr Way kWays[6][2] = {{{'T', 1}, {'P', 2}}, {{'S', 1}, {'X', 3}}, {{'T', 2}, {'V', 4}},
                                 {{'X', 2}, {'S', 5}}, {{'P', 3}, {'V', 5}}, {{'E', 6}, {'E', 6}}};
    const char frame = coin() ? 'T' : 'P';
    std::string text = {'B', frame, 'B'};
    for (int state = 0; state != 6;) {
      const Way way = kWays[state][coin()];
      text += way.letter;
      state = way.to;
    }
    return text + frame + 'E';
  }

 private:
  int coin() { return static_cast<int>(random_() >> 31); }
  std::mt19937 random_{5};
};

struct Strings {
  Tensor symbols, next;  // int64 [time, batch]; -100 where a string has ended
  Lengths lengths;       // of `symbols`: the last letter is only predicted

  Strings(Reber& reber, Index batch) {
    std::vector<std::string> all;
    std::size_t longest = 0;
    for (Index i = 0; i < batch; i++) {
      all.push_back(reber.string());
      longest = std::max(longest, all.back().size() - 1);
      lengths.push_back(std::ssize(all.back()) - 1);
    }
    const auto rows = static_cast<std::size_t>(batch);
    std::vector<Index> now(longest * rows, 0), then(longest * rows, -100);
    for (std::size_t row = 0; row < rows; row++) {
      for (std::size_t t = 0; t + 1 < all[row].size(); t++) {
        now[t * rows + row] = static_cast<Index>(Reber::kLetters.find(all[row][t]));
        then[t * rows + row] = static_cast<Index>(Reber::kLetters.find(all[row][t + 1]));
      }
    }
    symbols = from_span(now, {static_cast<Index>(longest), batch});
    next = from_span(then, symbols.shape());
  }
};

// The last letter but one is the second letter, whatever came between. A model that does not
// remember it is right half of the time.
TEST(Learning, TheEmbeddedReberGrammar) {
  Rng rng(2);
  Reber reber;
  nn::Embedding letters(7, 7, rng);
  Reader<nn::LSTMCell> model(7, 14, 7, rng);
  letters.weight.value() = eye(7);
  letters.weight.freeze();
  const auto logits = [&](const Strings& strings) {
    return model.head(model.memory(letters(strings.symbols), {.lengths = strings.lengths}).outputs);
  };
  train(model, 500, 0.02, [&] {
    const Strings strings(reber, 24);
    return nn::cross_entropy(logits(strings), strings.next);
  });
  const Strings strings(reber, 400);
  const Tensor y = logits(strings);
  int right = 0;
  for (std::size_t row = 0; row < strings.lengths.size(); row++) {
    const Index frame = strings.lengths[row] - 2;  // where the last letter but one is predicted
    const Tensor best = argmax(y[frame][static_cast<Index>(row)]);
    right += best.item() == strings.next[frame][static_cast<Index>(row)].item();
  }
  EXPECT_GT(right, 380);
}

}  // namespace
}  // namespace rw
