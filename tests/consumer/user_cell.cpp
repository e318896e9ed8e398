// A cell of somebody else in Recurrent: two layers learn to recall the first number of a sequence.
// README.md shows the cell.
#include <rewind/rewind.h>

#include "minimal_gated_cell.h"

using namespace rw;
using user::MyEncoder;

struct Recaller {
  MyEncoder encoder;
  nn::Linear head;
  explicit Recaller(Rng& rng)
      : encoder({.input = 1, .hidden = 16, .layers = 2}, rng), head(16, 1, rng) {}
  static void members(auto& self, auto&& visit) {
    visit("encoder", self.encoder);
    visit("head", self.head);
  }
};

int main() {
  Rng rng(1);
  Recaller model(rng);
  optim::Adam adam(nn::parameters(model), {.learning_rate = 1e-2});
  const Tensor xs = normal({6, 16, 1}, {}, rng);
  const Lengths lengths = {6, 5, 4, 3, 6, 5, 4, 3, 6, 5, 4, 3, 6, 5, 4, 3};
  double first = 0, last = 0;
  for (int step = 0; step < 60; step++) {
    Tape tape;
    const auto result = model.encoder(xs, {.lengths = lengths});
    const Tensor loss = nn::mse(model.head(result.last), xs[0]);
    adam.step(tape.backward(loss));
    last = loss.item();
    if (step == 0) first = last;
  }
  fmt::print("loss {:.4f}, at the end {:.4f}\n", first, last);
  if (!(last < 0.1 * first)) throw Error("the cell does not learn");
}
