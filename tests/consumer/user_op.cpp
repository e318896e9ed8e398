// An operation of somebody else, with a gradient derived by hand, which must be right to second
// order. README.md shows it.
#include <rewind/rewind.h>

using namespace rw;

struct Gaussian {  // exp(-x^2)
  static constexpr std::string_view name = "gaussian";
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    map(x, y, [](auto v) { return std::exp(-v * v); });
  }
  static void derivative(Rules<Gaussian> d) {
    d([](const Tensor& dy, Input<0> x, Output y) { return -2 * dy * x * y; });
  }
};
Tensor gaussian(const Tensor& x) { return apply(Gaussian{}, x); }

int main() {
  const Tensor x = tensor({-2.0, 0.5, 3.0}, float64);
  if (!gradcheck(gaussian, {x}) || !gradgradcheck(gaussian, {x})) throw Error("gradient is wrong");

  Tape tape;
  const Tensor w = tape.watch(tensor({0.5, 1.0}));
  const Gradients gradients = tape.backward(sum(gaussian(w)));
  const Tensor expected = tensor({-2 * 0.5 * std::exp(-0.25), -2 * std::exp(-1.0)});
  if (max(abs(gradients[w] - expected)).item() > 1e-6) throw Error("not the formula's gradient");
}
