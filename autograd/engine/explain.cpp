#include "rewind/autograd/engine/explain.h"

namespace rw::engine {
namespace {

class Text {
 public:
  explicit Text(const Program& program) : program_(program) {}

  std::string all() && {
    nodes_with("before the loop", [](Fate fate) { return fate == Fate::before; });
    text_ += "at every step\n";
    for (const Instruction& instruction : program_.loop) {
      text_ += "  ";
      std::visit([&](const auto& i) { describe(i); }, instruction);
      text_ += "\n";
    }
    nodes_with("after the loop", runs_after);
    for (const int s : program_.fates.accumulated) {
      text_ += fmt::format("added up at every step: {}\n",
                           value(program_.step.sums[static_cast<std::size_t>(s)]));
    }
    memory();
    text_ += fmt::format("rows: {}\n", rows());
    return std::move(text_);
  }

 private:
  const Graph& graph() const { return program_.step.graph; }
  std::string value(ValueId v) const { return fmt::format("%{} {}", v, graph().spec(v)); }

  void describe(const ProductInstruction& i) {
    text_ += fmt::format("product   {} {}= {} columns {} packed [{}, {}]", value(i.value),
                         i.add ? "+" : "", buffer(i.a.place), i.k, i.k, i.n);
  }
  void describe(const ElementInstruction& i) {
    text_ += fmt::format(
        "elements  {} instructions over {} columns:", i.program.instructions.size(), i.columns);
    for (const ValueId v : i.values) {
      text_ += fmt::format(" %{}={}", v, graph().maker(v)->operation.type().name);
    }
  }
  void describe(const OrdinaryInstruction& i) {
    const Graph::Node& node = graph().nodes()[static_cast<std::size_t>(i.node)];
    text_ += fmt::format("ordinary  {} = {}", value(node.first), node.operation.text());
  }
  void describe(const CopyInstruction& i) {
    text_ += fmt::format("copy      {} to {}, {} columns", buffer(i.from), buffer(i.to), i.columns);
  }

  void describe(const ArrangeInstruction& i) {
    text_ += fmt::format("arrange   {} in {}, rows first", value(i.value), buffer(i.to));
  }

  std::string buffer(Place place) const {
    static constexpr std::string_view names[] = {"input", "before", "constant", "state",
                                                 "stack", "local",  "made"};
    const Buffer& b = program_.buffers[static_cast<std::size_t>(place.buffer)];
    return fmt::format("{} {}[{}..]", names[static_cast<int>(b.kind)], place.buffer, place.column);
  }

  template <class F>
  void nodes_with(std::string_view title, F holds) {
    text_ += fmt::format("{}\n", title);
    for (std::size_t n = 0; n < graph().nodes().size(); n++) {
      if (!holds(program_.fates.node[n])) continue;
      const Graph::Node& node = graph().nodes()[n];
      text_ += fmt::format("  {} = {}\n", value(node.first), node.operation.text());
    }
  }

  void memory() {
    Index stacked = 0, aliased = 0;
    for (const Buffer& b : program_.buffers) {
      if (b.kind == Buffer::stack) stacked += b.width;
    }
    for (ValueId v = 0; v < graph().values(); v++) {
      const auto& stack = program_.stacks[static_cast<std::size_t>(v)];
      if (!stack) continue;
      const Buffer& b = program_.buffers[static_cast<std::size_t>(stack->buffer)];
      if (b.kind == Buffer::before) aliased++;
    }
    text_ += fmt::format(
        "remembered for every step and row: {} numbers; {} more values where work "
        "before the loop left its own\n",
        stacked, aliased);
  }

  std::string rows() const {
    if (program_.rows_apart) return "shared by workers, who never wait for each other";
    return program_.mixing.empty() ? "one worker (ordinary kernels run inside the loop)"
                                   : "one worker (" + program_.mixing + " mixes them)";
  }

  const Program& program_;
  std::string text_;
};

}  // namespace

std::string to_string(const Program& program) { return Text(program).all(); }

}  // namespace rw::engine
