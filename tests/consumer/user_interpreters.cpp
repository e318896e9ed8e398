// Interpreters of somebody else, each in far fewer than forty lines: a trap for NaN, a profiler, a
// tracer of shapes. (The library's own say more: where the NaN stands, how the time is shared.)
#include <rewind/rewind.h>

#include <chrono>
#include <map>

using namespace rw;

struct Trap final : Interpreter {
  void run(Call& call) override {
    call.donated = 0;  // the inputs are looked at afterwards
    hand_down(call);
    for (const Tensor& y : call.outputs) {
      if (is_finite(y)) continue;
      for (const Tensor* x : call.inputs) {
        if (!is_finite(*x)) return;
      }
      throw Error(fmt::format("{} leaves the finite numbers", call.type.name));
    }
  }
  static bool is_finite(const Tensor& x) {
    return !is_float(x.dtype()) || !x.has_data() || all(isfinite(x)).item() != 0;
  }
};

struct Stopwatch final : Interpreter {
  std::map<std::string_view, std::chrono::nanoseconds> taken;
  void run(Call& call) override {
    const auto start = std::chrono::steady_clock::now();
    hand_down(call);
    taken[call.type.name] += std::chrono::steady_clock::now() - start;
  }
};

struct ShapeList final : Interpreter {
  std::vector<std::string> lines;
  void run(Call& call) override {  // computes nothing: nothing is handed down
    call.type.infer(call.op, call.inputs, call.outputs);
    for (const Tensor& y : call.outputs) {
      lines.push_back(fmt::format("{} {}", call.type.name, y.shape()));
    }
  }
};

void require_that(bool holds, const char* what) {
  if (!holds) throw Error(what);
}

int main() {
  const Tensor x = tensor({{1.0, 0.0}, {2.0, 3.0}});
  {
    const Trap trap;
    std::string text;
    try {
      const Tensor y = log(x);
    } catch (const Error& error) {
      text = error.what();
    }
    require_that(text == "log leaves the finite numbers", "the trap");
  }
  {
    const Stopwatch watch;
    const Tensor y = matmul(x, tanh(x));
    require_that(watch.taken.size() == 2 && watch.taken.contains("matmul"), "the stopwatch");
  }
  {
    const ShapeList shapes;
    const Tensor y = matmul(x, ones({2, 1000}));
    require_that(!y.has_data() && shapes.lines.back() == "matmul [2, 1000]", "the shapes");
  }
}
