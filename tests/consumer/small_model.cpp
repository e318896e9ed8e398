// The whole program of README.md, at most thirty lines. It learns to add the numbers that are
// marked in sequences of fifty.
#include <rewind/rewind.h>

using namespace rw;

struct Adder {
  nn::Recurrent<nn::GRUCell> rnn;
  nn::Linear head;
  explicit Adder(Rng& rng) : rnn({.input = 2, .hidden = 32}, rng), head(32, 1, rng) {}
  Tensor operator()(const Tensor& x) const { return squeeze(head(rnn(x).last), -1); }
  static void members(auto& self, auto&& visit) {
    visit("rnn", self.rnn);
    visit("head", self.head);
  }
};

int main() {
  Rng rng(1);
  Adder model(rng);
  optim::Adam adam(nn::parameters(model), {.learning_rate = 1e-2});
  for (int step = 0; step <= 300; step++) {
    const Tensor values = uniform({50, 32}, {}, rng);  // [time, batch]
    const Tensor marks = bernoulli({50, 32}, {.p = 0.04}, rng);
    Tape tape;
    const Tensor loss = nn::mse(model(stack({values, marks}, -1)), sum(values * marks, 0));
    Gradients gradients = tape.backward(loss);
    optim::clip_norm(gradients, 1.0);
    adam.step(gradients);
    if (step % 50 == 0) fmt::print("step {} loss {:.4f}\n", step, loss.item());
  }
}
